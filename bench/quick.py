"""The guard that CI runs: has an admission become dearer?

Rule: a bound is a ratio to the do-nothing endpoint on the same server and machine, in CPU time, so that neither the
      machine nor what else it does is measured. Instruction counts would be steadier still, but virtual machines
      seldom have the counters.
Strategy: many short rounds, and of each server the one that cost least, since whatever disturbs a round makes it
      dearer; so it also holds on a busy machine.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench.bodies import body
from bench.contenders import CONTENDERS, FLOOR, GO, PODMETA, SHIPPED
from bench.running import running
from bench.same import check_same
from bench.servers import CASES, USUAL, WARM, Say, cell, write_bodies

ROUNDS, SECONDS = 7, 0.2
Used = dict[str, dict[str, list[float]]]  # CPU by case and server, a value a round


class Bound(NamedTuple):
    """One row: the server, the case, and the most that its CPU may be, in times of the do-nothing endpoint's."""

    server: str
    case: str
    most: float


BOUNDS = (
    # What was reached on a quiet machine, and a third more.
    Bound(PODMETA, "10 KB", 1.5),
    Bound(SHIPPED, "10 KB", 2.0),
    Bound(PODMETA, "10 KB, no shape seen before", 5.6),
    Bound(PODMETA, "66 KB", 1.7),
)
SHOWN = (PODMETA, SHIPPED, GO)


def guard(say: Say, console: Console) -> bool:
    """Measures and prints; are all bounds held?"""
    used = measured(say)
    console.print(table(used))
    return held(used)


def held(used: Used) -> bool:
    return all(reached(used, bound.case, bound.server) <= bound.most for bound in BOUNDS)


def reached(used: Used, case: str, server: str) -> float:
    """Times the do-nothing endpoint's CPU."""
    return min(used[case][server]) / min(used[case][FLOOR])


def table(used: Used) -> Table:
    made = Table(title=f"CPU an admission, in do-nothing endpoints: least of {ROUNDS} rounds")
    for heading in ("case", "server", "ratio", "bound"):
        made.add_column(heading, justify="left" if heading in ("case", "server") else "right")
    bounds = {(bound.case, bound.server): bound.most for bound in BOUNDS}
    for case in used:
        for server in SHOWN:
            found, most = reached(used, case, server), bounds.get((case, server))
            broken = most is not None and found > most
            made.add_row(case, server, f"{found:.2f}", f"{most:.2f}" if most else "", style="red" if broken else "")
    return made


def measured(say: Say) -> Used:
    cases = dict.fromkeys(bound.case for bound in BOUNDS)
    used: Used = {case: {name: [] for name in (*SHOWN, FLOOR)} for case in cases}
    with (
        tempfile.TemporaryDirectory(prefix="podmeta-bench-") as folder,
        running([CONTENDERS[name] for name in (*SHOWN, FLOOR)], body(USUAL)) as servers,
    ):
        write_bodies(Path(folder))
        check_same(servers)
        for number in range(ROUNDS + 1):
            for case, found in used.items():
                for name, server in servers.items():
                    say(f"quick, round {number} of {ROUNDS}, {case}: {name}")
                    one = cell(server, CASES[case], Path(folder), SECONDS if number else WARM)
                    if number:
                        found[name].append(one["cpu"])
    return used
