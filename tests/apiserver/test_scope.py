"""Who reaches the service, what happens when it is down, and what the user reads."""

import json
from typing import Any

import pytest

from tests.apiserver.conftest import Hooked
from tests.kube.cluster import Cluster, KubectlError
from webhook.inject.fields import CATALOGUE, DIVISORS, FIELDS, Place, ResourceFieldRef

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "pod", "annotations": {"podmeta/inject": "true"}},
    "spec": {"containers": [{"name": "main", "image": "busybox"}]},
}


def pod(name: str, **annotations: str) -> dict[str, Any]:
    keys = {key.replace("_", "-"): value for key, value in annotations.items()}
    meta = {"name": name, "annotations": {f"podmeta/{key}": value for key, value in keys.items()}}
    return {**POD, "metadata": meta}


def create(cluster: Cluster, what: dict[str, Any], namespace: str) -> str:
    made = cluster.kubectl("create", "--filename=-", f"--namespace={namespace}", stdin=json.dumps(what))
    return made.stdout + made.stderr


@pytest.mark.parametrize(
    ("annotations", "calls"),
    [
        ({"inject": "true"}, 1),
        ({"inject": "yes"}, 1),
        ({"inject": "false"}, 0),
        ({}, 0),
        ({"ambassador": "true"}, 0),
    ],
)
def test_a_pod_that_did_not_ask_never_reaches_the_service(
    hooked: Hooked, annotations: dict[str, str], calls: int
) -> None:
    """Counted by the service itself; a value that is no boolean does reach it, so that it can be refused."""
    namespace = hooked.cluster.namespace("scope")
    before = hooked.reviews()
    arguments = ("create", "--dry-run=server", "--filename=-", f"--namespace={namespace}")
    hooked.cluster.kubectl(*arguments, stdin=json.dumps(pod("scope", **annotations)), check=False)
    assert hooked.reviews() - before == calls


def test_kube_system_never_reaches_the_service(hooked: Hooked) -> None:
    """Whatever a pod there asks for: the cluster must come up without us."""
    before = hooked.reviews()
    arguments = ("create", "--dry-run=server", "--filename=-", "--namespace=kube-system")
    hooked.cluster.kubectl(*arguments, stdin=json.dumps(pod("system", inject="true")))
    assert hooked.reviews() == before


def test_a_labelled_namespace_calls_once_and_a_pod_there_can_opt_out(hooked: Hooked) -> None:
    namespace = hooked.cluster.namespace("labelled", {"podmeta/inject": "enabled"})
    for name, annotations, injected in [
        ("silent", {}, True),
        ("asks", {"inject": "true"}, True),
        ("refuses", {"inject": "false"}, False),
    ]:
        before = hooked.reviews()
        create(hooked.cluster, pod(name, **annotations), namespace)
        found = hooked.cluster.get("pod", name, f"--namespace={namespace}")
        assert ("podmeta/status" in found["metadata"].get("annotations", {})) is injected
        assert hooked.reviews() - before == (1 if injected else 0)


def test_kubectl_prints_our_sentence_for_a_pod_that_asks_for_nonsense(hooked: Hooked) -> None:
    namespace = hooked.cluster.namespace("nonsense")
    with pytest.raises(KubectlError) as refused:
        create(hooked.cluster, pod("bad", inject="yes", ambassador_port="0"), namespace)
    assert 'The Pod "bad" is invalid' in refused.value.stderr
    assert 'metadata.annotations[podmeta/inject]: \'yes\': not a boolean; accepted: "true" or "false"' in (
        refused.value.stderr
    )
    assert "metadata.annotations[podmeta/ambassador-port]: '0': not a port" in refused.value.stderr


def test_a_workload_shows_the_sentence_in_its_event(hooked: Hooked) -> None:
    """A ReplicaSet's pod is refused out of the user's sight: the event has to tell everything."""
    namespace = hooked.cluster.namespace("event")
    template = {"metadata": {"labels": {"app": "bad"}, "annotations": {"podmeta/inject": "maybe"}}, "spec": POD["spec"]}
    spec = {"selector": {"matchLabels": {"app": "bad"}}, "template": template}
    hooked.cluster.apply(
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "bad"}, "spec": spec},
        f"--namespace={namespace}",
    )
    hooked.cluster.kubectl(
        "wait", "--for=jsonpath={.status.conditions[0].type}=ReplicaFailure", "replicaset/bad",
        f"--namespace={namespace}", "--timeout=30s",
    )  # fmt: skip
    condition = hooked.cluster.get("replicaset", "bad", f"--namespace={namespace}")["status"]["conditions"][0]
    assert 'podmeta/inject: \'maybe\': not a boolean; accepted: "true" or "false"' in condition["message"]


