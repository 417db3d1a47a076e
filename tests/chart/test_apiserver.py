"""A real API server reads every rendering: its schemas, its CEL compiler, its Pod Security, its choice of the door.

There is no service behind the webhook here, and that is what tells which door a pod comes to: failurePolicy Fail
refuses it with a sentence that has the webhook's name.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chart.charts import NAMESPACE, RELEASE, Helm, Object, pod_of, the, values_of
from tests.kube.apiserver import ApiServer
from tests.kube.cluster import KubectlError

pytestmark = pytest.mark.xdist_group("chart")

OTHERS = (
    ("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors"),
    ("monitoring.coreos.com", "v1", "PrometheusRule", "prometheusrules"),
    ("cert-manager.io", "v1", "Issuer", "issuers"),
    ("cert-manager.io", "v1", "Certificate", "certificates"),
)
DOORS = ("pod.inject.podmeta", "namespace.inject.podmeta")


def definition(group: str, version: str, kind: str, plural: str) -> Object:
    """A CustomResourceDefinition that lets any field through: these kinds' own schemas are not ours to have."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    one = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [one]},
    }


@pytest.fixture(scope="session")
def ready(cluster: ApiServer) -> ApiServer:
    """The API server with the namespaces and the kinds that the renderings speak of."""
    for name in (NAMESPACE, "shop"):
        cluster.namespace(name)
    for other in OTHERS:
        cluster.apply(definition(*other))
        name = f"{other[3]}.{other[0]}"
        cluster.kubectl("wait", "--for=condition=Established", f"crd/{name}", "--timeout=30s")
    return cluster


def test_every_object_is_accepted(ready: ApiServer, helm: Helm, situation: Path) -> None:
    """Strictly: a field that Kubernetes does not know is an error."""
    text = helm.template(situation)
    said = ready.apply(text, "--dry-run=server", "--validate=strict").stdout.splitlines()
    assert len(said) == len(helm.render(situation))
    assert all(line.endswith("(server dry run)") for line in said), said


@pytest.mark.parametrize(
    ("good", "bad", "sentence"),
    [
        ("orValue('false') != 'false'", "orValue('false') != false", "found no matching overload"),
        ("maxSkew: 1", "maxSkew: 1\n          skew: 1", 'unknown field "spec.template.spec.topologySpreadConstraints'),
    ],
)
def test_and_what_is_wrong_would_be_noticed(ready: ApiServer, helm: Helm, good: str, bad: str, sentence: str) -> None:
    text = helm.template({})
    assert good in text
    with pytest.raises(KubectlError) as refused:
        ready.apply(text.replace(good, bad), "--dry-run=server", "--validate=strict")
    assert sentence in refused.value.stderr


@pytest.fixture(scope="session")
def strict(ready: ApiServer) -> str:
    """A namespace that enforces Pod Security `restricted`."""
    levels = dict.fromkeys(("enforce", "warn", "audit"), "restricted")
    return ready.namespace("strict", {f"pod-security.kubernetes.io/{mode}": level for mode, level in levels.items()})


def test_the_pods_pass_pod_security(ready: ApiServer, helm: Helm, strict: str, situation: Path) -> None:
    """All but those in the node's network, which `restricted` forbids to everybody."""
    found = helm.render(situation, "--namespace", strict)
    ready.apply(the(found, "ServiceAccount"))
    pods = {"replica": pod_of(the(found, "Deployment")), "test": the(found, "Pod", "podmeta-test")}
    said = {name: admitted(ready, pod) for name, pod in pods.items()}
    assert said["test"] == ""
    if values_of(situation)["hostNetwork"]:
        assert 'violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true)' in said["replica"]
        assert said["replica"].count("(") == 3, "nothing else: hostNetwork, and hostPort which comes with it"
    else:
        assert said["replica"] == ""


def admitted(cluster: ApiServer, pod: Object) -> str:
    """What the API server says of a pod: nothing, where it would store it."""
    return cluster.kubectl("create", "--filename=-", "--dry-run=server", stdin=json.dumps(pod), check=False).stderr


# Who comes to which door. Columns: the pod's annotation podmeta/inject.
ANNOTATIONS = (None, "true", "false", "yes", "")
POD, BY_NAMESPACE = DOORS
EXPECTED: dict[str, tuple[str | None, ...]] = {
    #                  absent        true  false yes   empty
    "plain":          (None,         POD,  None, POD,  POD),
    "asking":         (BY_NAMESPACE, POD,  None, POD,  POD),
    "asking-excluded": (None, None, None, None, None),
    "kube-system":    (None, None, None, None, None),
    NAMESPACE:        (None, None, None, None, None),
}  # fmt: skip


