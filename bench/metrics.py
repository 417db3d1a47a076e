"""Samples of a /metrics page."""

import re

_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def total(page: str, metric: str, **labels: str) -> float:
    """The sum of a metric over all its series that have these labels."""
    found = 0.0
    for line in page.splitlines():
        name, _, rest = line.partition("{") if "{" in line else line.partition(" ")
        if name == metric:
            series, _, value = rest.rpartition(" ")
            if labels.items() <= dict(_LABEL.findall(series)).items():
                found += float(value)
    return found
