"""Programs that run beside a test: a port nobody else can take, a log, an end.

Rule: only what was started here is ever signalled, by its process id; and a program that died says why, with the last
      lines of its log.
Strategy: a port stays bound, without listening, as long as the program needs it; the program shares it by SO_REUSEPORT.
      That has no gap between "free" and "taken", which choosing a port, letting it go and starting a program does.
"""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
_POLL = 0.05


class Failed(Exception):  # noqa: N818 - reads as what happened
    """A program ended or did not get ready; the text has the last lines of its log."""


class Port:
    """A TCP port of the loopback address that is held until it is closed."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.bind((LOOPBACK, 0))
        self.number: int = self._socket.getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def __str__(self) -> str:
        return f"{LOOPBACK}:{self.number}"


class Process:
    """A running program whose output is a file."""

    def __init__(self, command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.name = Path(command[0]).name
        self.log = log
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                [*_dies_with_us(), *map(str, command)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=environment,
            )  # fmt: skip
        self.pid = self._popen.pid

    def check(self) -> None:
        """Raises Failed when the program has ended."""
        code = self._popen.poll()
        if code is not None:
            raise Failed(f"{self.name} ended with code {code}; the last lines of its log:\n{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def kill(self) -> None:
        """Ends it at once: what it holds is thrown away."""
        self._popen.kill()
        self._popen.wait()

    def terminate(self, seconds: float) -> None:
        """Asks it to end and waits; a program that does not end in time is killed."""
        self._popen.terminate()
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()


def _dies_with_us() -> list[str]:
    """Lets the kernel end the program when a killed test run could not.

    What the kernel watches is the thread that started the program: one that a passing thread starts must do without.
    """
    if shutil.which("setpriv") is None or threading.current_thread() is not threading.main_thread():
        return []
    return ["setpriv", "--pdeathsig=KILL"]


def wait_until(ready: Callable[[], bool], processes: Sequence[Process], what: str, seconds: float = 60) -> None:
    """Polls `ready`; raises Failed as soon as a program ends, or when the time is up."""
    deadline = time.monotonic() + seconds
    while not ready():
        for process in processes:
            process.check()
        if time.monotonic() > deadline:
            logs = "\n".join(f"{process.name}:\n{process.tail()}" for process in processes)
            raise Failed(f"{what} did not come within {seconds:.0f} s; the last lines of the logs:\n{logs}")
        time.sleep(_POLL)
