"""The judge of pods: that it refuses what the API server would refuse or silently drop, and nothing else."""

from typing import Any

import pytest

from tests.kube import schema


def _pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": {"containers": [], **spec}}


def _container(**fields: Any) -> dict[str, Any]:
    return _pod(containers=[{"name": "main", "image": "nginx", **fields}])


@pytest.mark.parametrize(
    ("pod", "place"),
    [
        (_pod(hostnetwork=True), "$.spec: Additional properties"),
        (_container(env=[{"value": "nameless"}]), "$.spec.containers[0].env[0]: 'name' is a required property"),
        (_container(env={"name": "A"}), "$.spec.containers[0].env: {'name': 'A'} is not of type 'array'"),
        (_container(resources={"limits": {"cpu": "1 core"}}), "$.spec.containers[0].resources.limits.cpu"),
        (_container(ports=[{"containerPort": 2**31}]), "$.spec.containers[0].ports[0].containerPort"),
        (_container(ports=[{"containerPort": "80"}]), "$.spec.containers[0].ports[0].containerPort"),
        (_container(imagePullPolicy="Sometimes"), "$.spec.containers[0].imagePullPolicy"),
        (_pod(volumes=[{"name": "v"}, {"name": "v"}]), "$.spec.volumes[1]: another item has name v too"),
    ],
)
def test_a_fault_is_found_at_its_place(pod: dict[str, Any], place: str) -> None:
    (problem,) = schema.problems(pod)
    assert problem.startswith(place)


@pytest.mark.parametrize(
    "pod",
    [
        _pod(),
        _pod(volumes=None, nodeName=None),
        _container(livenessProbe={"httpGet": {"port": "http"}}),
        _container(livenessProbe={"httpGet": {"port": 80}}),
        _container(resources={"limits": {"cpu": 1.5, "memory": "1e3", "hugepages-2Mi": "0"}}),
        _container(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]),
    ],
)
def test_what_the_api_server_takes_is_taken(pod: dict[str, Any]) -> None:
    assert schema.problems(pod) == []


def test_the_copy_is_kept_as_the_recorder_writes_it() -> None:
    assert schema.RECORDED.read_text() == schema.dump(schema.recorded())
