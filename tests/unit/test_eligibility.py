"""Is this pod to be injected at all? The truth table, row by row."""

from typing import Any

import pytest

from tests.pods import DEBUG, JSON, PODS, app, decided, patched, pod, skipped
from webhook.inject.mutate import Patched, Rejected
from webhook.inject.question import Door
from webhook.inject.reasons import Reason

MIRROR = {"kubernetes.io/config.mirror": "hash"}
DELETED = "2026-01-01T00:00:00Z"


def resource(group: str, name: str) -> dict[str, Any]:
    return {"resource": {"group": group, "version": "v1", "resource": name}}


def being_deleted(whole: JSON) -> JSON:
    whole["metadata"]["deletionTimestamp"] = DELETED
    return whole


def saying(inject: str | None) -> JSON:
    """A pod whose annotation podmeta/inject has that text, or is absent."""
    whole = pod({"inject": inject or ""})
    if inject is None:
        del whole["metadata"]["annotations"]["podmeta/inject"]
    return whole


@pytest.mark.parametrize(
    ("inject", "door", "reason"),
    [
        ("true", Door.POD, None),
        ("true", Door.NAMESPACE, None),
        ("false", Door.POD, Reason.OPTED_OUT),
        ("false", Door.NAMESPACE, Reason.OPTED_OUT),
        (None, Door.POD, Reason.NOT_ASKED),
        (None, Door.NAMESPACE, None),
    ],
    ids=lambda value: str(getattr(value, "value", value)) if value is not None else "-",
)
def test_who_asks_for_the_injection(inject: str | None, door: Door, reason: Reason | None) -> None:
    """The pod's own word counts first; where it says nothing, the door tells whether its namespace asked."""
    outcome = decided(saying(inject), door=door)
    if reason is None:
        assert isinstance(outcome, Patched)
    else:
        assert outcome == skipped(saying(inject), door=door)
        assert (outcome.reason, outcome.warnings, outcome.reasons) == (reason, (), ())


@pytest.mark.parametrize("door", Door, ids=lambda door: door.value)
@pytest.mark.parametrize("text", ["", "yes", "True", "enabled"])
def test_a_word_that_is_neither_true_nor_false_is_refused_at_both_doors(text: str, door: Door) -> None:
    """A slip in podmeta/inject is neither a yes nor a silent no."""
    outcome = decided(saying(text), door=door)
    assert isinstance(outcome, Rejected)
    assert [(p.key, p.value, p.reason) for p in outcome.problems] == [("podmeta/inject", text, Reason.BAD_BOOLEAN)]


@pytest.mark.parametrize("door", Door, ids=lambda door: door.value)
@pytest.mark.parametrize(
    ("whole", "request_fields", "reason"),
    [
        pytest.param(pod(), resource("apps", "deployments"), Reason.NOT_A_POD, id="a Deployment"),
        pytest.param(pod(), resource("", "podtemplates"), Reason.NOT_A_POD, id="a PodTemplate"),
        pytest.param(pod(), resource("", ""), Reason.NOT_A_POD, id="nothing"),
        pytest.param(pod(), resource("metrics.k8s.io", "pods"), Reason.NOT_A_POD, id="pods of another group"),
        pytest.param(pod(), {"operation": "UPDATE"}, Reason.OPERATION, id="UPDATE of a pod"),
        pytest.param(None, {"operation": "DELETE", "oldObject": pod()}, Reason.OPERATION, id="DELETE"),
        pytest.param(None, {"operation": "CONNECT", "subResource": "exec"}, Reason.OPERATION, id="exec"),
        pytest.param(pod(), {"operation": "CREATE", "subResource": "eviction"}, Reason.OPERATION, id="eviction"),
        pytest.param(pod(), {"operation": "UPDATE", "subResource": "status"}, Reason.OPERATION, id="status"),
        pytest.param(
            pod(),
            {"operation": "CREATE", "subResource": "ephemeralcontainers"},
            Reason.OPERATION,
            id="CREATE of a debug",
        ),
        pytest.param(pod(), {"operation": ""}, Reason.OPERATION, id="no operation"),
        pytest.param(pod(MIRROR), {}, Reason.MIRROR_POD, id="mirror pod"),
        pytest.param(pod(MIRROR), DEBUG, Reason.MIRROR_POD, id="debugging a mirror pod"),
        pytest.param(being_deleted(pod()), {}, Reason.BEING_DELETED, id="being deleted"),
        pytest.param(being_deleted(pod()), DEBUG, Reason.BEING_DELETED, id="debugging a pod being deleted"),
        pytest.param(being_deleted(pod(MIRROR)), {}, Reason.MIRROR_POD, id="both: the first row of the table"),
        pytest.param(pod(MIRROR), {"operation": "UPDATE"}, Reason.OPERATION, id="the operation before the pod"),
        pytest.param(being_deleted(pod({"inject": "false"})), {}, Reason.BEING_DELETED, id="the pod before its word"),
        pytest.param(pod({"inject": "false", "env": "?"}), {}, Reason.OPTED_OUT, id="a no before what else is wrong"),
    ],
)
def test_what_is_left_alone_whatever_it_says(
    whole: JSON | None, request_fields: dict[str, Any], reason: Reason, door: Door
) -> None:
    """Only CREATE of pods and UPDATE of pods/ephemeralcontainers, never a mirror pod or one that is going away."""
    assert skipped(whole, door=door, **request_fields).reason is reason


def test_the_two_operations_that_are_covered() -> None:
    """CREATE of a pod and UPDATE of its ephemeral containers lead to a patch."""
    assert patched(pod()).containers == ("app",)
    debugging = pod(ephemeralContainers=[app("debugger")])
    assert patched(debugging, **DEBUG, resource=PODS).containers == ("debugger",)
