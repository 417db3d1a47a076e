"""Medians, ratios and their spread.

Rule: two servers are compared within a round, where the machine was the same for both; what is shown is the median of
      these ratios, with the smallest and the largest beside it. A mean would follow the one bad round.
"""

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """A figure over the rounds."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours over theirs, round by round."""
    return spread([one / other for one, other in zip(ours, theirs, strict=True)])
