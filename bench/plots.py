"""The plots of docs/performance.md."""

from typing import Any

from bench.contenders import CONTENDERS, PODMETA, SHIPPED
from bench.gates import figures
from bench.ratios import spread
from bench.servers import OPEN, USUAL
from bench.svg import Dots, Line, Panel, dots, panels

Json = dict[str, Any]
OWN = (PODMETA, SHIPPED)
SIZES = ("3 KB", USUAL, "66 KB", "500 KB")


def cpu(results: Json) -> str:
    names = _names(results)
    series = [Dots(size, [spread(figures(results, size, name)) for name in names]) for size in SIZES]
    return dots(
        "CPU an admission, by the size of the review: 8 connections", "microseconds, logarithmic", names, series, OWN
    )


def latency(results: Json) -> str:
    names = _names(results)
    series = [
        Dots(label, [spread(figures(results, OPEN, name, figure)) for name in names])
        for label, figure in (("p50", "p50"), ("p99", "p99"), ("p99.9", "p999"))
    ]
    return dots("Latency at 300 admissions a second, 10 KB", "microseconds, logarithmic", names, series, OWN)


def growth(results: Json) -> str:
    units = {
        "containers": "containers",
        "environment": "variables in each container",
        "annotations": "KiB",
        "body": "KB",
    }
    charts = [
        Panel(
            name,
            units[name],
            "µs of CPU a review",
            [Line(kind, found[kind]["points"]) for kind in ("remembered", "decided")],
        )
        for name, found in results["curves"].items()
    ]
    return panels("How the cost of a review grows, without HTTP and TLS", charts)


def memory(results: Json) -> str:
    charts = [
        Panel(name, "reviews", "resident MiB", [Line("resident", found["samples"])])
        for name, found in results["memory"].items()
    ]
    return panels("Memory over the number of reviews", charts)


def _names(results: Json) -> list[str]:
    return [name for name in CONTENDERS if name in results["memory"]]
