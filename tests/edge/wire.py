"""A client that can misbehave: HTTP/1.1 over TLS, byte by byte, by hand."""

import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

TIMEOUT = 20.0  # seconds; a test that waits longer for a byte has failed
JSON = ("Content-Type", "application/json")
Headers = Iterable[tuple[str, str]]


class Answer(NamedTuple):
    """One HTTP response."""

    code: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One connection."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self.connection = connection
        self._read = b""

    def send(self, content: bytes) -> None:
        self.connection.sendall(content)

    def answer(self) -> Answer:
        """The next response, told from the one behind it by its content-length."""
        head = self._until(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        size = int(headers["content-length"])
        while len(self._read) < size:
            self._more()
        body, self._read = self._read[:size], self._read[size:]
        return Answer(int(status.split()[1]), headers, body)

    def closed(self) -> bool:
        """Waits for the other side to close; what it still says first is no close."""
        try:
            return self._read == b"" and self.connection.recv(1) == b""
        except ConnectionError:
            return True

    def rest(self) -> bytes:
        """Everything until the other side closes."""
        with suppress(EOFError, ConnectionError):
            while True:
                self._more()
        return self._read

    def cut(self) -> None:
        """Vanish: no close_notify, and a reset instead of a FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    @property
    def certificate(self) -> bytes:
        return self.connection.getpeercert(binary_form=True) or b""

    def _until(self, end: bytes) -> bytes:
        while end not in self._read:
            self._more()
        found, _, self._read = self._read.partition(end)
        return found

    def _more(self) -> None:
        piece = self.connection.recv(65536)
        if not piece:
            raise EOFError(f"closed after {self._read!r}")
        self._read += piece


@contextmanager
def wired(port: int, context: ssl.SSLContext, name: str = "localhost") -> Iterator[Wire]:
    """A connection to a port of this machine, under a name that its certificate must have."""
    raw = socket.create_connection(("127.0.0.1", port), TIMEOUT)
    with raw, context.wrap_socket(raw, server_hostname=name) as connection:
        yield Wire(connection)


def post(body: bytes, path: str = "/mutate", headers: Headers = (JSON,), *, length: int | None = None) -> bytes:
    """The bytes of a request; `length`: another than the true one."""
    size = len(body) if length is None else length
    return head("POST", path, (*headers, ("Content-Length", str(size)))) + body


def chunked(pieces: Iterable[bytes], path: str = "/mutate") -> Iterator[bytes]:
    """A request whose length nobody knows in advance."""
    yield head("POST", path, (JSON, ("Transfer-Encoding", "chunked")))
    for piece in pieces:
        yield b"%x\r\n" % len(piece) + piece + b"\r\n"
    yield b"0\r\n\r\n"


def head(method: str, path: str, headers: Headers = ()) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode()
