"""What podmeta adds, seen from inside of containers: manifests are injected offline, as a person would do it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kube.running import Running

pytestmark = pytest.mark.xdist_group("node")

EXAMPLES = Path(__file__).parents[2] / "examples"
RESTRICTED = """
apiVersion: v1
kind: Pod
metadata:
  name: careful
  annotations: {podmeta/inject: "true", podmeta/ambassador: "true"}
spec:
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: main
    image: registry.k8s.io/kubectl:v1.36.3
    command: [kubectl, get, pods, --watch]
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
  - name: shell
    image: busybox
    command: [sleep, "9999999"]
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
"""


def injected(manifest: Path | str, space: str) -> str:
    """What `podmeta inject` prints for pods of that namespace, which the kubeconfig of the ambassador names."""
    text = manifest.read_text() if isinstance(manifest, Path) else manifest
    command = (sys.executable, "-m", "webhook", "inject", "--filename=-", f"--namespace={space}")
    return subprocess.run(command, input=text, text=True, capture_output=True, check=True).stdout


def let_read_pods(node: Running, space: str) -> None:
    """The least Role for listing pods, bound to the namespace's default ServiceAccount."""
    node.kubectl("create", "role", "pod-reader", "--verb=get,list,watch", "--resource=pods", f"--namespace={space}")
    bound = (f"--serviceaccount={space}:default", f"--namespace={space}")
    node.kubectl("create", "rolebinding", "pod-reader", "--role=pod-reader", *bound)


def test_the_seven_variables_have_the_values_of_the_manifest(node: Running, space: str) -> None:
    node.run(injected(EXAMPLES / "downward.yaml", space), space)
    lines = node.execute("downward", "env", namespace=space).splitlines()
    pod = node.get("pod", "downward", f"--namespace={space}")
    assert {
        "POD_NAME=downward",
        f"POD_NAMESPACE={space}",
        f"POD_IP={pod['status']['podIP']}",
        f"NODE_NAME={pod['spec']['nodeName']}",
        "SERVICE_ACCOUNT=default",
        "CONTAINER_CPU_REQUEST_MILLICORES=15",
        "CONTAINER_MEMORY_LIMIT_KIBIBYTES=6144",
    } <= set(lines)


def test_the_files_tell_the_same_and_follow_the_labels(node: Running, space: str) -> None:
    node.run(injected(EXAMPLES / "downward.yaml", space), space)
    pod = node.get("pod", "downward", f"--namespace={space}")

    def read(name: str) -> str:
        return node.execute("downward", "cat", f"/etc/downward/{name}", namespace=space)

    listed = node.execute("downward", "ls", "-L", "/etc/downward", namespace=space).split()
    assert {name: read(name) for name in listed if name != "annotations"} == {
        "podName": "downward",
        "podNamespace": space,
        "podUid": pod["metadata"]["uid"],
        "labels": 'foo="bar"',
        "containerCpuRequestMilliCores": "15",
        "containerMemoryLimitBytes": str(6 * 1024**2),
    }
    assert {'key1="value1"', r'key2="multi\nline\nvalue\n"'} <= set(read("annotations").splitlines())
    node.kubectl("label", "pod", "downward", "foo=changed", "--overwrite", f"--namespace={space}")
    node.until(lambda: read("labels") == 'foo="changed"', "the changed label in the file")


def test_the_ambassador_is_the_pod_to_the_api_and_no_more(node: Running, space: str) -> None:
    node.run(injected(EXAMPLES / "curl-with-ambassador.yaml", space), space)
    pods = f"localhost:8001/api/v1/namespaces/{space}/pods"

    def code(*arguments: str) -> str:
        asked = ("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *arguments)
        return node.execute("curl-with-ambassador", *asked, namespace=space, container="main")

    refused = node.execute("curl-with-ambassador", "curl", "-sS", pods, namespace=space, container="main")
    assert f"system:serviceaccount:{space}:default" in refused
    assert code(pods) == "403"
    let_read_pods(node, space)
    node.until(lambda: code(pods) == "200", "the Role", 10)
    # What no Role of the pod decides: the proxy itself lets nothing through that writes.
    said = ("curl", "-sS", "-X", "DELETE", f"{pods}/curl-with-ambassador")
    answer = node.execute("curl-with-ambassador", *said, namespace=space, container="main")
    assert answer.strip() == "Forbidden"


def test_a_job_with_an_ambassador_completes(node: Running, space: str) -> None:
    let_read_pods(node, space)
    node.apply(injected(EXAMPLES / "job.yaml", space), f"--namespace={space}")
    node.wait("condition=Complete", "job/report", space)
    assert json.loads(node.logs("job/report", space, "main"))["kind"] == "PodList"


def test_a_restricted_app_without_a_token_uses_kubectl(node: Running, space: str) -> None:
    node.kubectl("label", "namespace", space, "pod-security.kubernetes.io/enforce=restricted")
    let_read_pods(node, space)
    node.run(injected(RESTRICTED, space), space)
    no_token = node.attempt("careful", "ls", "/var/run/secrets", namespace=space, container="shell")
    assert "No such file or directory" in no_token.stderr
    listed = node.execute("careful", "kubectl", "get", "pods", "--output=name", namespace=space, container="main")
    assert listed == "pod/careful\n"
