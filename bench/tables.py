"""The tables of docs/performance.md, each from one run's results."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from bench.contenders import CONTENDERS, PODMETA
from bench.gates import GATES, figures
from bench.ratios import ratio
from bench.scenarios import NONE
from bench.servers import BURSTS, CASES, OPEN, USUAL

Json = dict[str, Any]
CLOSED = tuple(case.name for case in CASES.values() if case.mode == "closed")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose first column is text and whose others are numbers."""
    marks = [":---", *["---:"] * (len(headings) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (headings, marks, *rows))


def gates(results: Json) -> str:
    rows = []
    for gate in GATES:
        found = gate.reached(results)
        median, low, high = map(gate.shown, found)
        spread = f"{low} - {high}" if found.low != found.high else ""
        rows.append(
            (gate.figure, median, spread, gate.shown(gate.gate), gate.shown(gate.stretch), gate.verdict(results).value)
        )
    return table(("figure", "reached", "min - max", "gate", "stretch", "verdict"), rows)


def cpu(results: Json) -> str:
    rows = [(name, *(f"{_median(results, case, name):,.0f}" for case in CLOSED)) for name in _names(results)]
    return table(("CPU µs an admission", *CLOSED), rows)


def against(results: Json) -> str:
    """How many times podmeta's CPU."""
    rows = []
    for name in _names(results):
        spreads = [ratio(figures(results, case, name), figures(results, case, PODMETA)) for case in CLOSED]
        rows.append((name, *(f"{found.median:.1f} ({found.low:.1f} - {found.high:.1f})" for found in spreads)))
    return table(("times podmeta's CPU", *CLOSED), rows)


def rates(results: Json) -> str:
    rows = [(name, *(f"{_median(results, case, name, 'rate'):,.0f}" for case in CLOSED)) for name in _names(results)]
    return table(("admissions a second", *CLOSED), rows)


def latencies(results: Json) -> str:
    """p50, p99 and p99.9 in milliseconds: 8 connections as fast as they can, and 300 a second."""
    headings = [f"{case}: {name}" for case in (USUAL, OPEN) for name in ("p50", "p99", "p99.9")]
    rows = []
    for server in _names(results):
        cells = [(case, figure) for case in (USUAL, OPEN) for figure in ("p50", "p99", "p999")]
        rows.append((server, *(f"{_median(results, case, server, figure) / 1000:.2f}" for case, figure in cells)))
    return table(("latency, ms", *headings), rows)


def process(results: Json) -> str:
    """Memory, start, handshakes, idle connections."""
    headings = (
        "process", "resident, idle, MiB", "resident, after the run", "first answer, s", "CPU µs a new connection",
        "handshakes a second of CPU", "failed after idle gaps", "closed by it within 90 s, after",
    )  # fmt: skip
    rows = []
    for name in _names(results):
        memory, idle, handshake = results["memory"][name], results["idle"][name], _median(results, BURSTS, name)
        after = f"{min(idle['reopened']):.0f} s" if idle["reopened"] else "never"
        started = statistics.median(results["start"][name])
        figures_shown = (f"{memory['idle']:.0f}", f"{memory['after']:.0f}", f"{started:.2f}", f"{handshake:,.0f}")
        rows.append((name, *figures_shown, f"{1e6 / handshake:,.0f}", str(idle["failed"]), after))
    return table(headings, rows)


def contenders(results: Json) -> str:
    return "".join(f"- **{name}**: {CONTENDERS[name].told}.\n" for name in _names(results))


def one_by_one(results: Json) -> str:
    """Added latency is within a round: against the same creations without a webhook."""
    figures_of_all = ("p50", "p99", "admission", "cpu", "webhook")
    headings = ("p50", "p99", "in its admission plugins", "CPU of the API server", "CPU of the webhook", "added, p50")
    plain = results["scenarios"][NONE]["one"]
    rows = []
    for name, found in results["scenarios"].items():
        added = statistics.median(a["p50"] - b["p50"] for a, b in zip(found["one"], plain, strict=True))
        shown = "" if name == NONE else f"{added / 1000:.2f}"
        rows.append((name, *(_ms(found["one"], figure) for figure in figures_of_all), shown))
    return table(("ms a creation, one after the other", *headings), rows)


def at_once(results: Json) -> str:
    """Connections to the webhook: over all rounds of eight at a time, and for one burst."""
    headings = ("8 at a time: p50", "connections opened", "200 at once: p50", "p99", "connections opened a burst")
    rows = []
    for name, found in results["scenarios"].items():
        eight, burst = found["eight"], found["burst"]
        opened = sum(cell["connections"] for cell in eight)
        each = statistics.median(cell["connections"] for cell in burst)
        rows.append((name, _ms(eight, "p50"), f"{opened}", _ms(burst, "p50"), _ms(burst, "p99"), f"{each:.0f}"))
    return table(("ms a creation, at once", *headings), rows)


def laws(results: Json) -> str:
    """The fitted lines, with the error of the worst point."""
    rows = []
    for name, found in results["curves"].items():
        for kind in ("remembered", "decided"):
            law = found[kind]["law"]
            line = f"{law['fixed']:.1f} + {law['each']:.3g} per {found['unit']}"
            rows.append((name, kind, line, f"{law['residual'] * 100:.0f} %"))
    return table(("what grows", "answer", "CPU µs a review", "worst point off by"), rows)


def memory(results: Json) -> str:
    rows = []
    for name, found in results["memory"].items():
        samples = found["samples"]
        marks = [samples[round(share * (len(samples) - 1))][1] for share in (0, 0.1, 0.5, 1)]
        rows.append((name, f"{samples[-1][0]:,}", *(f"{value:.1f}" for value in marks)))
    return table(("resident, MiB", "reviews", "at the start", "after a tenth", "half way", "at the end"), rows)


def versions(results: Json) -> str:
    machine = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    return f"{machine}; {', '.join(f'{name} {value}' for name, value in results['versions'].items())}"


def _names(results: Json) -> list[str]:
    return [name for name in CONTENDERS if name in results["memory"]]


def _median(results: Json, case: str, server: str, figure: str = "cpu") -> float:
    return statistics.median(figures(results, case, server, figure))


def _ms(cells: Sequence[Json], figure: str) -> str:
    return f"{statistics.median(cell[figure] for cell in cells) / 1000:.2f}"
