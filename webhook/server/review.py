"""The body of one request to what is answered: decode, question, decide, answer.

Rule: every body gets an answer. A bug of ours becomes one too, so that the process serves the next request.
Strategy: `decide` is an argument, the pure core with its Defaults. What was decided before is remembered, by the body's
      bytes where they are those of a replica, else by the Question. Metrics and log read the Review afterwards, from
      outside.
"""

from collections.abc import Awaitable, Callable

import msgspec

from webhook.api.pod import Pod, PodSpec
from webhook.api.review import AdmissionRequest, Malformed, decode
from webhook.inject.mutate import Outcome
from webhook.inject.question import Door, Question, question
from webhook.inject.reasons import Reason
from webhook.server.answer import Answer, answer, failed, malformed, status
from webhook.server.memory import Memory, Sightings
from webhook.server.replicas import Kept, Replicas

Decide = Callable[[Question], Outcome]
Foresee = Callable[[str, str], Awaitable[bool]]  # namespace, ServiceAccount: is it known that it may not list pods?


class Review(msgspec.Struct, frozen=True):
    """One review, answered. `request`: None where it could not be read, and `message` says why; `error`: the bug.

    `remembered`: the Question was known; `replica`: it was not even asked, and of the request's pod little is read.
    """

    status: int
    body: bytes
    door: Door
    answer: Answer
    uid: str | None
    request: AdmissionRequest | None = None
    remembered: bool = False
    replica: bool = False
    message: str | None = None
    error: Exception | None = None


class Reviewer:
    """The core behind two memories that share a budget of bytes; 0 remembers nothing."""

    def __init__(self, decide: Decide, budget: int) -> None:
        self._decide = decide
        self._memory = Memory(budget // 2)
        self._replicas = Replicas(budget // 2)
        self._sightings = Sightings()

    def review(self, body: bytes | bytearray, door: Door) -> Review:
        """Answer a body that came through a door."""
        uid = None
        try:
            kept = self._replicas.find(body, door)
            if kept is not None:
                return _replica(kept, body, door)
            request = decode(body)
            uid = request.uid
            if isinstance(request, Malformed):
                return _malformed(request, door)
            asked = question(request, door)
            if not self._sightings.again(asked):
                found, remembered = answer(self._decide(asked)), False
            else:
                found, remembered = self._recalled(asked)
                self._replicas.keep(body, request, asked, found)
            return Review(200, found.body(request.uid, request.name), door, found, uid, request, remembered)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a bug, and its place is the log
            return _failed(error, uid, door)

    def _recalled(self, asked: Question) -> tuple[Answer, bool]:
        """The answer that was given last time, or one that is kept for the next."""
        key = Memory.key(asked)
        found = self._memory.get(key)
        if found is not None:
            return found, True
        found = answer(self._decide(asked))
        self._memory.put(key, found)
        return found, False


async def foreseen(review: Review, foresee: Foresee) -> Review:
    """The review of a pod with an ambassador, warned if the ambassador will be of no use.

    Outside of the memory: a ServiceAccount's rights do not follow from the pod's shape, and they change.
    """
    request = review.request or AdmissionRequest("")
    spec = (request.object or Pod()).spec or PodSpec()
    account = spec.service_account_name or "default"
    if not await foresee(request.namespace, account):
        return review
    warning = f"podmeta: {request.namespace}/{account}: {Reason.CANNOT_LIST.sentence}"
    warned = review.answer.warned(Reason.CANNOT_LIST, warning)
    return msgspec.structs.replace(review, answer=warned, body=warned.body(request.uid, request.name))


def _replica(kept: Kept, body: bytes | bytearray, door: Door) -> Review:
    request, found = kept.request_of(body), kept.answer
    answered = found.body(request.uid, request.name)
    return Review(200, answered, door, found, request.uid, request, remembered=True, replica=True)


def _malformed(request: Malformed, door: Door) -> Review:
    found = malformed(request.message)
    if request.uid is None:
        body = status(400, "BadRequest", request.message)
        return Review(400, body, door, found, None, message=request.message)
    return Review(200, found.body(request.uid, ""), door, found, request.uid, message=request.message)


def _failed(error: Exception, uid: str | None, door: Door) -> Review:
    found = failed()
    body = status(500, "InternalError", "podmeta failed on this body: a bug") if uid is None else found.body(uid, "")
    return Review(500, body, door, found, uid, error=error)
