"""examples/clients on a real node: each library, configured by nobody, reaches the API through the ambassador."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.release import Installed
from tests.kube import clients
from tests.kube.binaries import Unavailable
from tests.kube.cases import read_yaml
from tests.kube.configs import NODE

pytestmark = pytest.mark.xdist_group("node")

MANIFESTS = {path.parent.name: path for path in sorted(clients.FOLDER.glob("*/pod.yaml"))}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
ALLOWED, REFUSED = "clients-allowed", "clients-refused"
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: pod-reader}
rules:
- {apiGroups: [""], resources: [pods], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: pod-reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: pod-reader}
subjects:
- {kind: ServiceAccount, name: default}
"""
MISLEADING = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "misleading"},
    "data": {"token": "nobody", "namespace": "nowhere", "ca.crt": "no certificate"},
}


@pytest.fixture(scope="module")
def unbuilt(installed: Installed) -> Iterator[dict[str, str]]:
    """Starts every example in both namespaces, all at once; why one could not be built, by its language.

    None is scheduled before all are there, so that each lists all.
    """
    node, reasons = installed.node, {}
    for language in clients.CLIENTS:
        try:
            node.image(f"client-{language}")
        except Unavailable as reason:
            reasons[language] = str(reason)
    built = [path for language, path in MANIFESTS.items() if language not in reasons]
    for space in (ALLOWED, REFUSED):
        node.namespace(space, RESTRICTED)
    node.apply(ROLE, f"--namespace={ALLOWED}")
    node.kubectl("cordon", NODE)
    node.kubectl("apply", *(f"--filename={path}" for path in built), f"--namespace={ALLOWED}")
    pods = [misled(*read_yaml(path)) for path in built]
    node.apply({"apiVersion": "v1", "kind": "List", "items": [MISLEADING, *pods]}, f"--namespace={REFUSED}")
    node.kubectl("uncordon", NODE)
    yield reasons
    node.kubectl("delete", "namespace", ALLOWED, REFUSED, "--wait=false")


def misled(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod with credentials that lead nowhere, in the place where a library looks for a ServiceAccount's."""
    mount = {"name": "misleading", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    pod["spec"]["volumes"] = [{"name": "misleading", "configMap": {"name": "misleading"}}]
    pod["spec"]["containers"][0]["volumeMounts"] = [mount]
    return pod


@pytest.fixture(params=MANIFESTS)
def pod(request: pytest.FixtureRequest, unbuilt: dict[str, str]) -> str:
    """Each example's pod by its name."""
    if request.param in unbuilt:
        pytest.skip(f"client {request.param}: {unbuilt[request.param]}")
    return f"client-{request.param}"


def ended(installed: Installed, pod: str, space: str) -> tuple[int, str]:
    """The code with which a pod's program ended, and what it printed."""
    code = ".status.containerStatuses[0].state.terminated.exitCode"
    installed.node.wait(f"jsonpath={{{code}}}", f"pod/{pod}", space, seconds=120)
    found = installed.node.get("pod", pod, f"--namespace={space}")["status"]["containerStatuses"][0]
    return found["state"]["terminated"]["exitCode"], installed.node.logs(pod, space, "main")


def test_it_lists_the_pods_of_its_namespace(installed: Installed, pod: str) -> None:
    """The manifest as it stands, in a namespace that takes only `restricted` pods, with the least Role."""
    code, said = ended(installed, pod, ALLOWED)
    there = [one["metadata"]["name"] for one in installed.node.get("pods", f"--namespace={ALLOWED}")["items"]]
    assert pod in there
    assert (code, said.splitlines()) == (0, there)


def test_without_a_role_it_shows_who_may_not(installed: Installed, pod: str) -> None:
    """The refusal is for the pod's own identity, even beside credentials that a library takes where it finds them."""
    code, said = ended(installed, pod, REFUSED)
    assert code == 1
    assert "forbidden" in said.lower()
    assert f"system:serviceaccount:{REFUSED}:default" in said
