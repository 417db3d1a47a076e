"""A connection: uvicorn's protocol with the limits on a request's head that it lacks.

Rule: a client that never finishes the head of a request, slowly or without end, costs a bounded time and a bounded
      memory. What follows the head has its limits in body.py.
Strategy: nothing is added where the head comes in one piece, as it does from an API server. A connection on which
      nothing has come yet is idle like any other: Go's client opens some in advance and keeps them.
"""

from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TOO_LARGE = "The head of the request is too large."
TOO_SLOW = "The head of the request did not come in time."


class Connection(HttpToolsProtocol):
    """One client's connection."""

    head_limit = 64 * 1024  # bytes; the API server sends some 300
    head_timeout = 10.0  # seconds

    _in_head = False
    _began_here = False  # the head began in the piece of data that is being parsed
    _head_bytes = 0
    _head_timer: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.timeout_keep_alive, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._in_head = self._began_here = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        if self._head_timer is not None and not self._in_head:
            self._stop_timer()
        self._began_here = False
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._wait_for_head(len(data))
        elif self._head_timer is not None:
            self._stop_timer()

    def _wait_for_head(self, size: int) -> None:
        if not self._began_here:
            self._head_bytes += size
        if self._head_bytes > self.head_limit:
            self.send_400_response(TOO_LARGE)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_timeout, self.send_400_response, TOO_SLOW)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
