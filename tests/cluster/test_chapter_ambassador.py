"""Chapter 8.2.3, the ambassador: plain HTTP on localhost is the API, as the pod itself and never more."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.asking import Curl, grant
from tests.kube import configs
from tests.kube.cluster import KubectlError
from tests.kube.node import Node
from tests.kube.running import Running

pytestmark = [pytest.mark.xdist_group("node"), pytest.mark.usefixtures("installed")]

EXAMPLES = Path(__file__).parents[2] / "examples"
CHAPTER = EXAMPLES / "chapter"
CREDENTIALS = "/var/run/secrets/kubernetes.io/serviceaccount"
AMBASSADOR = "podmeta-ambassador"
MIB = 1024**2
SLEEP = ["sleep", "9999999"]


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    return {"ambassador": {"foresight": True}}


def asking(*, spec: dict[str, Any] | None = None, main: dict[str, Any] | None = None, **more: str) -> str:
    """A pod with an ambassador: more annotations, more of its spec, more of its container."""
    container = {"name": "main", "image": "rancher/curl", "command": SLEEP, **(main or {})}
    annotations = {"inject": "true", "ambassador": "true", **{key.replace("_", "-"): one for key, one in more.items()}}
    metadata = {"name": "asking", "annotations": {f"podmeta/{key}": one for key, one in annotations.items()}}
    whole = {"terminationGracePeriodSeconds": 0, "containers": [container], **(spec or {})}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": whole})


def pods(space: str) -> str:
    return f"localhost:8001/api/v1/namespaces/{space}/pods"


def refusal(node: Running, manifest: str, space: str) -> str:
    """What kubectl says of a pod that is not let in."""
    with pytest.raises(KubectlError) as caught:
        node.apply(manifest, f"--namespace={space}")
    return caught.value.stderr


def test_the_403_is_foretold_and_a_role_ends_it(node: Running, space: str) -> None:
    """Where the notes end: it is RBAC that answers 403, and whoever creates the pod is told before."""
    manifest = CHAPTER / "curl-with-ambassador.yaml"
    foretold = f"Warning: podmeta: {space}/default: the ServiceAccount may not list pods here"
    dry = (f"--namespace={space}", "--dry-run=server")
    # The API server may be too busy for an answer in time, and then there is no warning.
    node.until(lambda: foretold in node.apply(manifest, *dry).stderr, "the warning", 20)
    node.run(manifest, space)
    curl = Curl(node, space, "curl-with-ambassador")
    assert f'User \\"system:serviceaccount:{space}:default\\" cannot get path \\"/\\"' in curl.run("localhost:8001")
    assert curl.code(pods(space)) == 403
    grant(node, space, manifest, "get,list/pods")
    node.until(lambda: curl.code(pods(space)) == 200, "the Role", 10)
    (pod,) = curl.json(pods(space))["items"]
    assert pod["metadata"]["name"] == "curl-with-ambassador"
    assert curl.code(pods("default")) == 403


def test_the_container_by_hand_answers_the_same(node: Running, space: str) -> None:
    by_hand = (CHAPTER / "by-hand" / "curl-with-ambassador.yaml").read_text()
    node.run(by_hand.replace("name: curl-with-ambassador", "name: by-hand"), space)
    node.run(asking(), space)
    again = ("--retry", "10", "--retry-connrefused")  # by hand nothing makes the app wait for its ambassador
    for path in ("", "/version", "/apis/batch/v1", f"/api/v1/namespaces/{space}/pods"):
        hand, ours = (Curl(node, space, pod).json(*again, f"localhost:8001{path}") for pod in ("by-hand", "asking"))
        assert hand == ours


def test_read_only_refuses_what_a_role_would_allow(node: Running, space: str) -> None:
    """The proxy itself lets nothing through that writes, unless the pod asks for it."""
    grant(node, space, CHAPTER / "by-hand" / "curl.yaml", "get,create,update,patch,delete/pods")
    node.run(asking(), space)
    curl = Curl(node, space, "asking")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert curl.run("-X", method, f"{pods(space)}/asking").strip() == "Forbidden"
    assert curl.json(f"{pods(space)}/asking")["metadata"]["name"] == "asking"


def test_read_write_lets_through_what_a_role_allows_but_never_exec_and_attach(node: Running, space: str) -> None:
    writing = asking(ambassador_access="read-write")
    opening = ("get,create/pods/exec", "get,create/pods/attach")
    grant(node, space, writing, "create,delete/configmaps", "get/pods/log", *opening)
    node.run(writing, space)
    curl = Curl(node, space, "asking")
    made = ("-H", "Content-Type: application/json", "-d", '{"metadata": {"name": "made"}}')
    assert curl.code(*made, f"localhost:8001/api/v1/namespaces/{space}/configmaps") == 201
    assert curl.code("-X", "DELETE", f"localhost:8001/api/v1/namespaces/{space}/configmaps/made") == 200
    assert curl.code(f"{pods(space)}/asking/log?container=main") == 200
    for what in ("exec?container=main&command=id", "attach?container=main"):
        for method in ("GET", "POST"):
            assert curl.run("-X", method, f"{pods(space)}/asking/{what}").strip() == "Forbidden"


def test_without_automount_the_token_is_the_ambassador_s_alone_and_all_is_restricted(node: Running, space: str) -> None:
    """Pod Security `restricted` is enforced, an app container has no token, and yet kubectl works in it."""
    node.kubectl("label", "namespace", space, "pod-security.kubernetes.io/enforce=restricted")
    strict = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    kubectl = {"name": "kubectl", "image": "registry.k8s.io/kubectl:v1.36.3", "securityContext": strict}
    watching = {**kubectl, "command": ["kubectl", "get", "pods", "--watch-only"]}
    shell = {"name": "shell", "image": "busybox", "command": SLEEP, "securityContext": strict}
    user = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"automountServiceAccountToken": False, "securityContext": user, "containers": [watching, shell]}
    manifest = asking(spec=spec)
    grant(node, space, manifest, "get,list,watch/pods")
    node.run(manifest, space)
    assert "No such file" in node.attempt("asking", "ls", "/var/run/secrets", namespace=space, container="shell").stderr
    spec = node.get("pod", "asking", f"--namespace={space}")["spec"]
    mounts = {
        one["name"]: [mount["mountPath"] for mount in one["volumeMounts"]]
        for one in (*spec["initContainers"], *spec["containers"])
    }
    assert [name for name, paths in mounts.items() if CREDENTIALS in paths] == [AMBASSADOR]
    listed = node.execute("asking", "kubectl", "get", "pods", "--output=name", namespace=space, container="kubectl")
    assert listed == "pod/asking\n"


def test_host_network_is_refused_in_a_sentence(node: Running, space: str) -> None:
    said = refusal(node, asking(spec={"hostNetwork": True}), space)
    assert "with hostNetwork the ambassador would open the pod's API identity to the whole node" in said
    assert 'accepted: "false", or a pod without hostNetwork: true' in said


def test_a_port_that_the_app_declares_is_refused_by_its_name(node: Running, space: str) -> None:
    clash = {"ports": [{"containerPort": 8001}]}
    said = refusal(node, asking(main=clash), space)
    assert "[podmeta/ambassador-port]: '8001': another container of the pod declares the ambassador's port" in said
    assert "accepted: a port that no container declares; main declares 8001" in said
    node.run(asking(main=clash, ambassador_port="8002"), space)
    assert Curl(node, space, "asking").code("localhost:8002/version") == 200


def test_a_job_with_an_ambassador_completes(node: Running, space: str) -> None:
    grant(node, space, EXAMPLES / "job.yaml", "list/pods")
    node.apply(EXAMPLES / "job.yaml", f"--namespace={space}")
    node.wait("condition=Complete", "job/report", space)
    assert json.loads(node.logs("job/report", space, "main"))["kind"] == "PodList"


def test_an_init_container_asks_the_api(node: Running, space: str) -> None:
    ask = ["sh", "-c", "curl -sSf $AMBASSADOR_URL/api/v1/namespaces/$POD_NAMESPACE/pods/$POD_NAME"]
    init = {"name": "init", "image": "rancher/curl", "command": ask}
    manifest = asking(spec={"initContainers": [init]})
    grant(node, space, manifest, "get/pods")
    node.run(manifest, space)
    assert json.loads(node.logs("asking", space, "init"))["metadata"]["name"] == "asking"


@contextmanager
def cut_off(node: Node) -> Iterator[None]:
    """No pod of the node reaches the API server meanwhile."""
    port = node.url.rpartition(":")[2]
    rule = f"INPUT --source {configs.PODS} --protocol tcp --dport {port} --jump REJECT --reject-with tcp-reset".split()
    node.inside("iptables", "--insert", *rule).check_returncode()
    try:
        yield
    finally:
        node.inside("iptables", "--delete", *rule).check_returncode()


def test_the_app_never_starts_before_the_api_answers(node: Running, space: str) -> None:
    """The API is out of reach: the ambassador runs, its probe fails, and nothing behind it starts until it is back."""
    assert isinstance(node, Node)
    init = {"name": "init", "image": "rancher/curl", "command": ["curl", "-sSf", "localhost:8001/version"]}
    with cut_off(node):
        node.apply(asking(spec={"initContainers": [init]}), f"--namespace={space}")
        events = ("get", "events", f"--namespace={space}", "--field-selector=reason=Unhealthy")
        counts = (*events, "--output=jsonpath={.items[*].count}")
        node.until(lambda: sum(map(int, node.kubectl(*counts).stdout.split())) >= 3, "a third failure of the probe", 60)
        status = node.get("pod", "asking", f"--namespace={space}")["status"]
        ambassador, behind = status["initContainerStatuses"]
        assert (ambassador["name"], ambassador["started"], *ambassador["state"]) == (AMBASSADOR, False, "running")
        assert [list(one["state"]) for one in (behind, *status["containerStatuses"])] == [["waiting"], ["waiting"]]
    node.wait("condition=Ready", "pod/asking", space)
    status = node.get("pod", "asking", f"--namespace={space}")["status"]
    assert status["initContainerStatuses"][1]["state"]["terminated"]["exitCode"] == 0


def charged(node: Running, space: str) -> dict[str, float]:
    """The MiB that the kernel counts for the ambassador: the most at once so far, and the files that it maps.

    Such a file is charged to whoever on the node read it first. So the most that can fall to one ambassador is both.
    """
    pod = node.get("pod", "asking", f"--namespace={space}")
    container = pod["status"]["initContainerStatuses"][0]["containerID"].rpartition("/")[2]
    group = f"{configs.GROUP}/kubepods/burstable/pod{pod['metadata']['uid']}/{container}"
    version_2 = Path(f"/sys/fs/cgroup{group}/memory.peak")
    peak = version_2 if version_2.exists() else Path(f"/sys/fs/cgroup/memory{group}/memory.max_usage_in_bytes")
    (process, *_) = (peak.parent / "cgroup.procs").read_text().split()
    lines = dict(line.split(":", 1) for line in Path("/proc", process, "status").read_text().splitlines())
    mapped = sum(int(lines[key].split()[0]) for key in ("RssFile", "RssShmem"))
    return {"peak": int(peak.read_text()) / MIB, "mapped": mapped / 1024}


def test_the_default_limit_leaves_room_for_a_burst_and_for_the_probe(node: Running, space: str) -> None:
    """The peak counts from the container's start, so the kubectl of the startup probe is in it."""
    grant(node, space, asking(), "list/configmaps")
    data = {"text": "x" * 20_000}
    items = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{n}"}, "data": data} for n in range(50)]
    made = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    node.kubectl("create", "--filename=-", f"--namespace={space}", stdin=made)
    node.run(asking(), space)
    rest = charged(node, space)
    lists = f"http://localhost:8001/api/v1/namespaces/{space}/configmaps?n=[1-200]"
    burst = ("--fail", "--parallel", "--parallel-max", "64", "-o", "/dev/null", lists)
    Curl(node, space, "asking").run(*burst)
    busy, kubelet = charged(node, space), node.memory("asking", AMBASSADOR, space)
    print(f"MiB at rest {rest}, after 200 lists of 1 MB {busy}; the kubelet: {kubelet}")  # noqa: T201 - the figures
    ambassador, *_ = node.get("pod", "asking", f"--namespace={space}")["spec"]["initContainers"]
    limit = int(ambassador["resources"]["limits"]["memory"].removesuffix("Mi"))
    assert busy["peak"] + busy["mapped"] < limit
