"""The body of a request under its limits.

Rule: what is refused is refused as early as it can be known, in a sentence, and nothing is buffered beyond the limit.
Strategy: the headers first, then event by event. One timer watches over all bodies that are on their way.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
GiveUp = Callable[[], None]

# The API server takes at most 3 MiB of a client (MaxRequestBodyBytes of k8s.io/apiserver). An AdmissionReview holds
# that twice on an update, as object and oldObject; 1 MiB is left for the envelope (user, extra, options).
LIMIT = (3 + 3 + 1) * 1024 * 1024
JSON = b"application/json"


class Refusal(msgspec.Struct, frozen=True):
    """Why a request is not answered with a review: HTTP code, Kubernetes' reason, sentence."""

    code: int
    reason: str
    message: str


WRONG_TYPE = Refusal(415, "UnsupportedMediaType", "the content type is not accepted; accepted: application/json")
TOO_LARGE = Refusal(
    413, "RequestEntityTooLarge", f"the body is larger than {LIMIT} bytes, which is more than an API server sends"
)
EMPTY = Refusal(400, "BadRequest", "the body is empty; accepted: an AdmissionReview in JSON")


class Patience:
    """Calls what takes too long to be given up. One timer for all of them: a timer each would cost 3 us a request."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._since: dict[GiveUp, float] = {}  # all wait equally long, so the first is the first to be late
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, give_up: GiveUp) -> None:
        loop = asyncio.get_running_loop()
        self._since[give_up] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self.seconds, self._expire, loop)

    def end(self, give_up: GiveUp) -> None:
        self._since.pop(give_up, None)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        self._timer = None
        for give_up, since in list(self._since.items()):
            left = since + self.seconds - now
            if left > 0:
                self._timer = loop.call_later(left, self._expire, loop)
                return
            del self._since[give_up]
            give_up()


def too_slow(seconds: float) -> Refusal:
    """Of a body that was given up."""
    message = f"the body was not complete after {seconds:g} s; the API server itself gives up after 30 s"
    return Refusal(408, "Timeout", message)


async def read(scope: Scope, receive: Receive, patience: Patience) -> bytes | Refusal | None:
    """The whole body, or why not; None when the client went away in the middle of it."""
    content_type, length = b"", None
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"content-length":
            length = int(value)  # the HTTP parser has let digits through, nothing else
    if content_type != JSON and content_type.partition(b";")[0].strip().lower() != JSON:
        return WRONG_TYPE
    if length is not None and length > LIMIT:
        return TOO_LARGE
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - tells mypy what ASGI promises: a coroutine is run by a task
    given_up = False

    def give_up() -> None:
        nonlocal given_up
        given_up = True
        task.cancel()

    patience.begin(give_up)
    try:
        return await _collect(receive)
    except asyncio.CancelledError:
        if not given_up:
            raise  # the server stops
        task.uncancel()
        return too_slow(patience.seconds)
    finally:
        patience.end(give_up)


async def _collect(receive: Receive) -> bytes | Refusal | None:
    """Event by event; in most cases the first is the last."""
    message = await receive()
    body = message.get("body", b"")
    if message.get("more_body"):
        body = bytearray(body)  # a list of parts would let a client that sends byte by byte take 20 times its size
        while message.get("more_body") and len(body) <= LIMIT:
            message = await receive()
            body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        return None
    if len(body) > LIMIT:
        return TOO_LARGE
    return bytes(body) if body else EMPTY
