"""The way back: out goes exactly what podmeta/status names."""

import copy
import json

import msgspec
import pytest

from tests.pods import JSON, app, applied, container, injected, installed, pod
from webhook.inject.annotations import Problem
from webhook.inject.question import Door
from webhook.inject.reasons import Reason
from webhook.inject.uninject import uninject


def taken_out(whole: JSON) -> JSON:
    found = uninject(whole)
    assert isinstance(found, tuple)
    return applied(whole, msgspec.json.encode(found))


OWN = app(
    env=[{"name": "A", "value": "1"}, {"name": "POD_IP", "value": "mine"}],
    volumeMounts=[{"name": "d", "mountPath": "/d"}],
)
PODS = {
    "the least": pod(),
    "everything": pod(
        {"env": "all,go,jvm", "ambassador": "true", "volume-items": "x=metadata.uid", "other.example/a": "b"},
        initContainers=[app("init"), {**OWN, "name": "sidecar", "restartPolicy": "Always"}],
        containers=[OWN, app("other", volumeDevices=[{"name": "v", "devicePath": "/etc/downward"}])],
        volumes=[{"name": "d", "emptyDir": {}}, {"name": "v"}],
        ephemeralContainers=[app("debugger")],
    ),
    "variables alone": pod({"volume": "false"}, containers=[OWN]),
    "files alone": pod({"env": "none"}, containers=[OWN], volumes=[{"name": "d"}]),
    "the ambassador alone": pod({"env": "none", "volume": "false", "ambassador": "true"}),
}


@pytest.mark.parametrize("kubernetes", [28, 36])
@pytest.mark.parametrize("whole", PODS.values(), ids=list(PODS))
def test_uninject_undoes_inject(whole: JSON, kubernetes: int) -> None:
    """The pod is as it was, to the last field."""
    after = injected(whole, installed(kubernetes=kubernetes))
    assert after != whole
    assert taken_out(after) == whole


def test_two_rounds_are_undone_together() -> None:
    """The status of the second round names both."""
    whole = pod({"ambassador": "true"})
    after = injected(whole)
    after["spec"]["containers"].append(app("late"))
    expected = copy.deepcopy(whole)
    expected["spec"]["containers"].append(app("late"))
    assert taken_out(injected(after)) == expected


def test_a_map_of_annotations_that_held_only_ours_goes_as_a_whole() -> None:
    """A pod that was injected for its namespace had none."""
    whole: JSON = {"metadata": {"name": "a"}, "spec": {"containers": [app()]}}
    after = injected(whole, installed({"ambassador": "true"}), Door.NAMESPACE)
    assert taken_out(after) == whole
    assert msgspec.json.encode(uninject(after)).endswith(b'{"op":"remove","path":"/metadata/annotations"}]')


@pytest.mark.parametrize(
    "whole",
    [
        {},
        {"metadata": None},
        {"metadata": {"annotations": None}},
        pod(),
        pod(containers=[app(env=[{"name": "POD_IP"}])]),
    ],
    ids=["nothing", "null metadata", "null annotations", "not injected", "a name like ours"],
)
def test_a_pod_that_was_not_injected_is_left_alone(whole: JSON) -> None:
    """Without a status nothing is ours, whatever it is called."""
    assert uninject(whole) == ()


@pytest.mark.parametrize("text", ["", "?", "{}", 1, None, {"version": "1"}], ids=repr)
def test_a_status_that_podmeta_did_not_write_stops_it(text: object) -> None:
    """Guessing could take out what is the user's; null is no status at all."""
    whole = pod()
    whole["metadata"]["annotations"]["podmeta/status"] = text
    expected = Problem(Reason.BAD_STATUS, "podmeta/status", str(text), "the annotation as podmeta wrote it")
    assert uninject(whole) == (() if text is None else expected)


def test_what_the_status_does_not_name_is_the_users() -> None:
    """Names that look like ours stay, and so does what the user added after the injection."""
    after = injected(pod({"env": "POD_IP", "ambassador": "true"}))
    more = after["spec"]["containers"][0]
    more["env"].insert(0, {"name": "POD_NAME", "value": "mine"})
    more["volumeMounts"].append({"name": "podmeta-mine", "mountPath": "/mine"})
    after["spec"]["volumes"].insert(0, {"name": "podmeta-mine"})
    after["spec"]["initContainers"].append(app("podmeta-init"))
    after["metadata"]["annotations"]["podmeta/mine"] = "x"
    left = taken_out(after)
    assert left["spec"]["volumes"] == [{"name": "podmeta-mine"}]
    assert left["spec"]["initContainers"] == [app("podmeta-init")]
    assert container(left)["env"] == [{"name": "POD_NAME", "value": "mine"}]
    assert container(left)["volumeMounts"] == [{"name": "podmeta-mine", "mountPath": "/mine"}]
    assert sorted(left["metadata"]["annotations"]) == [
        "podmeta/ambassador",
        "podmeta/env",
        "podmeta/inject",
        "podmeta/mine",
    ]


def test_what_is_gone_already_is_not_missed() -> None:
    """A user who took out a part by hand can still take out the rest."""
    after = injected(pod({"ambassador": "true"}, containers=[app(), app("log")]))
    del after["spec"]["containers"][1]
    del after["spec"]["containers"][0]["env"]
    after["spec"]["containers"][0]["volumeMounts"] = None
    del after["spec"]["initContainers"]
    after["metadata"]["annotations"].pop("podmeta/kubeconfig")
    assert taken_out(after) == {
        **pod({"ambassador": "true"}),
        "spec": {"containers": [{**app(), "volumeMounts": None}]},
    }


def test_a_pod_without_its_spec_loses_its_status() -> None:
    """Even what is left of a pod can be cleaned."""
    text = injected(pod())["metadata"]["annotations"]["podmeta/status"]
    whole = {"metadata": {"annotations": {"podmeta/status": text}}, "spec": None}
    assert taken_out(whole) == {"metadata": {}, "spec": None}


def test_several_items_go_from_the_end_so_that_the_indices_stay_true() -> None:
    """Only removals, each at the place where the item then is."""
    whole = pod({"env": "POD_IP,POD_NAME", "volume": "false"}, containers=[OWN])
    found = uninject(injected(whole))
    assert isinstance(found, tuple)
    assert [(o.op, o.path) for o in found] == [
        ("remove", "/spec/containers/0/env/0"),
        ("remove", "/metadata/annotations/podmeta~1status"),
    ]
    assert json.loads(msgspec.json.encode(found))[0] == {"op": "remove", "path": "/spec/containers/0/env/0"}
    plain = pod({"env": "POD_IP,POD_NAME", "volume": "false"}, containers=[app(env=[{"name": "A"}])])
    found = uninject(injected(plain))
    assert isinstance(found, tuple)
    assert [o.path for o in found][:2] == ["/spec/containers/0/env/1", "/spec/containers/0/env/0"]