def test_a_warning_reaches_the_user(hooked: Hooked) -> None:
    namespace = hooked.cluster.namespace("warned")
    what = pod("warned", inject="true", env="POD_NAME")
    what["spec"] = {"containers": [{"name": "main", "image": "b", "envFrom": [{"configMapRef": {"name": "c"}}]}]}
    assert "Warning: podmeta: container main: POD_NAME: env wins over envFrom" in create(
        hooked.cluster, what, namespace
    )


@pytest.mark.parametrize(("policy", "stored"), [("Fail", False), ("Ignore", True)])
def test_failure_policy_when_the_service_is_down(hooked: Hooked, policy: str, stored: bool) -> None:
    """`Fail` refuses the pods that asked and no other; `Ignore` lets them in without what they asked for."""
    namespace = hooked.cluster.namespace(f"down-{policy.lower()}")
    with hooked.broken(policy, namespace):
        create(hooked.cluster, pod("did-not-ask"), namespace)
        if stored:
            create(hooked.cluster, pod("asked", inject="true"), namespace)
        else:
            with pytest.raises(KubectlError, match=r"failed calling webhook .*down.podmeta.test"):
                create(hooked.cluster, pod("asked", inject="true"), namespace)


def _selectors() -> list[tuple[str, Place]]:
    fields = list(FIELDS.items())
    fields += [
        (f"metadata.{kind}['app.kubernetes.io/name']", Place.ENV | Place.VOLUME) for kind in ("labels", "annotations")
    ]
    return fields


def _with(source: dict[str, Any], place: Place) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "main", "image": "busybox"}
    spec: dict[str, Any] = {"containers": [container]}
    if place is Place.ENV:
        container["env"] = [{"name": "X", "valueFrom": source}]
    else:
        spec["volumes"] = [{"name": "v", "downwardAPI": {"items": [{"path": "x", **source}]}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "selector"}, "spec": spec}


def _accepts(cluster: Cluster, what: dict[str, Any]) -> bool:
    arguments = ("create", "--dry-run=server", "--filename=-", "--namespace=default")
    return cluster.kubectl(*arguments, stdin=json.dumps(what), check=False).returncode == 0


@pytest.mark.parametrize(("path", "places"), _selectors())
@pytest.mark.parametrize("place", [Place.ENV, Place.VOLUME])
def test_our_table_of_fields_is_the_api_servers(cluster: Cluster, path: str, places: Place, place: Place) -> None:
    """What the table calls legal is accepted at that place, what it calls illegal is refused."""
    what = _with({"fieldRef": {"fieldPath": path}}, place)
    assert _accepts(cluster, what) is (place in places)


@pytest.mark.parametrize("resource", ["cpu", "memory", "ephemeral-storage", "hugepages-2Mi"])
def test_our_table_of_divisors_is_the_api_servers(cluster: Cluster, resource: str) -> None:
    """All its divisors pass, one that it does not have is refused."""
    family = "hugepages-" if resource.startswith("hugepages-") else resource
    for divisor, legal in [
        *((d, True) for d in DIVISORS[family]),
        ("3", False),
        ("1m" if family != "cpu" else "1k", False),
    ]:
        what = _with(ResourceFieldRef(f"limits.{resource}", divisor).to_json("main"), Place.VOLUME)
        assert _accepts(cluster, what) is legal, divisor


def test_the_whole_catalogue_is_accepted(hooked: Hooked) -> None:
    namespace = hooked.cluster.namespace("catalogue")
    create(hooked.cluster, pod("all", inject="true", env="all"), namespace)
    found = hooked.cluster.get("pod", "all", f"--namespace={namespace}")
    assert [entry["name"] for entry in found["spec"]["containers"][0]["env"]] == list(CATALOGUE)
