"""Is this pod to be injected at all?

Rule: the truth table in reasons.py, its rows in that order.
Strategy: a pure predicate over the Question; None means yes. What the annotation says is parsed elsewhere.
"""

from webhook.inject.annotations import INJECT
from webhook.inject.question import Door, Question
from webhook.inject.reasons import Reason

COVERED = {"pods": "CREATE", "pods/ephemeralcontainers": "UPDATE"}


def ineligible(question: Question) -> Reason | None:
    """Why the pod is left alone whatever else it says, or None."""
    if COVERED.get(question.resource) != question.operation:
        return Reason.OPERATION if question.resource.partition("/")[0] == "pods" else Reason.NOT_A_POD
    if question.mirror:
        return Reason.MIRROR_POD
    if question.deleting:
        return Reason.BEING_DELETED
    asked = dict(question.annotations).get(INJECT)
    if asked == "false":
        return Reason.OPTED_OUT
    if asked is None and question.door is Door.POD:
        return Reason.NOT_ASKED
    return None
