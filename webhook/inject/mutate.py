"""One request to one Outcome: the whole decision, pure.

Rule: an Outcome is Patched, Skipped or Rejected; there is no fourth, and none is without a Reason.
Strategy: eligible? -> Options -> Plan -> operations -> bytes. `consider` stops at the Plan, for whoever wants to
      explain it; `decide` goes on to the bytes, and takes a short way to them where the pod is a usual one. Both depend
      on the Question and the Defaults alone.
"""

from collections.abc import Iterable

import msgspec

from webhook.api.jsonpatch import document
from webhook.inject.annotations import Problem
from webhook.inject.eligibility import ineligible
from webhook.inject.patch import operations
from webhook.inject.plan import Plan, plan
from webhook.inject.question import Question
from webhook.inject.reasons import Reason
from webhook.inject.situation import Defaults, Notes
from webhook.inject.usual import usual

ROOM = 160  # characters of names in one warning; the API server cuts long ones when there are many


class Patched(msgspec.Struct, frozen=True):
    """The pod is admitted with `patch`, a JSON Patch document. `reasons`: what is to be known about single items.

    `ambassador`: the pod gets one.
    """

    patch: bytes
    warnings: tuple[str, ...]
    reasons: tuple[Reason, ...]
    containers: tuple[str, ...]
    ambassador: bool = False


class Skipped(msgspec.Struct, frozen=True):
    """The pod is admitted as it is."""

    reason: Reason
    warnings: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()


class Rejected(msgspec.Struct, frozen=True):
    """The pod is denied: every problem of its annotations."""

    problems: tuple[Problem, ...]


Outcome = Patched | Skipped | Rejected


def consider(question: Question, defaults: Defaults) -> Plan | Skipped | Rejected:
    """What is to be added, before it becomes a patch."""
    if reason := ineligible(question):
        return Skipped(reason)
    planned = plan(question, defaults)
    return planned if isinstance(planned, Plan) else Rejected(planned)


def decide(question: Question, defaults: Defaults) -> Outcome:
    """The Outcome of a Question."""
    if found := usual(question, defaults):
        return Patched(document(found.operations), (), found.reasons, found.containers)
    return planned(question, defaults)


def planned(question: Question, defaults: Defaults) -> Outcome:
    """The Outcome of any pod, the usual one among them, by way of its Plan."""
    considered = consider(question, defaults)
    if isinstance(considered, Rejected):
        return considered if defaults.deny_invalid else _admitted(considered)
    if isinstance(considered, Skipped):
        return considered
    reasons = tuple(dict.fromkeys([note.reason for _, notes in considered.notes for note in notes]))
    said = tuple(warnings(considered.notes))
    patch = operations(considered)
    if not patch:
        return Skipped(Reason.NOTHING_TO_ADD, said, reasons)
    containers = tuple([container.target.name for container in considered.containers])
    return Patched(document(patch), said, reasons, containers, considered.access.container is not None)


def _admitted(rejected: Rejected) -> Skipped:
    """`onInvalid: warn`: unchanged, and every problem said."""
    reasons = tuple(dict.fromkeys(problem.reason for problem in rejected.problems))
    said = tuple(f"podmeta: not injected: {problem}" for problem in rejected.problems)
    return Skipped(Reason.INVALID, said, reasons)


def warnings(notes: Iterable[Notes]) -> Iterable[str]:
    """One warning for each container and reason, naming the items."""
    grouped: dict[tuple[str, Reason], list[str]] = {}
    for container, said in notes:
        for note in said:
            if note.warn:
                grouped.setdefault((container, note.reason), []).append(note.item)
    for (container, reason), items in grouped.items():
        names = ", ".join(items)
        cut = names if len(names) <= ROOM else names[: ROOM - 1] + "…"
        where = f"container {container}: " if container else ""
        yield f"podmeta: {where}{cut}: {reason.sentence}"
