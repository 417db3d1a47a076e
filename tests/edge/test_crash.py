"""A bug inside: an answer in the protocol's form, an HTTP code that lets the failurePolicy decide, and no end of it."""

import json
from types import NoneType

from tests.edge.inside import inside
from tests.edge.service import UID, pod, review
from tests.edge.wire import post
from tests.pods import DEFAULTS
from webhook.inject.mutate import Outcome, decide
from webhook.inject.question import Question
from webhook.server.app import Application
from webhook.server.review import Review


def buggy(question: Question) -> Outcome:
    """Right, unless the pod's namespace is `bug`."""
    if question.namespace == "bug":
        raise RuntimeError("inside")
    return decide(question, DEFAULTS)


def test_a_crash_is_answered_counted_and_forgotten() -> None:
    seen: list[Review] = []
    application = Application(buggy)
    application.observers.append(lambda found, _: seen.append(found))
    with inside(application) as server, server.wire() as wire:
        for namespace in ("fine", "bug", "bug", "fine", "bug", "fine"):
            wire.send(post(review(pod(), namespace=namespace)))
        answers = [wire.answer() for _ in range(6)]
    assert [answer.code for answer in answers] == [200, 500, 500, 200, 500, 200]
    assert answers[0].body == answers[3].body == answers[5].body
    whole = json.loads(answers[1].body)
    assert (whole["apiVersion"], whole["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    response = whole["response"]
    assert (response["uid"], response["allowed"], response["status"]["code"]) == (UID, False, 500)
    assert "connection" not in answers[1].headers
    assert [type(found.error) for found in seen] == [
        NoneType,
        RuntimeError,
        RuntimeError,
        NoneType,
        RuntimeError,
        NoneType,
    ]
    assert [found.remembered for found in seen] == [False] * 5 + [True]  # a crash is no answer to remember
    assert application.in_flight == 0


def test_a_crash_behind_an_answer_costs_the_connection_alone() -> None:
    """What counts and logs has a bug: the answer is out and stays the only one; whoever comes next gets his."""
    application = Application(buggy)
    application.observers.append(lambda _, __: 1 / 0)
    with inside(application) as server:
        for _ in range(2):
            with server.wire() as wire:
                wire.send(post(review(pod())))
                assert wire.answer().code == 200
                assert wire.closed()
    assert application.in_flight == 0
