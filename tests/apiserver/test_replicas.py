"""Replicas told by their bytes, against a real API server: what its controllers create differs nowhere else."""

import json
import time
from typing import Any

import pytest

from tests.apiserver.conftest import Hooked
from webhook.inject.status import load

COUNT = 8
TEMPLATE = {
    "metadata": {"labels": {"app": "web"}, "annotations": {"podmeta/inject": "true"}},
    "spec": {"containers": [{"name": "web", "image": "web:1", "env": [{"name": "MODE", "value": "fast"}]}]},
}
WORKLOADS: dict[str, dict[str, Any]] = {
    "Deployment": {"replicas": COUNT, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE},
    "Job": {
        "parallelism": COUNT,
        "completions": COUNT,
        "template": {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}},
    },
}


@pytest.mark.parametrize("kind", WORKLOADS)
def test_the_third_pod_of_a_workload_is_told_by_its_bytes(hooked: Hooked, kind: str) -> None:
    """One pod may be decided, the next is kept, and every other one is their replica; each gets its share."""
    namespace = f"replicas-{kind.lower()}"
    hooked.cluster.namespace(namespace)
    before = told(hooked)
    version = "apps/v1" if kind == "Deployment" else "batch/v1"
    meta = {"name": "web", "namespace": namespace}
    hooked.cluster.apply({"apiVersion": version, "kind": kind, "metadata": meta, "spec": WORKLOADS[kind]})
    pods = created(hooked, namespace)
    assert told(hooked) - before == COUNT - 2
    for pod in pods:
        status = load(pod["metadata"]["annotations"]["podmeta/status"])
        assert status
        assert [entry["name"] for entry in pod["spec"]["containers"][0]["env"]] == [*status.added.env["web"], "MODE"]
    lines = [json.loads(line) for line in hooked.service.log.read_text().splitlines()]
    uids = {line["uid"] for line in lines if line.get("namespace") == namespace}
    assert len(uids) == COUNT


def told(hooked: Hooked) -> float:
    return hooked.service.metric('podmeta_remembered_total{result="replica"}')


def created(hooked: Hooked, namespace: str) -> list[dict[str, Any]]:
    """The pods, when all of them are there, and their lines in the log, which comes a tenth of a second later."""
    for _ in range(200):
        pods: list[dict[str, Any]] = hooked.cluster.get("pods", f"--namespace={namespace}")["items"]
        if len(pods) == COUNT and hooked.service.log.read_text().count(f'"namespace":"{namespace}"') == COUNT:
            return pods
        time.sleep(0.1)
    raise AssertionError(f"{len(pods)} pods of {COUNT} in {namespace}")
