"""The metrics: one table, and the observers that fill it.

Rule: every label has a bounded set of values, all of them from our own tables, never from a request.
Strategy: the core knows nothing of it. What is counted in every review is a plain number here, turned into metrics
      only when Prometheus asks: one event loop needs none of the locks of the library's counters (3 us a review).
      What somebody else keeps anyway (in flight, expiry) is read then, too.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from webhook import __version__
from webhook.server.answer import FAILED, MALFORMED
from webhook.server.body import Refusal
from webhook.server.review import Review

# A review takes some 0.1 ms here; what a user feels starts at 10 ms, and at 10 s the API server gives up.
BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0)

# name: (labels, meaning); docs and tests read it
COUNTERS = {
    "podmeta_reviews": (
        ("door", "outcome", "reason"),
        "Reviews answered, by what became of the pod and why (docs/reasons.md).",
    ),
    "podmeta_remembered": (
        ("result",),
        "Reviews decided anew (miss) or remembered: by the pod's shape (hit), by the bytes (replica).",
    ),
    "podmeta_http_errors": (("code",), "Answers with an HTTP code that is not 200."),
    "podmeta_certificate_reloads": (
        ("result",),
        "Changes of the certificate's files: served, or refused (the old one goes on).",
    ),
}
GAUGES = {
    "podmeta_reviews_in_flight": "Reviews that are not answered yet.",
    "podmeta_certificate_expiry_timestamp_seconds": "Unix time at which the served certificate expires; 0: none is.",
}
HISTOGRAM = ("podmeta_review_seconds", "From the head of a request to its answer, waiting for its body included.")
Numbers = Counter[tuple[str, ...]]


class Metrics(Collector):
    """The numbers, the observers for Application and its certificate, and the page."""

    def __init__(self, in_flight: Callable[[], float], expiry: Callable[[], float]) -> None:
        self._gauges = dict(zip(GAUGES, (in_flight, expiry), strict=True))
        self._reviews: Numbers = Counter()
        # All there from the start: an increase from nothing is none to Prometheus.
        self._remembered: Numbers = Counter({("miss",): 0, ("hit",): 0, ("replica",): 0})
        self._reloads: Numbers = Counter({("served",): 0, ("refused",): 0})
        self._errors: Numbers = Counter()
        self._buckets = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def reviewed(self, review: Review, seconds: float) -> None:
        """Count a review."""
        answer = review.answer
        self._reviews[review.door.value, answer.outcome, answer.reason] += 1
        self._buckets[bisect_left(BUCKETS, seconds)] += 1
        self._seconds += seconds
        if answer.outcome not in (MALFORMED, FAILED):
            self._remembered["replica" if review.replica else "hit" if review.remembered else "miss",] += 1
        if review.status != 200:
            self._errors[str(review.status),] += 1

    def refused(self, refusal: Refusal, _path: str) -> None:
        """Count a request that was no review."""
        self._errors[str(refusal.code),] += 1

    def reloaded(self, problems: list[str]) -> None:
        """Count a change of the certificate's files."""
        self._reloads["refused" if problems else "served",] += 1

    def page(self) -> tuple[bytes, str]:
        """The exposition and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def collect(self) -> Iterable[Metric]:
        counts = (self._reviews, self._remembered, self._errors, self._reloads)
        for (name, (labels, meaning)), counted in zip(COUNTERS.items(), counts, strict=True):
            counter = CounterMetricFamily(name, meaning, labels=labels)
            for values, number in counted.items():
                counter.add_metric(values, number)
            yield counter
        for name, meaning in GAUGES.items():
            yield GaugeMetricFamily(name, meaning, value=self._gauges[name]())
        bounds = [*map(floatToGoString, BUCKETS), "+Inf"]
        buckets = list(zip(bounds, accumulate(self._buckets), strict=True))
        yield HistogramMetricFamily(*HISTOGRAM, buckets=buckets, sum_value=self._seconds)
        yield InfoMetricFamily("podmeta_build", "The version that runs.", value={"version": __version__})
