"""The harness itself: what a test on the node relies on is there, and comes back after a reboot."""

import json
from pathlib import Path

import pytest

from tests.kube import machine
from tests.kube.binaries import Unavailable, kubernetes_version
from tests.kube.node import Node
from tests.kube.running import Running

pytestmark = pytest.mark.xdist_group("node")

CREDENTIALS = "/var/run/secrets/kubernetes.io/serviceaccount"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: %s}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: %s, command: %s}
"""
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: job}
spec:
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1 # httpd as the first process of its container does not hear SIGTERM
      initContainers:
      - name: sidecar
        image: busybox
        command: [sh, -c, "echo hello >/tmp/index.html; exec httpd -f -p 127.0.0.1:8080 -h /tmp"]
        restartPolicy: Always
        startupProbe: {exec: {command: [wget, -qO-, http://127.0.0.1:8080/]}, periodSeconds: 1}
      containers:
      - {name: main, image: busybox, command: [wget, -qO-, http://127.0.0.1:8080/]}
"""
RESTRICTED = """
apiVersion: v1
kind: Pod
metadata: {name: careful}
spec:
  securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [sleep, "9999999"]
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
"""


def pod(name: str, *command: str, image: str = "busybox") -> str:
    return POD % (name, name, image, json.dumps(command or ("sleep", "9999999")))


def test_the_node_is_ready_and_of_the_version_that_is_pinned(node: Running) -> None:
    (one,) = node.get("nodes")["items"]
    assert {"type": "Ready", "status": "True"}.items() <= one["status"]["conditions"][-1].items()
    if isinstance(node, Node):
        assert one["status"]["nodeInfo"]["kubeletVersion"] == node.version == kubernetes_version()


def test_a_pod_runs_and_answers_to_exec_and_logs(node: Running, space: str) -> None:
    node.run(pod("talker", "sh", "-c", "echo started; exec sleep 9999999"), space)
    assert node.logs("talker", space) == "started\n"
    assert node.execute("talker", "cat", f"{CREDENTIALS}/namespace", namespace=space) == space
    assert node.attempt("talker", "false", namespace=space).returncode == 1


def test_the_api_has_a_name_and_a_certificate_for_it(node: Running, space: str) -> None:
    node.run(pod("curl", image="rancher/curl"), space)
    asked = ("curl", "-sS", "--cacert", f"{CREDENTIALS}/ca.crt", "https://kubernetes.default/")
    answer = json.loads(node.execute("curl", *asked, namespace=space))
    assert (answer["code"], answer["reason"]) == (403, "Forbidden")
    assert "system:anonymous" in answer["message"]


def test_a_service_leads_to_its_pods_also_from_themselves(node: Running, space: str) -> None:
    serve = "mkdir /www; echo served >/www/index.html; exec httpd -f -p 80 -h /www"
    node.run(pod("web", "sh", "-c", serve), space)
    node.run(pod("guest"), space)
    node.kubectl("expose", "pod", "web", "--port=80", f"--namespace={space}")
    for client in ("guest", "web"):
        answers = lambda client=client: (  # noqa: E731 - asked until the rules are there
            node.attempt(client, "timeout", "1", "wget", "-qO-", "http://web/", namespace=space).stdout == "served\n"
        )
        node.until(answers, f"the answer of the Service to {client}", 20)


def test_a_job_with_a_native_sidecar_completes(node: Running, space: str) -> None:
    node.apply(JOB, f"--namespace={space}")
    node.wait("condition=Complete", "job/job", space)
    assert node.logs("job/job", space, "main") == "hello\n"


def test_a_restricted_pod_runs_under_seccomp(node: Running, space: str) -> None:
    node.kubectl("label", "namespace", space, "pod-security.kubernetes.io/enforce=restricted")
    refused = node.kubectl("create", "--filename=-", f"--namespace={space}", stdin=pod("careless"), check=False)
    assert "violates PodSecurity" in refused.stderr
    node.run(RESTRICTED, space)
    status = node.execute("careful", "cat", "/proc/self/status", namespace=space)
    assert {"Seccomp:\t2", "NoNewPrivs:\t1", "Uid:\t65532\t65532\t65532\t65532"} <= set(status.splitlines())


def test_an_image_that_is_not_here_is_looked_for_nowhere_else(node: Running, space: str) -> None:
    if not isinstance(node, Node):
        pytest.skip("an existing cluster pulls from where it likes")
    node.apply(pod("stranger", image="docker.io/library/nothing:1"), f"--namespace={space}")
    reason = "{.status.containerStatuses[0].state.waiting.reason}"
    node.wait(f"jsonpath={reason}=ErrImagePull", "pod/stranger", space)
    message = node.get("pod", "stranger", f"--namespace={space}")["status"]["containerStatuses"][0]
    assert "not found" in message["state"]["waiting"]["message"]


def test_a_second_node_is_refused_in_a_sentence(node: Running) -> None:
    if not isinstance(node, Node):
        pytest.skip("an existing cluster takes no room here")
    with pytest.raises(Unavailable, match=f"runs here already, in {node.directory}"), machine.alone(seconds=0):
        pass


def test_a_reboot_leaves_nothing_running_and_all_comes_back(node: Running, space: str) -> None:
    if not isinstance(node, Node):
        pytest.skip("an existing cluster is not ours to reboot")
    node.run(pod("lasting"), space)
    node.stop()
    assert not Path("/sys/class/net/podmeta").exists()
    assert not list(Path("/sys/fs/cgroup").glob("**/podmeta"))
    node.start()
    node.wait("jsonpath={.status.containerStatuses[0].restartCount}=1", "pod/lasting", space)
    node.wait("condition=Ready", "pod/lasting", space)
    assert "10.96.0.1" in node.execute("lasting", "nslookup", "kubernetes.default.svc.cluster.local", namespace=space)
