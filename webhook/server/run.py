"""The process: two servers in one event loop, from the first socket to exit code 0.

Rule: after SIGTERM no review is lost. Unready at once, then serving on until nobody sends new ones, then no new
      connection, then what is in flight, then the end. A second signal ends it at once.
Strategy: sockets are bound and certificates read before anything is served, so that what is wrong with them is a
      sentence and exit code 2. The health port goes last, so that the drain can be watched.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from socket import socket
from typing import NamedTuple

import msgspec
import uvloop

from webhook import __version__
from webhook.inject.mutate import decide
from webhook.server.app import Application
from webhook.server.handshake import handshake
from webhook.server.health import health
from webhook.server.listen import Server, address, bind, server
from webhook.server.logs import Lines, Log, ReviewLog, configure
from webhook.server.metrics import Metrics
from webhook.server.offered import Material
from webhook.server.review import Foresee
from webhook.server.settings import Settings, unknown
from webhook.server.tls import Files, Tls

Said = Callable[[str, str], None]
Keep = Callable[[Callable[[bytes, bytes, bytes], None], Said], Coroutine[None, None, None]]
Foresight = Callable[[Said], AbstractAsyncContextManager[Foresee | None]]


class Cluster(NamedTuple):
    """Who speaks to the API server for us: looks after the certificates there, knows the rights of ServiceAccounts."""

    keep: Keep | None = None
    foresight: Foresight = lambda _: nullcontext()


ALONE = Cluster()

# Where this service itself announces the CA, a new certificate waits until every API server has the caBundle for it.
HEAD_START = timedelta(seconds=10)
POLL = 2.0  # seconds between two looks at the certificate's files; the kubelet itself needs up to a minute
DONE, USAGE = 0, 2
DEV_NAMES = ("localhost", "127.0.0.1", "::1")


def run(settings: Settings, cluster: Cluster = ALONE) -> int:
    """Serve until a signal, and give the exit code."""
    tls = Tls(ask_clients=settings.tls_client_ca_file is not None, names=settings.service_names)
    source = _source(settings)
    material = source.read() if isinstance(source, Files) else source
    wrong = material if isinstance(material, list) else tls.offer(material, now()) if material else []
    bound = [bind(settings.host, settings.port), bind(settings.health_host, settings.health_port)]
    sockets = [found for found in bound if isinstance(found, socket)]
    wrong += [found for found in bound if isinstance(found, str)]
    if wrong or isinstance(source, list):
        for found in sockets:
            found.close()
        sys.stderr.writelines(f"podmeta serve: {sentence}\n" for sentence in wrong)
        return USAGE
    log = configure(settings.log_level, settings.log_format, Lines())
    process = Process(settings, log, tls, source, cluster)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(process.serve(*sockets))
    return DONE


class Process:
    """What lives from start to end: the application, and what watches it from outside."""

    def __init__(
        self, settings: Settings, log: Log, tls: Tls, source: Files | Material | None, cluster: Cluster = ALONE
    ) -> None:
        self._settings, self._log, self._tls, self._source, self._cluster = settings, log, tls, source, cluster
        self._port = 0
        self._stop = asyncio.Event()
        self._refused: list[str] = []  # why, at the last look at the certificate's files
        self._changed: datetime | None = None  # when they changed, until what is in them was taken or refused
        self.application = Application(
            partial(decide, defaults=settings.core()),
            remember=settings.remember_bytes,
            body_timeout=settings.body_timeout,
        )
        self.metrics = Metrics(lambda: self.application.in_flight, tls.expires)
        self._review_log = ReviewLog(log)
        self.application.observers = [self.metrics.reviewed, self._review_log.reviewed]
        self.application.refusal_observers = [self.metrics.refused, self._review_log.refused]

    async def serve(self, webhook_socket: socket, health_socket: socket) -> None:
        """Both servers, until the drain is over."""
        loop = asyncio.get_running_loop()
        self._port = webhook_socket.getsockname()[1]
        self._log.lines.attach(loop)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)
        app = health(self.unready, self.metrics.page, self.metrics.refused)
        webhook = server(self.application, self._settings, self._tls.context)
        second = server(app, self._settings, None)
        foresight = self._cluster.foresight(self._said)
        async with foresight as self.application.foresee, asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(webhook.serve([webhook_socket]))
            tasks.create_task(second.serve([health_socket]))
            watching = [tasks.create_task(self._watch())]
            if keep := self._cluster.keep:
                watching.append(tasks.create_task(keep(self._offered, self._said)))
            await webhook.up.wait()
            await second.up.wait()
            self._announce(address("https", webhook_socket), address("http", health_socket))
            # What is alive now stays alive. Without this, every full collection walks through all of it, a quarter of
            # a million objects and 20 ms, in the middle of somebody's review.
            gc.collect()
            gc.freeze()
            await self._drain(webhook)
            await serving
            for watch in watching:
                watch.cancel()
            second.should_exit = True
        self._log.lines.attach(None)

    async def unready(self) -> list[str]:
        """Why no new review should be sent here."""
        reasons = ["draining: the process was told to end"] if self._stop.is_set() else []
        reasons += self._tls.unready(now())
        # What asks for a client's certificate cannot be dialled without one; then the check above has to do.
        if reasons or self._tls.ca is None or self._settings.tls_client_ca_file:
            return reasons
        return await handshake(self._port, self._tls.ca, self._settings.service_names)

    def _offered(self, certificate: bytes, key: bytes, ca_bundle: bytes) -> None:
        """A certificate that the cluster holds, or a caBundle that changed."""
        client_ca = self._settings.tls_client_ca_file
        clients = client_ca.read_bytes() if client_ca else None
        problems = self._tls.offer(Material(certificate, key, clients, ca_bundle), now())
        self.metrics.reloaded(problems)
        self._review_log.reloaded(problems)

    def _said(self, event: str, detail: str) -> None:
        self._log.info(event, detail=detail)

    async def _drain(self, webhook: Server) -> None:
        await self._stop.wait()
        self.application.draining = True
        self._log.info("draining", seconds=self._settings.drain_seconds, inFlight=self.application.in_flight)
        await asyncio.sleep(self._settings.drain_seconds)
        webhook.should_exit = True

    def _signalled(self, number: int) -> None:
        if self._stop.is_set():
            self._log.lines.flush()
            os._exit(128 + number)
        self._stop.set()

    async def _watch(self) -> None:
        while isinstance(self._source, Files):
            self.look(self._source)
            await asyncio.sleep(POLL)

    def look(self, files: Files) -> None:
        """Look at the certificate's files. What was refused is tried again: it may only have been too early for it."""
        if files.changed():
            self._changed = now()
        if not (self._changed or self._refused) or (self._changed and now() < self._changed + self._head_start()):
            return
        changed, self._changed = self._changed, None
        material = files.read()
        problems = material if isinstance(material, list) else self._tls.offer(material, now())
        if changed or problems != self._refused:
            self.metrics.reloaded(problems)
            self._review_log.reloaded(problems)
        self._refused = problems

    def _head_start(self) -> timedelta:
        """None where nobody would believe what is served now."""
        return HEAD_START if self._cluster.keep and not self._tls.unready(now()) else timedelta()

    def _announce(self, webhook: str, second: str) -> None:
        for sentence in unknown(os.environ):
            self._log.warning(sentence)
        self._log.info("listening", webhook=webhook, health=second, version=__version__)
        if isinstance(self._source, Material) and self._source.ca:
            # Bytes become base64 in JSON, which is what the field caBundle wants.
            printed = {"address": webhook, "health": second, "caBundle": self._source.ca}
            self._log.lines.warning(msgspec.json.encode(printed))


def now() -> datetime:
    """The clock of the edge; below it, `now` is an argument."""
    return datetime.now(UTC)


def _source(settings: Settings) -> Files | Material | list[str] | None:
    """Where the certificate comes from; None where the cluster has it and `keep` will bring it."""
    if settings.certificates == "self-managed":
        return None
    certificate, key, client_ca = settings.tls_cert_file, settings.tls_key_file, settings.tls_client_ca_file
    if certificate and key:
        return Files(certificate, key, client_ca, settings.tls_ca_file)
    from certs import CertificateAuthority  # noqa: PLC0415 - needs cryptography, which a certificate in files does not

    authority = CertificateAuthority.issue(now())
    served = authority.serving((*DEV_NAMES, *settings.dev_names), now())
    try:
        clients = client_ca.read_bytes() if client_ca else None
    except OSError as error:
        return [f"{client_ca} cannot be read: {error.strerror}"]
    return Material(served.pem, served.key_pem, clients, authority.pem)
