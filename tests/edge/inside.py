"""The server in this process, so that a test can put a bug inside or shorten a limit: no flag of the product can."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import uvloop

from tests.edge.service import trusting
from tests.edge.wire import TIMEOUT, Wire, wired
from tests.kube.pki import Authority
from webhook.server.app import Application
from webhook.server.listen import Server, bind, server
from webhook.server.offered import Material
from webhook.server.settings import Settings, read_settings
from webhook.server.tls import Tls


class Inside:
    """A server in a thread, as `podmeta serve` sets it up."""

    def __init__(self, port: int, context: ssl.SSLContext, uvicorn: Server) -> None:
        self._port, self._context = port, context
        self.uvicorn = uvicorn

    @contextmanager
    def wire(self) -> Iterator[Wire]:
        with wired(self._port, self._context) as found:
            yield found

    def in_head(self) -> bool:
        """Whether it has seen the beginning of a head, and not its end."""
        connections: set[Any] = self.uvicorn.server_state.connections
        return any(connection._in_head for connection in list(connections))


@contextmanager
def inside(application: Application, **settings: Any) -> Iterator[Inside]:
    """Serve it. `settings` are not validated: a keep-alive of a second is what a test can wait for."""
    authority = Authority()
    pair = authority.issue("podmeta", hosts=("localhost",))
    tls = Tls(ask_clients=False)
    assert tls.offer(Material(pair.certificate, pair.key), datetime.now(UTC)) == []
    listening = bind("127.0.0.1", 0)
    assert not isinstance(listening, str)
    read = read_settings(["--dev"])
    assert isinstance(read, Settings)
    chosen = read.model_copy(update=settings)
    up = threading.Event()
    found: list[Server] = []

    async def serve() -> None:
        uvicorn = server(application, chosen, tls.context)
        found.append(uvicorn)
        serving = asyncio.create_task(uvicorn.serve([listening]))
        await uvicorn.up.wait()
        up.set()
        await serving

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert up.wait(TIMEOUT)
        yield Inside(listening.getsockname()[1], trusting(authority), found[0])
    finally:
        found[0].should_exit = True
        thread.join(TIMEOUT)
        assert not thread.is_alive()
