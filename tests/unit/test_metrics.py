"""The metrics: what is counted, under which labels, as Prometheus reads it."""

from prometheus_client.parser import text_string_to_metric_families

from tests.pods import DEFAULTS, pod, review
from webhook.api.review import AdmissionRequest
from webhook.inject.mutate import decide
from webhook.inject.question import Door, Question
from webhook.inject.reasons import Reason
from webhook.server.body import EMPTY, TOO_LARGE
from webhook.server.metrics import BUCKETS, COUNTERS, GAUGES, HISTOGRAM, Metrics
from webhook.server.review import Review, Reviewer


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Name and label values to value, as a scraper sees them."""
    text, content_type = metrics.page()
    assert content_type.startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def reviewer() -> Reviewer:
    return Reviewer(lambda asked: decide(asked, DEFAULTS), 1 << 20)


def broken(_: Question) -> None:
    raise ValueError("a bug")


def test_reviews_are_counted_by_door_outcome_and_reason() -> None:
    metrics, reviews = Metrics(lambda: 0, lambda: 0), reviewer()
    bodies = [
        review(pod()),
        review(pod()),
        review(pod()),
        review(pod({"inject": "false"})),
        review(pod({"env": "FOO"})),
        review(pod()).replace(b"admission.k8s.io/v1", b"admission.k8s.io/v1beta1"),
        b"{}",
    ]
    for body in bodies:
        metrics.reviewed(reviews.review(body, Door.POD), 0.0002)
    metrics.reviewed(Reviewer(broken, 0).review(bodies[0], Door.NAMESPACE), 20.0)  # type: ignore[arg-type] # the bug
    found = samples(metrics)
    reviews_total = {key[1:]: value for key, value in found.items() if key[0] == "podmeta_reviews_total"}
    assert reviews_total == {
        ("pod", "patched", "injected"): 3,
        ("pod", "skipped", "opted-out"): 1,
        ("pod", "rejected", "invalid"): 1,
        ("pod", "malformed", "malformed"): 2,
        ("namespace", "failed", "failed"): 1,
    }
    remembered = {key[1]: value for key, value in found.items() if key[0] == "podmeta_remembered_total"}
    assert remembered == {"hit": 1, "miss": 4, "replica": 0}  # what was never asked of the memory is neither
    errors = {key[1]: value for key, value in found.items() if key[0] == "podmeta_http_errors_total"}
    assert errors == {"400": 1, "500": 1}


def test_the_histogram_counts_each_review_once() -> None:
    metrics = Metrics(lambda: 0, lambda: 0)
    one = reviewer().review(review(pod()), Door.POD)
    for seconds in (0.00005, 0.0001, 0.0003, 3.0, 30.0):
        metrics.reviewed(one, seconds)
    found = samples(metrics)
    counts = [found["podmeta_review_seconds_bucket", str(bound)] for bound in BUCKETS]
    assert counts == [2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4]
    assert found["podmeta_review_seconds_bucket", "+Inf"] == found["podmeta_review_seconds_count",] == 5
    assert found["podmeta_review_seconds_sum",] == sum((0.00005, 0.0001, 0.0003, 3.0, 30.0))


def test_refusals_and_reloads() -> None:
    metrics = Metrics(lambda: 0, lambda: 0)
    before = samples(metrics)
    assert (before["podmeta_certificate_reloads_total", "served"], before["podmeta_remembered_total", "hit"]) == (0, 0)
    metrics.refused(EMPTY, "/mutate")
    metrics.refused(TOO_LARGE, "/mutate")
    metrics.refused(TOO_LARGE, "/mutate/namespace")
    metrics.reloaded([])
    metrics.reloaded(["why"])
    metrics.reloaded(["why", "and why"])
    found = samples(metrics)
    assert (found["podmeta_http_errors_total", "400"], found["podmeta_http_errors_total", "413"]) == (1, 2)
    served, refused = (found["podmeta_certificate_reloads_total", result] for result in ("served", "refused"))
    assert (served, refused) == (1, 2)


def test_gauges_are_read_at_the_scrape() -> None:
    values = [1.0, 2.0]
    metrics = Metrics(lambda: values[0], lambda: values[1])
    values[:] = [3.0, 4.0]
    found = samples(metrics)
    assert found["podmeta_reviews_in_flight",] == 3
    assert found["podmeta_certificate_expiry_timestamp_seconds",] == 4


def test_every_metric_of_the_tables_is_on_the_page() -> None:
    text = Metrics(lambda: 0, lambda: 0).page()[0].decode()
    for name in (*(f"{name}_total" for name in COUNTERS), *GAUGES, HISTOGRAM[0], "podmeta_build_info"):
        assert f"\n# HELP {name} " in f"\n{text}"


def test_no_label_comes_from_a_request() -> None:
    """Whatever a client sends, the reasons are ours, so their number is bounded."""
    metrics, reviews = Metrics(lambda: 0, lambda: 0), reviewer()
    for number in range(50):
        unread: Review = reviews.review(review(pod({f"key-{number}": "x"}), namespace=f"n{number}"), Door.POD)
        assert isinstance(unread.request, AdmissionRequest)
        metrics.reviewed(unread, 0.1)
    labels = {key[3] for key in samples(metrics) if key[0] == "podmeta_reviews_total"}
    assert labels <= {reason.value for reason in Reason}
