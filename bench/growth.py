"""How the cost of a review grows with the pod, and that memory does not grow with the number of reviews.

Rule: CPU of this process alone, without HTTP and TLS, so that the engine's own law shows: once with every answer
      remembered, once with none.
Strategy: one axis at a time from the same recorded pod; the least of several turns, since whatever disturbs a turn
      makes it longer. A line is fitted to each curve.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import process_time_ns
from typing import Any, NamedTuple

from bench.bodies import NOTE, body, grown, numbered, recorded, written
from bench.contenders import CONTENDERS, SHIPPED
from bench.drive import drive
from bench.law import fitted
from bench.running import resident_mib, running
from tests.stories import DEFAULTS
from webhook.inject.mutate import decide
from webhook.inject.question import Door, Question
from webhook.server.app import REMEMBERED
from webhook.server.review import Reviewer

SLUG = "deployment"  # one container, as a ReplicaSet makes it
TURNS, TURN = 7, 0.05  # seconds
REVIEWS, SAMPLES = 1_000_000, 50
OVER_TLS = 100_000
SHAPES = 997  # of which each comes again; beside them, one review in 64 has a shape that was never seen
UNSEEN = 64
Json = dict[str, Any]
Say = Callable[[str], None]


class Axis(NamedTuple):
    """What grows, in which unit, and how far."""

    name: str
    unit: str
    steps: tuple[int, ...]
    make: Callable[[int], bytes]


def _grown(**axes: int) -> bytes:
    return numbered(written(grown(recorded(SLUG), **axes)), 1)


AXES = (
    Axis("containers", "container", (1, 2, 5, 10, 20, 30, 40, 50), lambda n: _grown(containers=n)),
    Axis("environment", "variable", (0, 10, 50, 100, 200, 300, 400, 500), lambda n: _grown(env=n)),
    Axis("annotations", "KiB", (0, 10, 25, 50, 100, 150, 200, 250), lambda n: _grown(annotations=n << 10)),
)


def measure(say: Say) -> Json:
    curves = {}
    for axis in AXES:
        say(f"growth: {axis.name}")
        curves[axis.name] = curve(axis.unit, [(float(n), axis.make(n)) for n in axis.steps])
    say("growth: the body's size")
    whole = [_grown(containers=n, env=20, annotations=n * NOTE) for n in range(1, 51, 7)]
    curves["body"] = curve("KB", [(len(text) / 1000, text) for text in whole])
    return {"curves": curves, "memory": {"in process": reviewed(say), "over TLS": over_tls(say)}}


def curve(unit: str, bodies: list[tuple[float, bytes]]) -> Json:
    """Microseconds a review at each step, remembered and decided, and the law of both."""
    found: Json = {"unit": unit, "bytes": [len(text) for _, text in bodies]}
    for name, budget in (("remembered", REMEMBERED), ("decided", 0)):
        points = [(n, cost(budget, numbered(text, 1))) for n, text in bodies]
        found[name] = {"points": points, "law": fitted(points)._asdict()}
    return found


def cost(budget: int, text: bytes) -> float:
    """Microseconds of CPU a review: the least of the turns."""
    reviewer = Reviewer(_decide, budget)
    turns = []
    for _ in range(TURNS):
        count, began = 0, process_time_ns()
        while process_time_ns() - began < TURN * 1e9:
            for _ in range(8):
                reviewer.review(text, Door.POD)
            count += 8
        turns.append((process_time_ns() - began) / count / 1e3)
    return min(turns)


def reviewed(say: Say) -> Json:
    """Resident MiB of this process over a million reviews: a thousand shapes, and many never seen."""
    template = written(recorded(SLUG), unseen=True)
    reviewer = Reviewer(_decide, REMEMBERED)
    samples = []
    for number in range(REVIEWS + 1):
        shape = number if number % UNSEEN == 0 else number % SHAPES
        answered = reviewer.review(numbered(template, shape), Door.POD)
        assert answered.status == 200, answered.message
        if number % (REVIEWS // SAMPLES) == 0:
            say(f"growth: memory, review {number:,} of {REVIEWS:,}")
            samples.append((number, resident_mib(os.getpid())))
    return {"samples": samples}


def over_tls(say: Say) -> Json:
    """The same of the service as shipped, in ten parts."""
    text = written(recorded(SLUG), unseen=True)
    with running([CONTENDERS[SHIPPED]], body("3 KB")) as servers, _written(text) as file:
        server = servers[SHIPPED]
        samples = [(0, server.resident())]
        for part in range(10):
            say(f"growth: memory over TLS, part {part + 1} of 10")
            load = drive(server.port, server.authority, file, "closed", requests=OVER_TLS // 10)
            assert load.failed == 0, load.failure
            samples.append(((part + 1) * OVER_TLS // 10, server.resident()))
    return {"samples": samples}


@contextmanager
def _written(text: bytes) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(text)
        file.flush()
        yield Path(file.name)


def _decide(asked: Question) -> Any:
    return decide(asked, DEFAULTS)
