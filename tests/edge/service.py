"""The service as a process, with a certificate of the tests' own authority."""

import json
import os
import queue
import signal
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.edge.wire import TIMEOUT, Answer, Wire, post, wired
from tests.kube.pki import Authority

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"


class Service:
    """A process that serves. Its log is a queue: a test waits for the line that it needs, never for a time."""

    def __init__(self, process: subprocess.Popen[bytes], authority: Authority) -> None:
        self.process = process
        self.context = trusting(authority)
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.seen: list[dict[str, Any]] = []
        threading.Thread(target=self._follow, daemon=True).start()
        listening = self.line("listening")
        self.port, self.health_port = (urlsplit(listening[name]).port or 0 for name in ("webhook", "health"))

    def _follow(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def line(self, event: str) -> dict[str, Any]:
        """The next line of the log about this event."""
        while (found := self._lines.get(timeout=TIMEOUT)) is not None:
            self.seen.append(found)
            if found["event"] == event:
                return found
        raise EOFError(f"the log ended without {event!r}: {self.seen}")

    def rest(self) -> list[dict[str, Any]]:
        """The whole log, once the process has ended."""
        while (found := self._lines.get(timeout=TIMEOUT)) is not None:
            self.seen.append(found)
        return self.seen

    def wire(self, context: ssl.SSLContext | None = None) -> AbstractContextManager[Wire]:
        return wired(self.port, context or self.context)

    def ask(self, body: bytes, path: str = "/mutate") -> Answer:
        """One review on a connection of its own."""
        with self.wire() as wire:
            wire.send(post(body, path))
            return wire.answer()

    def health(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}{path}", timeout=TIMEOUT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name: str) -> float:
        """A sample of /metrics by its name with its labels; 0 for one that is not there yet."""
        for line in self.health("/metrics")[1].splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        return self.process.wait(TIMEOUT)


def trusting(authority: Authority) -> ssl.SSLContext:
    """A client that trusts nothing else."""
    return ssl.create_default_context(cadata=authority.certificate.decode())


def write_pair(folder: Path, authority: Authority, name: str = "tls") -> tuple[Path, Path]:
    return authority.issue("podmeta", hosts=("localhost", "127.0.0.1")).write(folder, name)


@contextmanager
def started(folder: Path, authority: Authority, *flags: str, env: Mapping[str, str] | None = None) -> Iterator[Service]:
    """Runs `podmeta serve` on free ports; at the end it must have come to its end by itself or by SIGTERM."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    if not certificate.exists():
        write_pair(folder, authority)
    process = launched(f"--tls-cert-file={certificate}", f"--tls-key-file={key}", "--drain-seconds=0", *flags, env=env)
    try:
        service = Service(process, authority)
        yield service
        if process.poll() is None:
            service.signal()
            assert service.end() == 0, service.rest()
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def launched(*flags: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """The bare process; nothing of our own environment's settings reaches it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PODMETA_")}
    return subprocess.Popen(command(*flags), stdout=subprocess.PIPE, stderr=None, env={**clean, **(env or {})})


def command(*flags: str) -> list[str]:
    return [sys.executable, "-m", "webhook", "serve", "--host=127.0.0.1", "--port=0", "--health-port=0", *flags]


def review(pod: Any, **request: Any) -> bytes:
    """A review about creating this pod."""
    return json.dumps(
        {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": UID,
                "resource": {"group": "", "version": "v1", "resource": "pods"},
                "operation": "CREATE",
                "namespace": "shop",
                "object": pod,
                **request,
            },
        }
    ).encode()


def pod(**annotations: str) -> dict[str, Any]:
    """A pod; `podmeta_env="all"` is its annotation podmeta/env."""
    named = {key.replace("podmeta_", "podmeta/").replace("_", "-"): value for key, value in annotations.items()}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "annotations": named},
        "spec": {"containers": [{"name": "app", "image": "app"}]},
    }
