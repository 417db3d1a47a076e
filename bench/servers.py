"""podmeta beside its peers: every server takes the same bodies from the same load, in turn.

Rule: A B A B: in a round each server is measured once for each case, so that a ratio within a round compares servers
      on the same machine in the same state. Before anything is measured, the patches of all must give the same pod.
Strategy: all servers run at once on one processor, and the load on another; only one is asked at a time. CPU is read
      from the server's clock before and after. Starts and idle connections have their own passes.
"""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import chain, repeat
from pathlib import Path
from typing import Any, NamedTuple

from bench.bodies import BODIES, body
from bench.contenders import CONTENDERS, FLOOR, PODMETA, Contender
from bench.drive import Load, drive, finished, started
from bench.running import Running, running
from bench.same import check_same

USUAL, OPEN, BURSTS = "10 KB", "10 KB, 300 a second", "bursts of 200 new connections"
STARTS = 5
GAPS = (*range(0, 121, 5), 4, 6, 74, 76, 89, 91)  # seconds; around what servers keep idle connections for
WARM = 0.4  # seconds of a first pass that does not count: caches, memory, specialisation
Say = Callable[[str], None]
Json = dict[str, Any]


class Case(NamedTuple):
    """One row of the matrix: what is sent, and how. `turns`: of all servers in a round, each a round to the figures."""

    name: str
    size: str
    mode: str = "closed"
    connections: int = 8
    unseen: bool = False
    rate: int = 0
    bursts: int = 0
    turns: int = 1

    @property
    def file(self) -> str:
        return f"{self.size}{' unseen' if self.unseen else ''}.json"

    def drive(self, server: Running, folder: Path, seconds: float) -> Load:
        length = {"requests": self.bursts} if self.bursts else {"seconds": seconds}
        paced = {"rate": self.rate} if self.rate else {}
        flags: Json = {"connections": self.connections, **length, **paced}
        return drive(server.port, server.authority, folder / self.file, self.mode, **flags)


CASES = {
    case.name: case
    for case in (
        Case("3 KB", "3 KB"),
        Case(USUAL, USUAL),
        Case("66 KB", "66 KB"),
        Case("500 KB", "500 KB"),
        Case("10 KB, 1 connection", USUAL, connections=1),
        Case("10 KB, 32 connections", USUAL, connections=32),
        Case("10 KB, no shape seen before", USUAL, unseen=True),
        # 25: as many as the API server keeps to one webhook. A second has 300 requests, and one hiccup of the machine
        # makes their p99: it takes many turns to see past these.
        Case(OPEN, USUAL, mode="open", connections=25, rate=300, turns=5),
        Case(BURSTS, "3 KB", mode="burst", connections=200, bursts=3),
    )
}


def measure(rounds: int, seconds: float, only: str, say: Say) -> Json:
    """The whole matrix; `only` keeps the servers whose name has that text, podmeta and the floor, and no other pass."""
    chosen = [row for row in CONTENDERS.values() if only in row.name.lower() or row.name in (PODMETA, FLOOR)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="podmeta-bench-")))
        write_bodies(folder)
        say("starting, and comparing what they do to a pod")
        servers = stack.enter_context(running(chosen, body(USUAL)))
        check_same(servers)
        memory = {name: {"idle": server.resident()} for name, server in servers.items()}
        found: Json = {"cells": in_turn(servers, folder, rounds, seconds, say), "memory": memory}
        for name, server in servers.items():
            memory[name]["after"] = server.resident()
        if only:
            return found
        say(f"idle gaps of 0 to {max(GAPS)} s, on all servers at once")
        found["idle"] = idle_gaps(servers, folder)
    return {**found, "start": starts(chosen, say)}


def in_turn(servers: dict[str, Running], folder: Path, rounds: int, seconds: float, say: Say) -> Json:
    """By case and server, a cell a round."""
    cells: dict[str, dict[str, list[Json]]] = {case: {name: [] for name in servers} for case in CASES}
    for number in range(rounds + 1):
        for case in chain.from_iterable(repeat(case, case.turns) for case in CASES.values()):
            for name, server in servers.items():
                say(f"round {number} of {rounds}, {case.name}: {name}")
                one = cell(server, case, folder, seconds if number else WARM)
                if number:
                    cells[case.name][name].append(one)
    return cells


def cell(server: Running, case: Case, folder: Path, seconds: float) -> Json:
    """One server, one case, one round. `cpu`: microseconds a request."""
    before = server.cpu()
    load = case.drive(server, folder, seconds)
    used = server.cpu() - before
    if load.failed or not load.requests:
        raise RuntimeError(f"{case.name}: {load.failed} requests failed, the last one with: {load.failure}")
    return {"cpu": used / load.requests * 1e6, "requests": load.requests, "rate": load.rate} | {
        name: getattr(load, name) for name in ("p50", "p99", "p999", "max")
    }


def idle_gaps(servers: dict[str, Running], folder: Path) -> Json:
    """A request, a gap, a request: which failed, and after which gaps the server had closed the connection."""
    gaps = ",".join(map(str, sorted(GAPS)))
    pending = {
        name: started(server.port, server.authority, folder / CASES["3 KB"].file, "idle", gaps=gaps)
        for name, server in servers.items()
    }
    loads = {name: finished(process) for name, process in pending.items()}
    return {
        name: {"requests": load.requests, "failed": load.failed, "reopened": list(load.reopened)}
        for name, load in loads.items()
    }


def starts(chosen: Sequence[Contender], say: Say) -> Json:
    """Seconds from exec to the end of the first answer, of each, several times in turn."""
    found: dict[str, list[float]] = {row.name: [] for row in chosen}
    for number in range(STARTS):
        for row in chosen:
            say(f"start {number + 1} of {STARTS}: {row.name}")
            with running([row], body("3 KB")) as alone:
                found[row.name].append(alone[row.name].first_answer)
    return found


def write_bodies(folder: Path) -> None:
    """A file for each body that a case sends."""
    for case in CASES.values():
        (folder / case.file).write_bytes(body(case.size, unseen=case.unseen))
    assert {case.size for case in CASES.values()} == set(BODIES)
