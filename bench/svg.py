"""Plots as SVG text, small enough to be written by hand.

Rule: what is compared over orders of magnitude stands on a logarithmic axis as dots, since a bar there would lie; every
      dot is a median, with a line from the smallest to the largest value. Colours fit a light and a dark page.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from bench.ratios import Spread

COLOURS = ("#0969da", "#bf5700", "#1a7f37", "#8250df")
STYLE = """<style>
text{font:12px system-ui,sans-serif;fill:#57606a}.title{font-weight:600;font-size:14px}.own{font-weight:600}
.grid{stroke:#8c959f;stroke-opacity:.3}
@media(prefers-color-scheme:dark){text{fill:#b1bac4}}</style>
"""
WIDTH, LEFT, RIGHT, TOP, ROW = 860, 190, 30, 70, 26


class Dots(NamedTuple):
    """One colour of a dot plot: a Spread a row."""

    name: str
    values: Sequence[Spread]


class Line(NamedTuple):
    name: str
    points: Sequence[tuple[float, float]]


class Panel(NamedTuple):
    """One small chart of lines, from zero."""

    title: str
    across: str
    up: str
    lines: Sequence[Line]


def dots(title: str, unit: str, rows: Sequence[str], series: Sequence[Dots], own: Sequence[str]) -> str:
    """Rows of dots on a logarithmic axis; the rows of `own` are set in bold."""
    values = [value for one in series for spread in one.values for value in spread if value > 0]
    low = math.floor(math.log10(min(values)))
    high = max(low + 1, math.ceil(math.log10(max(values))))
    height = TOP + ROW * len(rows) + 34

    def x(value: float) -> float:
        return LEFT + (math.log10(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    parts = [_text(0, 16, title, "title"), *_legend([one.name for one in series])]
    bottom = TOP + ROW * len(rows)
    for power in range(low, high + 1):
        at = x(10**power)
        parts.append(f'<line class="grid" x1="{at:.1f}" y1="{TOP - 12}" x2="{at:.1f}" y2="{bottom}"/>')
        parts.append(_text(at, bottom + 16, f"{10**power:,}", anchor="middle"))
    parts.append(_text(WIDTH - RIGHT, bottom + 32, unit, anchor="end"))
    for index, name in enumerate(rows):
        y = TOP + ROW * index + 6
        parts.append(_text(LEFT - 14, y + 4, name, "own" if name in own else "", "end"))
        for colour, one in zip(COLOURS, series, strict=False):
            found = one.values[index]
            line = f'x1="{x(found.low):.1f}" y1="{y}" x2="{x(found.high):.1f}" y2="{y}"'
            parts.append(f'<line {line} stroke="{colour}" stroke-opacity=".5" stroke-width="3"/>')
            parts.append(f'<circle cx="{x(found.median):.1f}" cy="{y}" r="4.5" fill="{colour}"/>')
    return _svg(height, parts)


def panels(title: str, charts: Sequence[Panel]) -> str:
    """Charts two by two."""
    cell, margin, high, gap = WIDTH / 2, 60, 170, 80
    rows = math.ceil(len(charts) / 2)
    names = [line.name for line in charts[0].lines]
    parts = [_text(0, 16, title, "title"), *_legend(names)]
    for index, chart in enumerate(charts):
        left, top = (index % 2) * cell + margin, 80 + (index // 2) * (high + gap)
        parts += _panel(chart, left, top, cell - margin - RIGHT, high)
    return _svg(round(80 + rows * (high + gap) - 20), parts)


def _panel(chart: Panel, left: float, top: float, wide: float, high: float) -> list[str]:
    most_x = max(x for line in chart.lines for x, _ in line.points) or 1
    most_y = _ceiling(max(y for line in chart.lines for _, y in line.points))
    parts = [_text(left, top - 14, f"{chart.title}: {chart.up}", "own")]
    for step in range(5):
        y = top + high - high * step / 4
        parts.append(f'<line class="grid" x1="{left:.1f}" y1="{y:.1f}" x2="{left + wide:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(left - 6, y + 4, _number(most_y * step / 4), anchor="end"))
        parts.append(_text(left + wide * step / 4, top + high + 16, _number(most_x * step / 4), anchor="middle"))
    parts.append(_text(left + wide, top + high + 32, chart.across, anchor="end"))
    for colour, line in zip(COLOURS, chart.lines, strict=False):
        spots = [(left + x / most_x * wide, top + high - y / most_y * high) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(spots) <= 12:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in spots]
    return parts


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:,.1f}"


def _ceiling(value: float) -> float:
    """The next 1, 2, 4 or 8 times a power of ten: its quarters are numbers that can be read."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 8, 10) if step * power >= value)


def _legend(names: Sequence[str]) -> list[str]:
    parts, at = [], 6.0
    for colour, name in zip(COLOURS, names, strict=False):
        parts.append(f'<circle cx="{at}" cy="36" r="4.5" fill="{colour}"/>')
        parts.append(_text(at + 10, 40, name))
        at += 30 + 7 * len(name)
    return parts


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> str:
    kind = f' class="{style}"' if style else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(height: int, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">\n'
    )
    return head + STYLE + "\n".join(parts) + "\n</svg>\n"
