"""The benchmark's arithmetic: what it says of given measurements."""

import json

import pytest

from bench.bodies import BODIES, SERIAL, body, grown, numbered, recorded
from bench.law import fitted
from bench.metrics import total
from bench.ratios import Spread, ratio
from bench.same import Json, applied

PAGE = """# HELP calls_total of a webhook
calls_total{name="a",code="200"} 3
calls_total{name="a",code="500"} 2
calls_total{name="b",code="200"} 7
calls_total_more{name="a"} 100
up 1
"""


def test_servers_are_compared_within_a_round() -> None:
    """A machine that is twice as slow in one round changes neither ratio; the medians alone would say 1."""
    assert ratio([1, 20, 3], [2, 40, 6]) == Spread(0.5, 0.5, 0.5)
    assert ratio([10, 10, 10], [10, 5, 20]) == Spread(1, 0.5, 2)


def test_a_round_without_its_counterpart_is_an_error() -> None:
    """A ratio of rounds that do not belong together is none."""
    with pytest.raises(ValueError, match="zip"):
        ratio([1, 2], [1])


def test_the_law_of_a_line_is_that_line() -> None:
    """Least squares finds what made the points, and says how far the worst of them is off."""
    law = fitted([(n, 5 + 0.25 * n) for n in (0, 10, 50, 500)])
    assert law == pytest.approx((5, 0.25, 0))
    assert fitted([(0, 10), (1, 10), (2, 13)]).residual == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("labels", "sum_of_them"), [({"name": "a"}, 5), ({"name": "a", "code": "500"}, 2), ({}, 12), ({"name": "c"}, 0)]
)
def test_a_metric_is_summed_over_the_series_that_have_the_labels(labels: dict[str, str], sum_of_them: float) -> None:
    """And another metric whose name begins like it is not counted."""
    assert total(PAGE, "calls_total", **labels) == sum_of_them
    assert total(PAGE, "up") == 1


@pytest.mark.parametrize("size", BODIES)
def test_a_body_has_the_size_that_it_is_called_by(size: str) -> None:
    """Within a tenth; and it is one pod that asks for the standard injection."""
    text = body(size)
    assert len(text) == pytest.approx(float(size.removesuffix(" KB")) * 1000, rel=0.1)
    asked = json.loads(text)["request"]["object"]["metadata"]["annotations"]
    assert {key: value for key, value in asked.items() if key.startswith("podmeta/")} == {"podmeta/inject": "true"}


def test_no_two_requests_of_an_unseen_body_have_a_container_in_common() -> None:
    """The number stands in the container's name, and in no container of a body whose shape is to be remembered."""
    for unseen in (True, False):
        pod = json.loads(body("10 KB", unseen=unseen))["request"]["object"]
        assert any(SERIAL in container["name"] for container in pod["spec"]["containers"]) == unseen


@pytest.mark.parametrize("size", BODIES)
def test_two_requests_differ_as_two_replicas_do(size: str) -> None:
    """In the uid and in the token's volume; both come from one number, and nothing else is left to write over."""
    one, other = (numbered(body(size), 123_456_700 + number) for number in (1, 2))
    assert (one.count(b"@@@@@"), b"kube-api-access-56701" in one) == (0, True)
    assert json.loads(one)["request"]["uid"].endswith("000123456701")
    assert one.replace(b"56701", b"56702") == other


def test_what_grows_in_a_pod_grows_in_its_managed_fields() -> None:
    """As the API server has it: every container and every variable is owned by somebody."""
    pod = grown(recorded("deployment"), containers=3, env=2, annotations=5000)["request"]["object"]
    (fields,) = [entry["fieldsV1"] for entry in pod["metadata"]["managedFields"]]
    assert len(pod["spec"]["containers"]) == 3
    for container in pod["spec"]["containers"]:
        owned = fields["f:spec"]["f:containers"][f'k:{{"name":"{container["name"]}"}}']["f:env"]
        assert {f'k:{{"name":"{entry["name"]}"}}' for entry in container["env"]} == owned.keys() - {"."}
    keys = {f"f:{key}" for key in pod["metadata"]["annotations"]}
    assert keys == fields["f:metadata"]["f:annotations"].keys() - {"."}


def test_a_patch_is_applied_as_rfc_6902_says() -> None:
    """The three operations that the peers use, in lists and in objects, with an escaped key."""
    pod: Json = {"a": [1, 2], "b/c": 3, "d": {"e": 4}}
    operations: list[Json] = [
        {"op": "add", "path": "/a/-", "value": 9},
        {"op": "add", "path": "/a/0", "value": 0},
        {"op": "replace", "path": "/a/1", "value": 7},
        {"op": "remove", "path": "/d/e"},
        {"op": "add", "path": "/b~1c", "value": 5},
    ]
    assert applied(pod, operations) == {"a": [0, 7, 2, 9], "b/c": 5, "d": {}}
    with pytest.raises(ValueError, match="move: accepted: add"):
        applied(pod, [{"op": "move", "path": "/a"}])
