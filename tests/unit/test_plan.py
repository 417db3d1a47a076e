"""The Plan: additions, problems of all injectors together, and the annotations that record what was added."""

import json
import re

import pytest

from tests.pods import DEBUG, JSON, app, asked, injected, installed, pod, problems
from webhook import __version__
from webhook.inject.annotations import Problem
from webhook.inject.plan import plan
from webhook.inject.reasons import Reason
from webhook.inject.status import Status, load


def status(whole: JSON) -> JSON:
    found: JSON = json.loads(whole["metadata"]["annotations"]["podmeta/status"])
    return found


ONE = {"env": "POD_IP,POD_NAME"}


def test_the_status_names_exactly_what_was_added_where() -> None:
    """Version, configuration and every item, by container; nothing of the user's."""
    whole = pod(
        {**ONE, "ambassador": "true"},
        initContainers=[app("init", env=[{"name": "POD_IP"}, {"name": "KUBECONFIG"}])],
        containers=[app(volumeMounts=[{"name": "d", "mountPath": "/etc/downward/x"}])],
        volumes=[{"name": "d"}],
    )
    text = injected(whole)["metadata"]["annotations"]["podmeta/status"]
    found = json.loads(text)
    assert re.fullmatch("[0-9a-f]{12}", found["config"])
    assert found == {
        "version": __version__,
        "config": found["config"],
        "added": {
            "env": {"app": ["POD_IP", "POD_NAME", "AMBASSADOR_URL"], "init": ["POD_NAME", "AMBASSADOR_URL"]},
            "volumeMounts": {"init": ["/etc/downward"]},
            "volumes": ["podmeta-downward-init", "podmeta-ambassador-token"],
            "containers": ["podmeta-ambassador"],
            "annotations": ["podmeta/kubeconfig"],
        },
    }
    assert isinstance(load(text), Status)


def test_the_status_of_a_small_injection_is_small() -> None:
    """What was not added has no key."""
    found = status(injected(pod({**ONE, "volume": "false"})))
    assert found["added"] == {"env": {"app": ["POD_IP", "POD_NAME"]}}
    found = status(injected(pod({"env": "none"})))
    assert list(found["added"]) == ["volumeMounts", "volumes"]


def test_a_later_container_is_merged_into_the_status() -> None:
    """Re-injection adds to the record and never takes from it."""
    after = injected(pod(ONE))
    after["spec"]["containers"].append(app("late"))
    again = injected(after)
    assert status(again)["added"] == {
        "env": {"app": ["POD_IP", "POD_NAME"], "late": ["POD_IP", "POD_NAME"]},
        "volumeMounts": {"app": ["/etc/downward"], "late": ["/etc/downward"]},
        "volumes": ["podmeta-downward-app", "podmeta-downward-late"],
    }


def test_the_config_changes_with_what_shapes_the_injection_and_only_with_that() -> None:
    """Who asked does not matter, what was asked for and what the installer set do."""
    plain = status(injected(pod(ONE)))["config"]
    same = [
        status(injected(pod({**ONE, "volume": "true", "ambassador": "false"})))["config"],
        status(injected(pod(ONE, containers=[app("other")])))["config"],
        status(injected(pod(ONE), namespace="other"))["config"],
    ]
    assert set(same) == {plain}
    others = [
        status(injected(pod()))["config"],
        status(injected(pod({**ONE, "volume-path": "/x"})))["config"],
        status(injected(pod({"env": "POD_NAME,POD_IP"})))["config"],
        status(injected(pod(ONE), installed(kubernetes=30)))["config"],
        status(injected(pod(ONE), installed(ambassador_image="x")))["config"],
    ]
    assert len({plain, *others}) == len(others) + 1


def test_a_volume_stands_in_the_status_once() -> None:
    """Two containers of one name, which the API server is yet to refuse, have volumes of one name."""
    found = status(injected(pod(ONE, containers=[app(), app()])))
    assert found["added"]["volumes"] == ["podmeta-downward-app"]


@pytest.mark.parametrize("text", ["", "injected", "{}", '{"version":"1","config":"c","added":{"mounts":[]}}'], ids=repr)
def test_a_status_that_podmeta_did_not_write_is_refused(text: str) -> None:
    """The record of what is ours cannot be guessed: the pod is refused with what to do."""
    assert problems(pod({"status": text})) == (
        Problem(Reason.BAD_STATUS, "podmeta/status", text, "the annotation removed, or as it was written"),
    )


def test_the_problems_of_all_parts_are_reported_together() -> None:
    """Grammar, status, names of containers and the ambassador's obstacles, in one answer, in this order."""
    whole = pod(
        {"env": "NOPE", "status": "?", "containers": "web", "ambassador": "true"},
        hostNetwork=True,
    )
    assert [(p.key, p.reason) for p in problems(whole)] == [
        ("podmeta/env", Reason.UNKNOWN_VARIABLE),
        ("podmeta/status", Reason.BAD_STATUS),
        ("podmeta/containers", Reason.UNKNOWN_CONTAINER),
        ("podmeta/ambassador", Reason.HOST_NETWORK),
    ]


def test_a_running_pod_gets_no_annotation() -> None:
    """pods/ephemeralcontainers takes no other change, so what a debugger got is recorded nowhere."""
    whole = pod(ONE, ephemeralContainers=[app("debugger")])
    assert injected(whole, **DEBUG)["metadata"] == whole["metadata"]


def test_the_plan_keeps_the_order_of_the_pod() -> None:
    """Init containers first, then the others, each only if it gets something."""
    whole = pod(
        {**ONE, "volume": "false", "skip-containers": "log"},
        initContainers=[app("b")],
        containers=[app("z"), app("log"), app("a"), app("full", env=[{"name": "POD_IP"}, {"name": "POD_NAME"}])],
    )
    found = plan(asked(whole), installed())
    assert not isinstance(found, tuple)
    assert [c.target.name for c in found.containers] == ["b", "z", "a"]


def test_the_notes_stand_in_the_order_of_the_pod() -> None:
    """First the containers left out, then per container its files, kubeconfig and variables, the pod's at the end."""
    taken = {"volumeMounts": [{"name": "d", "mountPath": "/etc/downward"}], "env": [{"name": "POD_IP"}]}
    whole = pod(
        {**ONE, "skip-containers": "log"},
        containers=[app(**taken), app("other", **taken), app("log")],
        hostNetwork=True,
    )
    found = plan(asked(whole), installed({"ambassador": "true"}))
    assert not isinstance(found, tuple)
    assert [(name, note.item, note.reason) for name, said in found.notes for note in said] == [
        ("log", "", Reason.NOT_SELECTED),
        ("app", "/etc/downward", Reason.MOUNT_KEPT),
        ("app", "POD_IP", Reason.ENV_KEPT),
        ("other", "/etc/downward", Reason.MOUNT_KEPT),
        ("other", "POD_IP", Reason.ENV_KEPT),
        ("", "podmeta-ambassador", Reason.HOST_NETWORK),
    ]
