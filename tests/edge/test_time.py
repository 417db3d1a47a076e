"""What a client may take its time for, and for how long."""

import time
from contextlib import suppress

import pytest

from tests.edge.inside import inside
from tests.edge.service import pod, review
from tests.edge.wire import head, post
from tests.pods import DEFAULTS
from webhook.inject.mutate import decide
from webhook.server.app import Application
from webhook.server.connection import Connection

BODY = review(pod())


def application(**more: float) -> Application:
    return Application(lambda question: decide(question, DEFAULTS), **more)  # type: ignore[arg-type] # body_timeout alone


def test_a_slow_body_is_cut_off_and_a_fast_one_beside_it_is_not() -> None:
    """408 and the end of the connection; whoever began later has all of his time."""
    app = application(body_timeout=0.3)
    with inside(app) as server, server.wire() as slow, server.wire() as other:
        slow.send(post(BODY[:50], length=len(BODY)))
        while app.in_flight != 1:
            pass
        other.send(post(BODY[:50], length=len(BODY)))
        other.send(BODY[50:])
        assert other.answer().code == 200
        answer = slow.answer()
        assert answer.code == 408
        assert b"the body was not complete after 0.3 s" in answer.body
        assert answer.headers["connection"] == "close"
        assert slow.closed()
        other.send(post(BODY))
        assert other.answer().code == 200
        assert app.in_flight == 0


def test_each_body_has_its_own_time() -> None:
    """One timer watches over all of them, and still no one is cut off before his time is over."""
    app = application(body_timeout=0.5)
    with inside(app) as server, server.wire() as first, server.wire() as second:
        first.send(post(BODY[:50], length=len(BODY)))
        while app.in_flight != 1:
            pass
        time.sleep(0.25)
        began = time.monotonic()
        second.send(post(BODY[:50], length=len(BODY)))
        assert first.answer().code == 408
        assert second.answer().code == 408
        assert time.monotonic() - began >= 0.5 - 0.01  # the clock of the loop is rounded to milliseconds


def test_a_body_that_keeps_trickling_is_cut_off_too() -> None:
    """The whole body has the time, not each piece of it."""
    with inside(application(body_timeout=0.3)) as server, server.wire() as wire:
        wire.send(post(b"", length=len(BODY)))
        wire.connection.settimeout(0.05)
        for byte in BODY:
            wire.send(bytes([byte]))
            try:
                answer = wire.answer()
            except TimeoutError:
                continue
            assert answer.code == 408
            return
        raise AssertionError("never cut off")


def test_a_slow_head_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "head_timeout", 0.2)
    with inside(application()) as server, server.wire() as wire:
        wire.send(post(BODY))
        assert wire.answer().code == 200
        wire.send(head("POST", "/mutate")[:-2])
        assert wire.answer().code == 400
        assert wire.closed()


def test_a_head_in_two_pieces_is_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """And once it is whole its timer is gone: the body may take longer than a head."""
    monkeypatch.setattr(Connection, "head_timeout", 0.2)
    request = post(BODY)
    with inside(application(body_timeout=0.6)) as server, server.wire() as wire:
        for _ in range(2):
            wire.send(request[:30])
            while not server.in_head():
                pass
            wire.send(request[30:])
            assert wire.answer().code == 200
        wire.send(request[:30])
        while not server.in_head():
            pass
        wire.send(request[30:-10])
        assert wire.answer().code == 408


def test_a_head_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """One header line that goes on and on, fast; uvicorn alone would keep it all."""
    monkeypatch.setattr(Connection, "head_timeout", 600.0)
    with inside(application()) as server, server.wire() as wire:
        wire.send(b"POST /mutate HTTP/1.1\r\nX: ")
        for _ in range(64):
            try:
                wire.send(b"x" * Connection.head_limit)
            except OSError:
                break  # it stopped listening
        with suppress(ConnectionError):  # what it said may be lost with the connection
            assert wire.answer().code == 400
        assert wire.closed()


def test_a_large_body_between_two_heads_is_no_large_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of data that end in the middle of a head: what came before it there does not count."""
    monkeypatch.setattr(Connection, "head_limit", 1000)
    request = post(BODY + b" " * 5000)
    with inside(application()) as server, server.wire() as wire:
        for _ in range(5):
            wire.send(request[20:] + request[:20] if _ else request + request[:20])
            assert wire.answer().code == 200


def test_an_idle_connection_is_kept_as_long_as_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an answer, and before the first request: Go's client opens connections in advance."""
    monkeypatch.setattr(Connection, "head_timeout", 0.1)
    with inside(application(), keep_alive=1) as server:
        began = time.monotonic()
        with server.wire() as used, server.wire() as fresh:
            used.send(post(BODY))
            answer = used.answer()
            assert answer.code == 200
            assert "connection" not in answer.headers
            for wire in (fresh, used):
                assert wire.closed()
                assert time.monotonic() - began >= 1 - 0.01
