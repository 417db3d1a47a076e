"""Who is measured: a table of servers, and how each is started.

Rule: every peer is written and started as its own users do it, does the same injection, and serves the same
      certificate. Where podmeta writes no log line a review, nobody does.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench import programs


class Where(NamedTuple):
    """What a server is told: its port, its certificate and its key."""

    port: int
    certificate: Path
    key: Path

    @property
    def files(self) -> list[str]:
        return [f"--tls-cert-file={self.certificate}", f"--tls-key-file={self.key}"]


class Contender(NamedTuple):
    """One row. `injects`: all but the floor do."""

    name: str
    command: Callable[[Where], list[str]]
    told: str
    injects: bool = True


def _podmeta(where: Where, *flags: str) -> list[str]:
    serve = [sys.executable, "-m", "webhook", "serve", "--host=127.0.0.1", f"--port={where.port}"]
    return [*serve, "--health-host=127.0.0.1", "--health-port=0", "--drain-seconds=0", *where.files, *flags]


def _uvicorn(where: Where, application: str) -> list[str]:
    files = [f"--ssl-certfile={where.certificate}", f"--ssl-keyfile={where.key}"]
    speed = ["--loop=uvloop", "--http=httptools", "--no-access-log", "--log-level=warning"]
    return [sys.executable, "-m", "uvicorn", application, f"--port={where.port}", *files, *speed]


def _kopf(where: Where) -> list[str]:
    return [str(programs.kopf_python()), "-m", "bench.peers.kopf.webhook", f"--port={where.port}", *where.files]


def _go(name: str, where: Where, *flags: str) -> list[str]:
    address = f"--port={where.port}" if name == "go-controller-runtime" else f"--address=127.0.0.1:{where.port}"
    return [str(programs.go(name)), address, *where.files, *flags]


PODMETA, SHIPPED, FLOOR = "podmeta", "podmeta, as shipped", "do-nothing endpoint"
PYDANTIC, KOPF = "FastAPI with pydantic", "kopf"
GO, GO_LOGGED, RUNTIME, TRICKS = "Go, net/http", "Go, net/http, log on", "Go, controller-runtime", "Go, our tricks"

CONTENDERS = {
    row.name: row
    for row in (
        Contender(PODMETA, lambda w: _podmeta(w, "--log-level=warning"), "metrics on, no log line a review"),
        Contender(SHIPPED, _podmeta, "metrics and one JSON log line a review"),
        Contender(FLOOR, lambda w: _uvicorn(w, "bench.peers.nothing:app"), "uvicorn, a constant answer", injects=False),
        Contender(PYDANTIC, lambda w: _uvicorn(w, "bench.peers.pydantic_models:app"), "uvicorn, models for the review"),
        Contender(KOPF, _kopf, "kopf's admission server on uvloop, its engine and one handler"),
        Contender(GO, lambda w: _go("go-http", w), "hand-written: typed Pod, JSON Patch by hand, no log line"),
        Contender(GO_LOGGED, lambda w: _go("go-http", w, "--log"), "the same with one slog JSON line a review"),
        Contender(RUNTIME, lambda w: _go("go-controller-runtime", w), "typed Pod, PatchResponseFromRaw, its metrics"),
        Contender(TRICKS, lambda w: _go("go-tricks", w), "podmeta's tricks in Go: partial decode, shapes remembered"),
    )
}
