"""The law that a cost follows: a line through measured points, by least squares."""

from collections.abc import Sequence
from typing import NamedTuple


class Law(NamedTuple):
    """cost = fixed + each * n. `residual`: the largest distance of a point from the line, as a share of its cost."""

    fixed: float
    each: float
    residual: float

    def at(self, n: float) -> float:
        return self.fixed + self.each * n


def fitted(points: Sequence[tuple[float, float]]) -> Law:
    """Of at least two points with different n."""
    count = len(points)
    mean_n, mean_cost = sum(n for n, _ in points) / count, sum(cost for _, cost in points) / count
    variance = sum((n - mean_n) ** 2 for n, _ in points)
    each = sum((n - mean_n) * (cost - mean_cost) for n, cost in points) / variance
    law = Law(mean_cost - each * mean_n, each, 0.0)
    return law._replace(residual=max(abs(law.at(n) - cost) / cost for n, cost in points))
