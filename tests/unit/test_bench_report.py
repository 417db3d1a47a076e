"""What the benchmark's page says of given results."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench import plots, quick, report, tables
from bench.contenders import CONTENDERS, FLOOR, GO, PODMETA
from bench.gates import GATES, Verdict, times
from bench.scenarios import SCENARIOS
from bench.servers import CASES, USUAL

CELL = {"requests": 100, "rate": 1000.0, "cpu": 100.0, "p50": 1000.0, "p99": 2000.0, "p999": 3000.0, "max": 4000.0}
CREATION = {"admission": 500.0, "webhook": 90.0, "calls": 400, "connections": 175, "mean": 1.0, **CELL}
LAW = {"fixed": 8.0, "each": 0.5, "residual": 0.04}
CURVE = {"unit": "container", "points": [[1, 8.5], [50, 33.0]], "law": LAW}


@pytest.fixture
def results() -> dict[str, Any]:
    """A run in which every server costs the same."""
    return {
        "date": "2026-01-01",
        "machine": {"processors": 2},
        "versions": {"Python": "3.11"},
        "rounds": 2,
        "seconds": 1.0,
        "cells": {case: {name: [dict(CELL), dict(CELL)] for name in CONTENDERS} for case in CASES},
        "memory": {name: {"idle": 50.0, "after": 60.0} for name in CONTENDERS},
        "start": {name: [0.5, 0.2, 0.4] for name in CONTENDERS},
        "idle": {name: {"requests": 60, "failed": 0, "reopened": []} for name in CONTENDERS},
        "kubernetes": "v1.36.0",
        "creations": 800,
        "scenarios": {name: {kind: [CREATION] for kind in ("one", "eight", "burst")} for name in SCENARIOS},
    }


@pytest.fixture
def grown() -> dict[str, Any]:
    """A run of the growth part."""
    axes = ("containers", "environment", "annotations", "body")
    samples = [[number * 1000, 60.0 + number] for number in range(11)]
    return {
        "date": "2026-01-01",
        "machine": {},
        "versions": {},
        "curves": {axis: {"unit": "container", "remembered": CURVE, "decided": CURVE} for axis in axes},
        "memory": {"in process": {"samples": samples}, "over TLS": {"samples": samples}},
    }


@pytest.mark.parametrize(("ours", "verdict"), [(16.0, Verdict.STRETCH), (24.0, Verdict.GATE), (26.0, Verdict.MISSED)])
def test_a_verdict_is_the_median_against_gate_and_stretch(
    results: dict[str, Any], ours: float, verdict: Verdict
) -> None:
    """The first gate: a quarter of hand-written Go, a sixth as the stretch."""
    for cell in results["cells"][USUAL][PODMETA]:
        cell["cpu"] = ours
    assert GATES[0].verdict(results) is verdict


def test_equal_servers_miss_every_gate_that_is_below_one(results: dict[str, Any]) -> None:
    """And reach those that ask for no more than to be as good."""
    for gate in GATES:
        if gate.shown is times:
            assert gate.verdict(results) is (Verdict.MISSED if gate.gate < 1 else Verdict.GATE), gate.figure


@pytest.mark.parametrize(("value", "said"), [(0.25, "1/4"), (0.28, "1/3.57"), (0.9, "0.90 x"), (1.3, "1.30 x")])
def test_a_ratio_is_written_as_people_say_it(value: float, said: str) -> None:
    assert times(value) == said


def test_a_table_compares_with_podmeta_within_a_round(results: dict[str, Any]) -> None:
    """Twice and four times in two rounds: the median, and both ends."""
    for cell, cost in zip(results["cells"][USUAL][GO], (200.0, 400.0), strict=True):
        cell["cpu"] = cost
    line = next(line for line in tables.against(results).splitlines() if line.startswith(f"| {GO} |"))
    assert "3.0 (2.0 - 4.0)" in line


def test_a_server_that_closes_idle_connections_is_shown_as_such(results: dict[str, Any]) -> None:
    """The shortest gap after which it did; the others never did."""
    results["idle"][FLOOR]["reopened"] = [10.0, 5.0]
    lines = tables.process(results).splitlines()
    assert [line.split("|")[-2].strip() for line in lines if line.startswith(f"| {FLOOR} ")] == ["5 s"]
    assert sum("never" in line for line in lines) == len(CONTENDERS) - 1


def test_the_page_names_every_server_case_and_gate(results: dict[str, Any], grown: dict[str, Any]) -> None:
    """Nothing that was measured is left out of what is shown."""
    page = report.servers(results) + report.endtoend(results) + report.growth(grown)
    for name in (*CONTENDERS, *(gate.figure for gate in GATES)):
        assert f"| {name} |" in page, name
    for made in (tables.one_by_one(results), tables.at_once(results)):
        assert made in page
        assert all(f"| {name} |" in made for name in SCENARIOS)
    assert "| 8.0 + 0.5 per container |" in page


def test_the_plots_are_drawings_that_a_browser_reads(results: dict[str, Any], grown: dict[str, Any]) -> None:
    """Well-formed XML, with a dot for each server and size, and a line for each curve."""
    dots = ET.fromstring(plots.cpu(results)).iter("{http://www.w3.org/2000/svg}circle")  # noqa: S314 - our own text
    assert len(list(dots)) == len(plots.SIZES) * (len(CONTENDERS) + 1)  # one more each in the legend
    lines = ET.fromstring(plots.growth(grown)).iter("{http://www.w3.org/2000/svg}polyline")  # noqa: S314 - as above
    assert len(list(lines)) == 2 * len(grown["curves"])
    assert ET.fromstring(plots.latency(results)).tag.endswith("svg")  # noqa: S314 - as above
    assert ET.fromstring(plots.memory(grown)).tag.endswith("svg")  # noqa: S314 - as above


@pytest.mark.parametrize("bound", quick.BOUNDS, ids=lambda bound: f"{bound.server}, {bound.case}")
def test_the_guard_fails_when_one_bound_is_broken(bound: quick.Bound) -> None:
    """The round that cost least counts, of the server and of the do-nothing endpoint."""
    used = {row.case: {name: [1.0, 9.0] for name in (*quick.SHOWN, FLOOR)} for row in quick.BOUNDS}
    assert quick.held(used)
    used[bound.case][bound.server] = [100.0, bound.most]
    assert quick.held(used)
    used[bound.case][bound.server] = [100.0, bound.most * 1.01]
    assert not quick.held(used)
