"""An Outcome to the bytes of an AdmissionReview, admission.k8s.io/v1.

Rule: whoever can be answered in the protocol's own form is: what the API server cannot read it reports to the user as
      a broken webhook, without our sentence.
Strategy: only the uid (and the pod's name in a denial) differ between two answers to the same Question, so the rest
      is built once per Outcome; an answer is put together from its pieces, so that the patch, which is most of it, is
      copied once.
Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response
"""

from sys import getsizeof
from typing import Any, assert_never

import msgspec
from pybase64 import b64encode

from webhook.inject.annotations import Problem
from webhook.inject.mutate import Outcome, Patched, Rejected, Skipped
from webhook.inject.reasons import Reason

PREFIX = b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":'
# What became of a request that never reached the core; beside the Outcomes in the metric's and the log's `outcome`.
MALFORMED = "malformed"
FAILED = "failed"
# A pod may have a hundred thousand mistakes (the API server checks sizes only after us); an answer names this many.
SHOWN = 32

_ALLOWED = b',"allowed":true'
_PATCHED = _ALLOWED + b',"patchType":"JSONPatch","patch":"'
_AFTER = b'",'
_INJECTED = Reason.INJECTED  # an Enum looks its members up by a function
_CODES = {reason: reason.value for reason in Reason}
_encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True):
    """The part of an answer that can be remembered, and the labels under which it is counted and logged.

    `patch`: in base64; `tail`: what follows it, or the uid where there is none. `named`: the tail ends where the pod's
    name belongs. `ambassador`: the pod gets one.
    """

    outcome: str
    reason: str
    reasons: tuple[str, ...]
    containers: str
    tail: bytes
    patch: bytes = b""
    named: bool = False
    ambassador: bool = False

    def body(self, uid: str, name: str) -> bytes:
        """The whole AdmissionReview for one request."""
        if self.patch:
            return b"".join((PREFIX, _encode(uid), _PATCHED, self.patch, self.tail))
        if self.named:
            return PREFIX + _encode(uid) + self.tail + _encode(name) + b"}}}}"
        return PREFIX + _encode(uid) + self.tail

    @property
    def size(self) -> int:
        """The memory that its texts take, in bytes."""
        return getsizeof(self.patch) + getsizeof(self.tail) + getsizeof(self.containers)

    def warned(self, reason: Reason, warning: str) -> "Answer":
        """This answer, with a patch, with one warning more, for what does not follow from the pod's shape."""
        response = msgspec.json.decode(b"{" + self.tail[len(_AFTER) : -1])
        reasons = (*self.reasons, reason.value)
        response["warnings"] = [*response.get("warnings", ()), warning]
        response["auditAnnotations"]["reasons"] = ",".join(reasons)
        return msgspec.structs.replace(self, reasons=reasons, tail=_AFTER + _encode(response)[1:] + b"}")


def answer(outcome: Outcome) -> Answer:
    """The Answer that says this Outcome."""
    match outcome:
        case Patched(patch, warnings, reasons, containers, ambassador):
            names = ",".join(containers)
            said = _codes(_INJECTED, *reasons)
            tail = b'"' + _allowed(warnings, _audit("patched", said, names))
            return Answer("patched", said[0], said, names, tail, b64encode(patch), ambassador=ambassador)
        case Skipped(reason, warnings, reasons):
            # Neither patch nor patchType: an empty patch still counts as a mutation, and one without the other is
            # refused by the API server.
            said = _codes(reason, *reasons)
            return Answer("skipped", said[0], said, "", _ALLOWED + _allowed(warnings, _audit("skipped", said)))
        case Rejected(problems):
            said = _codes(Reason.INVALID, *(problem.reason for problem in problems))
            return Answer("rejected", said[0], said, "", _denied(problems, said), named=True)
        case _ as never:
            assert_never(never)


def malformed(message: str) -> Answer:
    """For a body whose uid could be read. Within HTTP 200, so that the user sees this sentence and not only a 400."""
    return Answer(MALFORMED, MALFORMED, (MALFORMED,), "", _refused(400, "BadRequest", message))


def failed() -> Answer:
    """For a bug of ours. Its HTTP code is 500: only then the API server lets the failurePolicy decide, and a cluster
    whose installer chose Ignore goes on; `allowed: false` within HTTP 200 would deny the pod whatever it says.
    """
    message = "podmeta failed on this pod: a bug; its log has a traceback under this uid, the pod was not judged"
    return Answer(FAILED, FAILED, (FAILED,), "", _refused(500, "InternalError", message))


def status(code: int, reason: str, message: str) -> bytes:
    """A metav1.Status, the form of Kubernetes' own errors, where no uid is known to answer to."""
    return _encode({"kind": "Status", "apiVersion": "v1", "metadata": {}, **_status(code, reason, message)})


def _codes(*reasons: Reason) -> tuple[str, ...]:
    return tuple([_CODES[reason] for reason in dict.fromkeys(reasons)])


def _audit(outcome: str, reasons: tuple[str, ...], containers: str = "") -> dict[str, str]:
    """For the audit log, where the API server puts the webhook's name before each key."""
    audit = {"outcome": outcome, "reasons": ",".join(reasons)}
    return {**audit, "containers": containers} if containers else audit


def _allowed(warnings: tuple[str, ...], audit: dict[str, str]) -> bytes:
    more_of_them = (f"podmeta: ... and {len(warnings) - SHOWN} more",) if len(warnings) > SHOWN else ()
    said = {"warnings": warnings[:SHOWN] + more_of_them} if warnings else {}
    return _tail({**said, "auditAnnotations": audit}) + b"}"


def _refused(code: int, reason: str, message: str) -> bytes:
    return _tail({"allowed": False, "status": _status(code, reason, message)}) + b"}"


def _denied(problems: tuple[Problem, ...], reasons: tuple[str, ...]) -> bytes:
    """422 Invalid, as the API server itself says that a field is wrong, up to where the pod's name follows.

    `message` holds every problem, since the event of a ReplicaSet shows nothing else. `causes` hold them one by one,
    since kubectl prints these for the reason Invalid, a line each, under the kind and the name of `details`.
    """
    shown = problems[:SHOWN]
    sentences = [str(problem) for problem in shown]
    message = sentences[0] if len(sentences) == 1 else " ".join(f"({i}) {s}" for i, s in enumerate(sentences, 1))
    message += f" ... and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    causes = [
        {
            "reason": "FieldValueInvalid",
            "message": sentence.removeprefix(f"{problem.key}: "),
            "field": f"metadata.annotations[{problem.key}]",
        }
        for problem, sentence in zip(shown, sentences, strict=True)
    ]
    details = {"kind": "Pod", "causes": causes, "name": ""}
    said = {**_status(422, "Invalid", message), "details": details}
    whole = _tail({"allowed": False, "auditAnnotations": _audit("rejected", reasons), "status": said})
    return whole.removesuffix(b'""}}}')


def _status(code: int, reason: str, message: str) -> dict[str, Any]:
    return {"status": "Failure", "message": message, "reason": reason, "code": code}


def _tail(fields: dict[str, Any]) -> bytes:
    """An object's fields to follow another's: its opening brace becomes a comma."""
    return b"," + _encode(fields)[1:]
