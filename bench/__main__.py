"""`python -m bench`: podmeta beside its peers, on this machine, in one run.

Rule: a run writes its results as JSON; the page, the tables and the plots are made from them by `report` alone, so
      that what is shown can be made again from what was measured.
"""

import argparse
import json
import sys
from collections.abc import Callable

from rich.console import Console

from bench import endtoend, growth, machine, quick, report, servers, tables
from bench.report import RESULTS
from tests.kube.binaries import Unavailable

ROOT = RESULTS.parents[1]
PARTS: dict[str, Callable[[argparse.Namespace, servers.Say], servers.Json]] = {
    "servers": lambda given, say: servers.measure(given.rounds, given.seconds, given.only.lower(), say),
    "endtoend": lambda given, say: endtoend.measure(given.rounds, say),
    "growth": lambda _, say: growth.measure(say),
}


def main() -> int:
    given = arguments()
    console = Console(stderr=True)
    try:
        with console.status("") as status:
            held = run(given, status.update)
    except KeyboardInterrupt:
        return 130
    except Unavailable as reason:
        console.print(str(reason), style="red", markup=False)
        return 2
    return 0 if held else 1


def run(given: argparse.Namespace, say: servers.Say) -> bool:
    """One verb; False only where a bound is broken."""
    if given.part == "quick":
        return quick.guard(say, Console(width=None if sys.stdout.isatty() else 120))
    for part in PARTS if given.part == "all" else PARTS.keys() & {given.part}:
        found = PARTS[part](given, say)
        whole = {**machine.described(), "rounds": given.rounds, "seconds": given.seconds, **found}
        if given.part == "servers" and given.only:  # a look at a few, not the last run of all
            print(tables.cpu(whole), tables.against(whole), sep="\n")
            return True
        RESULTS.mkdir(exist_ok=True)
        rounded = json.loads(json.dumps(whole), parse_float=lambda text: float(f"{float(text):.5g}"))
        (RESULTS / f"{part}.json").write_text(json.dumps(rounded, indent=1) + "\n")
    for path in report.write():
        print(path.relative_to(ROOT))
    return True


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "part",
        nargs="?",
        default="all",
        choices=("all", *PARTS, "quick", "report"),
        help="servers: podmeta and its peers; endtoend: through a real API server; growth: cost and memory against "
        "size; quick: the guard of CI; report: only write the page from the last results",
    )
    parser.add_argument("--rounds", type=int, default=5, help="that count; one more warms up")
    parser.add_argument("--seconds", type=float, default=2, help="of each server in each case of each round")
    parser.add_argument("--only", default="", metavar="NAME", help="servers: those whose name has this text")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
