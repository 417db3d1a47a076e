"""The shortcut beside the long way: the same bytes, the same numbers, whatever is sent."""

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import pytest

from tests.edge.inside import Inside, inside
from tests.edge.service import pod, review
from tests.edge.test_hostile import BODIES, VALID
from tests.edge.wire import JSON, chunked, post
from tests.pods import DEFAULTS
from tests.stories import STORIES
from webhook.inject.mutate import decide
from webhook.server.app import BODY_TIMEOUT, Application
from webhook.server.body import LIMIT, Receive, Scope, Send

LAST = post(VALID, headers=(JSON, ("Connection", "close")))


async def nothing(_namespace: str, _account: str) -> bool:
    return False


class Watched(Application):
    """An application that knows what came to it by the long way, and what was counted."""

    def __init__(self, *, shortcut: bool, body_timeout: float = BODY_TIMEOUT) -> None:
        super().__init__(partial(decide, defaults=DEFAULTS), body_timeout=body_timeout)
        self.foresee = None if shortcut else nothing  # has to be waited for
        self.long = 0
        self.counted: list[object] = []
        self.observers.append(lambda found, _: self.counted.append((found.status, found.door, found.answer)))
        self.refusal_observers.append(lambda refusal, path: self.counted.append((refusal, path)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.long += 1
        await super().__call__(scope, receive, send)


class Seen(NamedTuple):
    """What a client read until the connection was closed, without the time of day, and what was counted meanwhile."""

    read: bytes
    counted: list[object]
    long: int


def seen(application: Watched, server: Inside, pieces: Iterable[bytes]) -> Seen:
    """The pieces, and a last request behind them, which takes the long way."""
    counted, long = len(application.counted), application.long
    with server.wire() as wire:
        for piece in (*pieces, LAST):
            wire.send(piece)
        read = wire.rest()
    while application.in_flight:
        pass
    lines = [line for line in read.split(b"\r\n") if not line.startswith(b"date: ")]
    return Seen(b"\r\n".join(lines), application.counted[counted:], application.long - long)


@pytest.fixture(scope="module")
def both() -> Iterable[tuple[tuple[Watched, Inside], tuple[Watched, Inside]]]:
    short, long = Watched(shortcut=True), Watched(shortcut=False)
    with inside(short) as one, inside(long) as other:
        yield (short, one), (long, other)


def cut(request: bytes) -> list[bytes]:
    """In the pieces in which a client may send it: the head alone, and the body in two."""
    end = request.index(b"\r\n\r\n") + 4
    middle = (end + len(request)) // 2
    return [request[:end], request[end:middle], request[middle:]]


PLAIN = {
    **{name: post(body) for name, (body, _) in BODIES.items() if body},
    **{story.slug: post(story.review, f"{story.path}?timeout=10s") for story in STORIES},
    "the limit": post(VALID + b" " * (LIMIT - len(VALID))),
}
ODD = {
    "empty": [post(b"")],
    "another path": [post(VALID, "/mutate/")],
    "another method": [post(VALID).replace(b"POST", b"PUT", 1)],
    "another query": [post(VALID, "/mutate?timeout=31s")],
    "a path in other words": [post(VALID, "/%6dutate")],
    "no content type": [post(VALID, headers=())],
    "two content types": [post(VALID, headers=(JSON, ("Content-Type", "text/plain")))],
    "a content type with a parameter": [post(VALID, headers=(("Content-Type", "application/json; charset=utf-8"),))],
    "too large": [post(b"", length=LIMIT + 1)],
    "in chunks": list(chunked([VALID[:100], VALID[100:]])),
    "HTTP/1.0": [post(VALID).replace(b"HTTP/1.1", b"HTTP/1.0")],
    "HTTP/1.0, kept alive": [post(VALID, headers=(JSON, ("Connection", "keep-alive"))).replace(b"/1.1", b"/1.0", 1)],
    "an upgrade": [post(VALID, headers=(JSON, ("Connection", "upgrade"), ("Upgrade", "h2c")))],
    "go ahead?": [post(VALID, headers=(JSON, ("Expect", "100-continue")))],
    "no HTTP": [b"\x16\x03\x01 this is no HTTP\r\n\r\n"],
    "a plain one behind another": [post(b"[]", "/mutate?timeout=31s") + post(VALID)],
    "two lengths": [post(VALID, headers=(JSON, ("Content-Length", "1")))],
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_review_is_answered_by_the_shortcut_to_the_byte(both: Any, name: str) -> None:
    (short, one), (long, other) = both
    for pieces in ([PLAIN[name]], cut(PLAIN[name]), [PLAIN[name]] * 2):
        found, expected = seen(short, one, pieces), seen(long, other, pieces)
        assert found[:2] == expected[:2]
        assert (found.long, expected.long) == (1, len(expected.counted))


@pytest.mark.parametrize("name", ODD)
def test_what_is_not_plain_takes_the_long_way(both: Any, name: str) -> None:
    (short, one), (long, other) = both
    assert seen(short, one, ODD[name]) == seen(long, other, ODD[name])


def test_a_body_that_does_not_come_is_refused_as_on_the_long_way() -> None:
    found = []
    for shortcut in (True, False):
        application = Watched(shortcut=shortcut, body_timeout=0.2)
        with inside(application) as server, server.wire() as wire:
            wire.send(post(VALID[:50], length=len(VALID)))
            lines = wire.rest().split(b"\r\n")
        found.append(([line for line in lines if not line.startswith(b"date: ")], application.counted))
    assert found[0] == found[1]
    assert b"HTTP/1.1 408 Request Timeout" in found[0][0]
    assert len(found[0][1]) == 1


def test_who_sends_and_never_reads_is_not_answered_for_ever() -> None:
    """Half a gigabyte of answers that nobody fetches: long before, it stops reading."""
    application = Watched(shortcut=True)
    body, number = review(pod(podmeta_inject="true")), 120_000
    with inside(application) as server, server.wire() as wire:
        wire.connection.settimeout(1)
        with pytest.raises(TimeoutError):
            wire.send(post(body) * number)
        assert len(application.counted) < number
        wire.cut()
