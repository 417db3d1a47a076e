"""What must be reached: the gates and the stretch goals, and what a run says about them.

Rule: a gate is a row; a ratio is the median of the ratios within the rounds, ours over theirs.
"""

import statistics
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from bench.contenders import FLOOR, GO, GO_LOGGED, KOPF, PODMETA, RUNTIME, SHIPPED
from bench.ratios import Spread, ratio, spread

Json = dict[str, Any]
Reached = Callable[[Json], Spread]


class Verdict(Enum):
    STRETCH = "stretch reached"
    GATE = "reached"
    MISSED = "**not reached**"


class Gate(NamedTuple):
    """One row: what is measured, how it is found in the results, and the most that it may be."""

    figure: str
    reached: Reached
    gate: float
    stretch: float
    shown: Callable[[float], str]

    def verdict(self, results: Json) -> Verdict:
        found = self.reached(results).median
        return Verdict.STRETCH if found <= self.stretch else Verdict.GATE if found <= self.gate else Verdict.MISSED


def times(value: float) -> str:
    """A ratio as people say it: 1/4.2, 1.30 x."""
    return f"1/{1 / value:.3g}" if value < 0.8 else f"{value:.2f} x"


def figures(results: Json, case: str, server: str, figure: str = "cpu") -> list[float]:
    """One figure of one server, a value a round."""
    return [cell[figure] for cell in results["cells"][case][server]]


def _against(case: str, theirs: str, ours: str = PODMETA, figure: str = "cpu") -> Reached:
    return lambda results: ratio(figures(results, case, ours, figure), figures(results, case, theirs, figure))


def _failed(results: Json) -> Spread:
    return spread([results["idle"][name]["failed"] for name in (PODMETA, SHIPPED)])


def _memory(results: Json) -> Spread:
    return spread([results["memory"][SHIPPED]["idle"]])


def _start(results: Json) -> Spread:
    return spread([statistics.median(results["start"][SHIPPED])])


GATES = (
    Gate("10 KB, 8 connections, log off: against hand-written Go", _against("10 KB", GO), 1 / 4, 1 / 6, times),
    Gate("the same, both with a log line", _against("10 KB", GO_LOGGED, SHIPPED), 1 / 3, 1 / 4, times),
    Gate("the same, as shipped against Go without a log", _against("10 KB", GO, SHIPPED), 1 / 3, 1 / 4, times),
    Gate("10 KB, log off: against controller-runtime", _against("10 KB", RUNTIME), 1 / 15, 1 / 25, times),
    Gate("10 KB, log off: against kopf", _against("10 KB", KOPF), 1 / 4, 1 / 6, times),
    Gate("10 KB, log off: against a do-nothing endpoint", _against("10 KB", FLOOR), 1.3, 0.9, times),
    Gate("66 KB: against hand-written Go", _against("66 KB", GO), 1 / 5, 1 / 8, times),
    Gate("66 KB: against controller-runtime", _against("66 KB", RUNTIME), 1 / 20, 1 / 30, times),
    Gate("3 KB: against hand-written Go", _against("3 KB", GO), 1 / 2, 1 / 3.5, times),
    Gate("10 KB, 1 connection: against hand-written Go", _against("10 KB, 1 connection", GO), 1 / 3, 1 / 4, times),
    Gate(
        "10 KB, no shape seen before: against hand-written Go",
        _against("10 KB, no shape seen before", GO),
        1 / 2.5,
        1 / 3.5,
        times,
    ),
    Gate(
        "p99, open loop, 300 a second, 10 KB: against hand-written Go",
        _against("10 KB, 300 a second", GO, figure="p99"),
        1.0,
        1 / 1.5,
        times,
    ),
    Gate(
        "bursts of 200 new connections: against hand-written Go",
        _against("bursts of 200 new connections", GO),
        1.0,
        1 / 1.3,
        times,
    ),
    Gate("requests failed by a connection closed under them, idle gaps of 0 to 120 s", _failed, 0, 0, "{:.0f}".format),
    Gate("resident memory, idle, as shipped", _memory, 60, 40, "{:.0f} MiB".format),
    Gate("time to first answer, as shipped", _start, 1.0, 0.3, "{:.2f} s".format),
)
