"""Servers that run side by side, each on the first processor, and what their processes have used.

Rule: a figure is the server process's own: its CPU clock counts all its threads to the nanosecond, whoever else is
      busy.
"""

import http.client
import os
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.bodies import numbered
from bench.contenders import Contender, Where
from tests.kube.binaries import Unavailable
from tests.kube.pki import Authority
from tests.kube.processes import Failed, Process

PATH = "/mutate"
SERVICES = "bench-webhooks"  # the namespace of the webhooks, as far as their certificate and the API server know
PATIENCE = 30  # seconds for a start


class Running:
    """One server. `first_answer`: seconds from exec to the end of its first answer."""

    def __init__(self, process: Process, port: int, authority: Path, started: float) -> None:
        self.process = process
        self.port = port
        self.authority = authority
        self.context = ssl.create_default_context(cafile=str(authority))
        self._started = started
        self.first_answer = 0.0

    @property
    def pid(self) -> int:
        return self.process.pid

    def cpu(self) -> float:
        """CPU seconds so far."""
        return cpu_seconds(self.pid)

    def resident(self) -> float:
        """Resident memory in MiB."""
        return resident_mib(self.pid)

    def ask(self, body: bytes) -> bytes:
        """One review on a connection of its own."""
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.context, timeout=10)
        try:
            connection.request("POST", PATH, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"{answer.status}: {text[:300]!r}")
            return text
        finally:
            connection.close()

    def await_answer(self, body: bytes) -> None:
        """Asks until it answers, and notes when that was."""
        deadline = self._started + PATIENCE
        while not self._answers(body):
            self.process.check()
            if time.monotonic() > deadline:
                raise Failed(f"no answer within {PATIENCE} s; the last lines of the log:\n{self.process.tail()}")
            time.sleep(0.001)
        self.first_answer = time.monotonic() - self._started

    def _answers(self, body: bytes) -> bool:
        try:
            self.ask(numbered(body, 0))
        except (OSError, http.client.HTTPException):
            return False
        return True


def cpu_seconds(pid: int) -> float:
    """The CPU clock of a process. The number of the clock is what clock_getcpuclockid(3) makes of a process's."""
    return time.clock_gettime((~pid << 3) | 2)


def resident_mib(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


@contextmanager
def running(contenders: Iterable[Contender], body: bytes) -> Iterator[dict[str, Running]]:
    """All of them, started one after the other, each ready; ended together."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="podmeta-bench-")))
        yield {contender.name: start(stack, folder, contender, body) for contender in contenders}


def start(stack: ExitStack, folder: Path, contender: Contender, body: bytes) -> Running:
    """One server on its processor, under the certificate of the folder."""
    if not (folder / "ca.crt").exists():
        authority = Authority()
        (folder / "ca.crt").write_bytes(authority.certificate)
        authority.issue("webhook", hosts=("localhost", f"*.{SERVICES}.svc")).write(folder, "tls")
    where = Where(_free_port(), folder / "tls.crt", folder / "tls.key")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PODMETA_")}
    command = [*pinned(0), *contender.command(where)]
    began = time.monotonic()
    process = Process(command, folder / f"{where.port}.log", environment)
    stack.callback(process.terminate, 5)
    found = Running(process, where.port, folder / "ca.crt", began)
    found.await_answer(body)
    return found


def pinned(which: int) -> list[str]:
    """What to put before a command: servers on the first processor (0), the load on the last (-1)."""
    if sys.platform != "linux":
        raise Unavailable("the benchmark pins processes and reads their CPU clocks: it needs Linux")
    return ["taskset", "--cpu-list", str(sorted(os.sched_getaffinity(0))[which])]


def _free_port() -> int:
    """Free now; not every peer can share a port that is held for it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port
