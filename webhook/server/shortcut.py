"""A connection that answers a plain review inside the HTTP parser: no scope, no task, no messages to and fro.

Rule: a client cannot tell it from the way through uvicorn and Application, nor can who reads the numbers and the log.
Strategy: plain is what an API server sends: a POST to a door, JSON of a known length, nothing asked of the connection.
      The parser's callbacks collect the body and answer it. Whatever is not plain goes the long way as if there were
      no other, even in the middle of a body: what is collected so far is handed over.
"""

from time import perf_counter

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from webhook.server.answer import status
from webhook.server.app import DOORS, Application
from webhook.server.body import JSON, LIMIT, too_slow
from webhook.server.connection import Connection

# An API server appends the webhook's timeoutSeconds, 1 to 30.
URLS = {f"{path}{query}".encode(): path for path in DOORS for query in ("", *(f"?timeout={n}s" for n in range(1, 31)))}
# Headers that ask something of the connection. A request without them that is kept alive is HTTP/1.1.
ASKING = frozenset((b"connection", b"expect", b"transfer-encoding", b"upgrade"))


class Shortcut(Connection):
    """One client's connection to an Application."""

    app: Application

    _path = ""  # the door of the plain review whose body is on its way
    _body: bytes | bytearray = b""
    _began = 0.0
    _waiting = False  # it did not come in one piece with the head

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._path and not self._waiting:
            self._waiting = True
            self.app.in_flight += 1
            self.app.patience.begin(self._give_up)

    def on_headers_complete(self) -> None:
        path = URLS.get(self.url)
        if path is None or not self._is_plain():
            super().on_headers_complete()
            return
        self._in_head = False
        self._path, self._began = path, perf_counter()

    def _is_plain(self) -> bool:
        if self.parser.get_method() != b"POST" or not self.parser.should_keep_alive():
            return False
        headers = dict(self.headers)
        return (
            headers.get(b"content-type") == JSON
            and 0 < int(headers.get(b"content-length", 0)) <= LIMIT
            and ASKING.isdisjoint(headers)
            # What has to be waited for: what foresight finds out, a client that does not read, the request before.
            and self.app.foresee is None
            and not self.flow.write_paused
            and (self.cycle is None or self.cycle.response_complete)  # type: ignore[redundant-expr] # None at first
        )

    def on_body(self, body: bytes) -> None:
        if not self._path:
            super().on_body(body)
        elif not self._body:
            self._body = body  # in most cases the first is the last
        else:
            self._body = bytearray(self._body) if isinstance(self._body, bytes) else self._body
            self._body += body

    def on_message_complete(self) -> None:
        if self._path and self.app.draining:
            self._go_the_long_way()
        if not self._path:
            super().on_message_complete()
            return
        try:
            review = self.app.reviewer.review(self._body, DOORS[self._path])
            self._write(review.status, review.body)
            self.on_response_complete()
            self.app.reviewed(review, perf_counter() - self._began)
        except Exception:  # a bug of ours, which the parser would take for the client's
            self.logger.exception("Exception in ASGI application\n")
            self.transport.close()
        self._forget()

    def shutdown(self) -> None:
        if self._path:
            self._go_the_long_way()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._path:
            self._forget()
        super().connection_lost(exc)

    def _go_the_long_way(self) -> None:
        body = bytes(self._body)
        self._forget()
        super().on_headers_complete()
        super().on_body(body)

    def _give_up(self) -> None:
        path, refusal = self._path, too_slow(self.app.patience.seconds)
        self._forget()
        self._write(refusal.code, status(refusal.code, refusal.reason, refusal.message), b"connection: close\r\n")
        self.transport.close()
        self.app.refused(refusal, path)

    def _forget(self) -> None:
        self._path, self._body = "", b""
        if self._waiting:
            self._waiting = False
            self.app.in_flight -= 1
            self.app.patience.end(self._give_up)

    def _write(self, code: int, body: bytes, more: bytes = b"") -> None:
        """As uvicorn does, in one piece."""
        default = b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])
        headers = b"content-type: application/json\r\ncontent-length: %d\r\n%b\r\n" % (len(body), more)
        self.transport.write(b"".join((STATUS_LINE[code], default, headers, body)))
