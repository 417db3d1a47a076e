"""An Outcome as bytes: what the API server, kubectl and the audit log are given."""

import base64
import json
from typing import Any

import pytest

from webhook.inject.annotations import Problem
from webhook.inject.mutate import Outcome, Patched, Rejected, Skipped
from webhook.inject.reasons import Reason
from webhook.server.answer import SHOWN, answer, failed, malformed, status

PATCH = b'[{"op":"add","path":"/spec/x","value":1}]'
ENV = Problem(Reason.UNKNOWN_VARIABLE, "podmeta/env", "POD_PI", "did you mean POD_IP?")
VOLUME = Problem(Reason.BAD_BOOLEAN, "podmeta/volume", "maybe", '"true" or "false"')


def response(outcome: Outcome, uid: str = "u", name: str = "web") -> dict[str, Any]:
    review = json.loads(answer(outcome).body(uid, name))
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    found: dict[str, Any] = review["response"]
    return found


def test_patched_to_the_byte() -> None:
    found = answer(Patched(PATCH, ("podmeta: look",), (Reason.ENV_KEPT, Reason.ENV_KEPT), ("app", "side")))
    assert found.body("u-1", "ignored") == (
        b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":true,'
        b'"patchType":"JSONPatch","patch":"' + base64.b64encode(PATCH) + b'","warnings":["podmeta: look"],'
        b'"auditAnnotations":{"outcome":"patched","reasons":"injected,env-kept","containers":"app,side"}}}'
    )
    assert (found.outcome, found.reason, found.reasons) == ("patched", "injected", ("injected", "env-kept"))
    assert found.containers == "app,side"


def test_skipped_has_neither_patch_nor_type_nor_empty_warnings() -> None:
    assert response(Skipped(Reason.NOT_ASKED)) == {
        "uid": "u",
        "allowed": True,
        "auditAnnotations": {"outcome": "skipped", "reasons": "not-asked"},
    }
    warned = response(Skipped(Reason.INVALID, ("podmeta: not injected: x",), (Reason.BAD_PORT,)))
    assert warned["warnings"] == ["podmeta: not injected: x"]
    assert warned["auditAnnotations"]["reasons"] == "invalid,bad-port"


def test_rejected_is_invalid_with_a_cause_for_each_problem() -> None:
    """`message` for the event of a ReplicaSet, `causes` for kubectl, which prints `field: message` a line each."""
    assert response(Rejected((ENV, VOLUME))) == {
        "uid": "u",
        "allowed": False,
        "auditAnnotations": {"outcome": "rejected", "reasons": "invalid,unknown-variable,bad-boolean"},
        "status": {
            "status": "Failure",
            "message": f"(1) {ENV} (2) {VOLUME}",
            "reason": "Invalid",
            "code": 422,
            "details": {
                "kind": "Pod",
                "causes": [
                    {
                        "reason": "FieldValueInvalid",
                        "message": "'POD_PI': no such variable in the catalogue; did you mean POD_IP?",
                        "field": "metadata.annotations[podmeta/env]",
                    },
                    {
                        "reason": "FieldValueInvalid",
                        "message": '\'maybe\': not a boolean; accepted: "true" or "false"',
                        "field": "metadata.annotations[podmeta/volume]",
                    },
                ],
                "name": "web",
            },
        },
    }
    assert response(Rejected((ENV,)))["status"]["message"] == str(ENV)


def test_a_hundred_thousand_problems_are_an_answer_of_ordinary_size() -> None:
    """What the API server lets through before it checks sizes must not become a thousand times as large here."""
    found = response(Rejected((ENV,) * 100_000))["status"]
    assert len(found["details"]["causes"]) == SHOWN
    assert found["message"].endswith(f"({SHOWN}) {ENV} ... and {100_000 - SHOWN} more")
    warnings = response(Skipped(Reason.INVALID, ("podmeta: x",) * 100_000))["warnings"]
    assert warnings[SHOWN:] == [f"podmeta: ... and {100_000 - SHOWN} more"]
    assert len(response(Skipped(Reason.INVALID, ("podmeta: x",) * SHOWN))["warnings"]) == SHOWN
    assert "more" not in response(Rejected((ENV,) * SHOWN))["status"]["message"]


@pytest.mark.parametrize("text", ['a"b', "back\\slash", "line\nbreak", "\0", "ü😀", ""])
def test_uid_and_name_come_back_as_they_were(text: str) -> None:
    for outcome in (Patched(PATCH, (), (), ()), Skipped(Reason.NOT_ASKED), Rejected((ENV,))):
        assert response(outcome, uid=text, name=text)["uid"] == text
    assert response(Rejected((ENV,)), name=text)["status"]["details"]["name"] == text


def test_a_malformed_review_is_denied_with_the_sentence() -> None:
    assert json.loads(malformed("why").body("u", ""))["response"] == {
        "uid": "u",
        "allowed": False,
        "status": {"status": "Failure", "message": "why", "reason": "BadRequest", "code": 400},
    }


def test_a_bug_is_in_the_form_of_the_protocol_and_says_so() -> None:
    found = json.loads(failed().body("u", ""))["response"]
    assert (found["uid"], found["allowed"], found["status"]["code"]) == ("u", False, 500)
    assert "a bug" in found["status"]["message"]


def test_status_is_metav1() -> None:
    assert json.loads(status(415, "UnsupportedMediaType", "no")) == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "no",
        "reason": "UnsupportedMediaType",
        "code": 415,
    }
