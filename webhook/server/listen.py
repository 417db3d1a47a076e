"""Sockets, and uvicorn on them.

Rule: one configuration for every server, and each choice in it has its reason beside it.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from webhook.server.app import Application
from webhook.server.connection import Connection
from webhook.server.settings import Settings
from webhook.server.shortcut import Shortcut


class Server(uvicorn.Server):
    """uvicorn's, without its signal handlers: two servers with one drain need one that knows of both."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(application: Any, settings: Settings, context: ssl.SSLContext | None) -> Server:
    """A server for an ASGI application; with TLS where there is a context."""
    config = uvicorn.Config(
        application,
        interface="asgi3",
        lifespan="off",
        ws="none",
        http=Shortcut if isinstance(application, Application) else Connection,  # on httptools: h11 costs 100 us more
        ssl_context_factory=(lambda *_: context) if context else None,
        timeout_keep_alive=settings.keep_alive,
        timeout_graceful_shutdown=settings.shutdown_grace,
        access_log=False,  # one line a review is ours, and uvicorn's costs as much as the review
        log_config=None,
        log_level="warning",
        proxy_headers=False,  # no client's address is used for anything
        server_header=False,
    )
    return Server(config)


def bind(host: str, port: int) -> socket.socket | str:
    """A listening socket, or a sentence. No host: every address, IPv4 and IPv6, where the machine has IPv6."""
    try:
        if host:
            return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        return _bind_all(port)
    except OSError as error:
        where = f"{host or '*'}:{port}"
        reason = str(error.strerror).partition(" (")[0]  # what the socket module adds repeats the address
        return f"cannot listen on {where}: {reason}; accepted: an address of this machine and a free port"


def _bind_all(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):  # IPv6 is built in but switched off
                raise
    return socket.create_server(("", port))


def address(scheme: str, listening: socket.socket) -> str:
    """The URL of a socket; where it listens on every address, the one that a person on this machine would use."""
    host, port, *_ = listening.getsockname()
    if host in ("::", "0.0.0.0"):
        host = "127.0.0.1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
