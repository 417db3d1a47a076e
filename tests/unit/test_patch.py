"""The Plan as JSON Patch: only `add`, parents created once, the user's lists left in place."""

import json
from typing import Any

import pytest

from tests.pods import DEBUG, JSON, app, applied, env, injected, installed, patched, pod
from webhook.inject.question import Door


def operations(whole: JSON, **more: Any) -> list[JSON]:
    found: list[JSON] = json.loads(patched(whole, **more).patch)
    return found


def paths(whole: JSON, **more: Any) -> list[str]:
    return [operation["path"] for operation in operations(whole, **more)]


TWO = {"env": "POD_IP,POD_NAME"}


def test_parents_that_are_not_there_are_created_once_and_whole() -> None:
    """One operation for each list or map that is missing."""
    assert paths(pod(TWO)) == [
        "/spec/containers/0/env",
        "/spec/containers/0/volumeMounts",
        "/spec/volumes",
        "/metadata/annotations/podmeta~1status",
    ]
    quiet = {"metadata": {}, "spec": {"containers": [app()]}}
    assert paths(quiet, door=Door.NAMESPACE)[-1] == "/metadata/annotations"


def test_parents_that_are_there_are_added_to() -> None:
    """One operation for each item: variables at the front, mounts and volumes at the end."""
    whole = pod(
        TWO,
        containers=[app(env=[{"name": "X"}], volumeMounts=[{"name": "d", "mountPath": "/d"}])],
        volumes=[{"name": "d"}],
    )
    assert paths(whole) == [
        "/spec/containers/0/env/0",
        "/spec/containers/0/env/1",
        "/spec/containers/0/volumeMounts/-",
        "/spec/volumes/-",
        "/metadata/annotations/podmeta~1status",
    ]


@pytest.mark.parametrize(
    ("spec", "kubernetes", "path"),
    [
        ({}, 36, "/spec/initContainers"),
        ({"initContainers": [app("init")]}, 36, "/spec/initContainers/0"),
        ({}, 28, "/spec/containers/-"),
        ({"initContainers": [app("init")]}, 28, "/spec/containers/-"),
    ],
)
def test_where_the_ambassador_goes(spec: JSON, kubernetes: int, path: str) -> None:
    """Behind everything that is addressed by index, since it moves the indices of the init containers."""
    texts = {"env": "none", "volume": "false", "ambassador": "true"}
    found = paths(pod(texts, **spec), defaults=installed(kubernetes=kubernetes))
    assert found[-3:] == ["/spec/volumes", path, "/metadata/annotations/podmeta~1status"]
    assert not any(earlier.startswith("/spec/initContainers/0") and earlier == path for earlier in found[:-2])


def test_every_container_is_addressed_by_its_own_list_and_index() -> None:
    """Init containers, containers, by their place in the pod."""
    whole = pod(
        {"env": "POD_IP", "volume": "false", "skip-containers": "b"},
        initContainers=[app("i"), app("j")],
        containers=[app("a"), app("b"), app("c")],
    )
    assert paths(whole)[:-1] == [
        "/spec/initContainers/0/env",
        "/spec/initContainers/1/env",
        "/spec/containers/0/env",
        "/spec/containers/2/env",
    ]


def test_a_debug_container_is_addressed_in_its_list() -> None:
    """And nothing else is touched."""
    whole = pod({"env": "POD_IP", "volume": "false"}, ephemeralContainers=[app("old"), app("new")])
    old = pod(ephemeralContainers=[app("old")])
    assert paths(whole, **DEBUG, oldObject=old) == ["/spec/ephemeralContainers/1/env"]


def test_the_patch_is_only_additions() -> None:
    """Nothing of the user's is removed or replaced, not even where an annotation of ours is renewed."""
    after = injected(pod({"ambassador": "true", **TWO}))
    after["spec"]["containers"].append(app("late"))
    for whole in (pod(TWO), after):
        assert {operation["op"] for operation in operations(whole)} == {"add"}


def test_the_bytes_of_a_patch() -> None:
    """The whole document, byte for byte: compact, in order, no number or date that changes."""
    found = patched(pod({"env": "CONTAINER_NAME", "volume": "false"})).patch
    config = json.loads(json.loads(found)[1]["value"])["config"]
    assert found == (
        b'[{"op":"add","path":"/spec/containers/0/env","value":[{"name":"CONTAINER_NAME","value":"app"}]},'
        b'{"op":"add","path":"/metadata/annotations/podmeta~1status","value":"{\\"version\\":\\"0.1.0\\",'
        b'\\"config\\":\\"' + config.encode() + b'\\",\\"added\\":{\\"env\\":{\\"app\\":[\\"CONTAINER_NAME\\"]}}}"}]'
    )


def test_several_annotations_are_one_map_where_there_was_none() -> None:
    """The map is created whole, so that the second key does not wipe the first."""
    quiet = {"metadata": {"annotations": None}, "spec": {"containers": [app()]}}
    after = injected(quiet, installed({"ambassador": "true"}), Door.NAMESPACE)
    assert sorted(after["metadata"]["annotations"]) == ["podmeta/kubeconfig", "podmeta/status"]


@pytest.mark.parametrize(
    ("whole", "kubernetes"),
    [
        pytest.param({"spec": {"containers": [app()]}}, 36, id="no metadata"),
        pytest.param({"metadata": {}}, 36, id="no spec"),
        pytest.param({}, 36, id="nothing"),
        pytest.param({"metadata": {}, "spec": {}}, 36, id="no containers, sidecar"),
        pytest.param({"metadata": {}, "spec": {}}, 28, id="no containers, plain"),
        pytest.param({"metadata": {}, "spec": {"containers": []}}, 28, id="empty containers"),
        pytest.param({"metadata": {}, "spec": {"containers": None}}, 28, id="null containers"),
    ],
)
def test_a_patch_can_be_applied_to_the_least_of_pods(whole: JSON, kubernetes: int) -> None:
    """Parents are created where absent, at every level: the pod's validity is the API server's to judge, not ours."""
    defaults = installed({"ambassador": "true"}, kubernetes=kubernetes)
    after = applied(whole, patched(whole, defaults, Door.NAMESPACE).patch)
    assert "podmeta/status" in after["metadata"]["annotations"]


def test_fields_that_nobody_knows_survive() -> None:
    """The pod is never rebuilt: whatever stands in it, at any level, is there afterwards."""
    future = {"future": {"list": [1, None, "é"], "": {}}}
    whole = pod(TWO, containers=[app(**future, env=[{"name": "X", **future}])], volumes=[{"name": "v", **future}])
    whole |= future
    whole["metadata"] |= future
    whole["spec"] |= future
    after = injected(whole)
    assert after["future"] == after["metadata"]["future"] == after["spec"]["future"] == future["future"]
    assert after["spec"]["volumes"][0] == {"name": "v", **future}
    assert after["spec"]["containers"][0]["env"][-1] == {"name": "X", **future}
    assert after["spec"]["containers"][0]["future"] == future["future"]
    assert list(env(after)) == ["POD_IP", "POD_NAME", "X"]