def pod(namespace: str, annotation: str | None, name: str = "asks") -> Object:
    annotations = {} if annotation is None else {"podmeta/inject": annotation}
    metadata: Object = {"name": name, "namespace": namespace, "annotations": annotations}
    spec = {"containers": [{"name": "main", "image": "none"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def door(said: str) -> str | None:
    """The webhook that an error names; None where there was no error."""
    if not said:
        return None
    assert "failed calling webhook" in said, said
    assert '"podmeta" not found' in said, said
    (found,) = [name for name in DOORS if f'"{name}"' in said]
    path = {POD: "/mutate?", BY_NAMESPACE: "/mutate/namespace?"}[found]
    assert f"https://podmeta.podmeta.svc:443{path}timeout=5s" in said
    return found


@pytest.fixture(scope="module")
def namespaces(ready: ApiServer) -> Iterator[ApiServer]:
    """What EXPECTED speaks of, and a pod that was there before the webhook."""
    label = {"podmeta/inject": "enabled"}
    ready.namespace("plain")
    ready.namespace("asking", label)
    ready.namespace("asking-excluded", label)
    for name in ("kube-system", NAMESPACE):
        ready.kubectl("label", "namespace", name, "podmeta/inject=enabled", "--overwrite")
        ready.await_created("serviceaccount/default", name)
    ready.apply(pod("plain", "true", "before"))
    yield ready
    for name in ("kube-system", NAMESPACE):
        ready.kubectl("label", "namespace", name, "podmeta/inject-")
    ready.kubectl("delete", "mutatingwebhookconfiguration", RELEASE, "--ignore-not-found")


def doors_only(helm: Helm, names: tuple[str, ...]) -> Object:
    """The webhook configuration as rendered, with these webhooks of it."""
    found = helm.render({"webhook": {"excludedNamespaces": ["asking-excluded"]}})
    configuration = the(found, "MutatingWebhookConfiguration")
    return configuration | {"webhooks": [one for one in configuration["webhooks"] if one["name"] in names]}


def calls(cluster: ApiServer, namespace: str, annotation: str | None) -> str | None:
    return door(admitted(cluster, pod(namespace, annotation)))


@pytest.mark.parametrize("only", DOORS)
def test_each_pod_comes_to_its_door_and_to_no_other(namespaces: ApiServer, helm: Helm, only: str) -> None:
    """One door at a time, so that a pod that would come to both is seen at both."""
    namespaces.apply(doors_only(helm, (only,)))
    witness, annotation = {POD: ("plain", "true"), BY_NAMESPACE: ("asking", None)}[only]
    end = time.monotonic() + 30
    other = {POD: ("asking", None), BY_NAMESPACE: ("plain", "true")}[only]
    while calls(namespaces, witness, annotation) != only or calls(namespaces, *other) is not None:
        assert time.monotonic() < end, f"{only} is not called"
        time.sleep(0.2)
    seen = {name: tuple(calls(namespaces, name, text) for text in ANNOTATIONS) for name in EXPECTED}
    assert seen == {name: tuple(one if one == only else None for one in row) for name, row in EXPECTED.items()}


def test_a_debug_container_comes_to_the_door_too(namespaces: ApiServer, helm: Helm) -> None:
    namespaces.apply(doors_only(helm, DOORS))
    end = time.monotonic() + 30
    command = ("debug", "before", "--namespace=plain", "--image=busybox", "--container=debugger", "--quiet")
    while "failed calling webhook" not in (said := namespaces.kubectl(*command, check=False).stderr):
        assert time.monotonic() < end, said
        time.sleep(0.2)
    assert f'"{POD}"' in said
    namespaces.kubectl("label", "pod", "before", "--namespace=plain", "touched=yes")  # any other update does not


def test_a_service_that_is_down_stops_nobody_else(namespaces: ApiServer, helm: Helm) -> None:
    """Under Fail, with the webhook unreachable: what a cluster needs to start is created all the same."""
    namespaces.apply(doors_only(helm, DOORS))
    for namespace in ("kube-system", NAMESPACE, "plain"):
        assert admitted(namespaces, pod(namespace, None)) == ""


def test_with_ignore_a_pod_is_stored_as_it_is(namespaces: ApiServer, helm: Helm) -> None:
    found = helm.render({"webhook": {"failurePolicy": "Ignore"}})
    namespaces.apply(the(found, "MutatingWebhookConfiguration"))
    end = time.monotonic() + 30
    while said := admitted(namespaces, pod("plain", "true")):
        assert time.monotonic() < end, said
        time.sleep(0.2)
