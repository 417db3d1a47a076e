"""`make bench`: CPU per review of podmeta beside what it can be measured against, on this machine, in one run.

Each server is pinned to one processor and the load to another; TLS, keep-alive, 8 connections, closed loop; in turn,
A B C A B C, several rounds. The figure is the server process's own CPU time per review (utime + stime of proc(5)),
which a busy machine disturbs least. What counts are the ratios within a round; their median is shown with the smallest
and the largest.
"""

import asyncio
import json
import os
import ssl
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.service import Service, service

ROOT = Path(__file__).parents[1]
ROUNDS, REVIEWS, CONNECTIONS = 5, 4000, 8
BODIES = {"seed-ambassador": "3 KB", "native-sidecars": "8 KB", "vault-agent": "13 KB"}
FLOOR = "a do-nothing endpoint"
PODMETA = [sys.executable, "-m", "webhook", "serve", "--dev", "--port=0", "--health-port=0", "--drain-seconds=0"]
SERVERS = {
    FLOOR: [sys.executable, "-m", "bench.rivals", "nothing"],
    "podmeta, log off": [*PODMETA, "--log-level=warning"],
    "podmeta, as shipped": PODMETA,
    "podmeta, nothing remembered": [*PODMETA, "--log-level=warning", "--remember-bytes=0"],
    "FastAPI with pydantic models": [sys.executable, "-m", "bench.rivals", "pydantic"],
}
TICKS = os.sysconf("SC_CLK_TCK")


class Figure(NamedTuple):
    """Of one server in one round: CPU microseconds a review, reviews a second."""

    cpu: float
    rate: float


def cpu_seconds(pid: int) -> float:
    """utime + stime of proc(5); the command's name may hold spaces, so count from its closing parenthesis."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def load(port: int, context: ssl.SSLContext, body: bytes, reviews: int) -> None:
    """The reviews, shared out over the connections; every answer is read and must be a 200."""
    head = (
        "POST /mutate HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    request = "".join(f"{line}\r\n" for line in (*head, "")).encode() + body

    async def one() -> None:
        reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
        for _ in range(reviews // CONNECTIONS):
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer.decode())
            length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
        writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


def measure(running: Service, body: bytes) -> Figure:
    context = ssl.create_default_context(cadata=running.ca_pem)
    before, began = cpu_seconds(running.pid), time.perf_counter()
    asyncio.run(load(running.port, context, body, REVIEWS))
    seconds = time.perf_counter() - began
    return Figure((cpu_seconds(running.pid) - before) / REVIEWS * 1e6, REVIEWS / seconds)


def main() -> None:
    processors = sorted(os.sched_getaffinity(0))
    console = Console(width=None if sys.stdout.isatty() else 140)
    figures: dict[str, dict[str, list[Figure]]] = {size: {name: [] for name in SERVERS} for size in BODIES.values()}
    with ExitStack() as stack:
        running = {name: stack.enter_context(service(command)) for name, command in SERVERS.items()}
        for one in running.values():
            os.sched_setaffinity(one.pid, {processors[0]})
        os.sched_setaffinity(0, {processors[-1]})
        bodies = {size: compact(slug) for slug, size in BODIES.items()}
        for body in bodies.values():
            for one in running.values():
                measure(one, body)  # a round that does not count: caches, memory, the interpreter's specialisation
        for _ in track(range(ROUNDS), "rounds", console=console):
            for size, body in bodies.items():
                for name, one in running.items():
                    figures[size][name].append(measure(one, body))
    for size, found in figures.items():
        console.print(table(size, found))


def compact(slug: str) -> bytes:
    """A recorded review as the API server sends it: on one line."""
    review = json.loads((ROOT / "tests/cases" / slug / "review.json").read_text())
    return json.dumps(review, separators=(",", ":"), ensure_ascii=False).encode()


def table(size: str, found: dict[str, list[Figure]]) -> Table:
    made = Table(title=f"{size}, {CONNECTIONS} connections, {ROUNDS} rounds of {REVIEWS} reviews")
    for heading in ("server", "CPU us a review", "times the floor", "(min - max)", "reviews a second"):
        made.add_column(heading, justify="left" if heading == "server" else "right")
    floor = [figure.cpu for figure in found[FLOOR]]
    for name, rounds in found.items():
        ratios = [figure.cpu / base for figure, base in zip(rounds, floor, strict=True)]
        made.add_row(
            name,
            f"{statistics.median(figure.cpu for figure in rounds):.0f}",
            f"{statistics.median(ratios):.2f}",
            f"{min(ratios):.2f} - {max(ratios):.2f}",
            f"{statistics.median(figure.rate for figure in rounds):.0f}",
        )
    return made


if __name__ == "__main__":
    main()
