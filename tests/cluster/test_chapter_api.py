"""Chapter 8.2.1 and 8.2.2: the Kubernetes API explored through a proxy, and asked by a pod without one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.asking import Curl, grant
from tests.kube.cluster import KubectlError
from tests.kube.running import Running

pytestmark = [pytest.mark.xdist_group("node"), pytest.mark.usefixtures("installed")]

CHAPTER = Path(__file__).parents[2] / "examples" / "chapter"
CURL = CHAPTER / "by-hand" / "curl.yaml"
SPACE = "chapter-api"
URL = "localhost:8001"
CREDENTIALS = "/var/run/secrets/kubernetes.io/serviceaccount"
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: my-job}
spec:
  suspend: true
  template: {spec: {restartPolicy: Never, containers: [{name: main, image: busybox, command: ["true"]}]}}
"""
# What no ServiceAccount may by itself: the list of all paths, and the Jobs of all namespaces.
EXPLORER = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: chapter-explorer}
rules:
- {nonResourceURLs: [/], verbs: [get]}
- {apiGroups: [batch], resources: [jobs], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: chapter-explorer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: chapter-explorer}
subjects: [{kind: ServiceAccount, name: default, namespace: chapter-api}]
"""


@pytest.fixture(scope="module")
def proxy(node: Running, installed: object) -> Iterator[Curl]:
    """curl in the notes' pod with an ambassador, which may explore."""
    assert installed
    node.namespace(SPACE)
    node.apply(EXPLORER)
    node.apply(JOB, f"--namespace={SPACE}")
    node.run(CHAPTER / "curl-with-ambassador.yaml", SPACE)
    yield Curl(node, SPACE, "curl-with-ambassador")
    node.kubectl("delete", "clusterrole,clusterrolebinding", "chapter-explorer")
    node.kubectl("delete", "namespace", SPACE, "--wait=false")


@pytest.fixture
def curl(node: Running, space: str) -> Curl:
    """curl in the notes' pod without an ambassador, which nobody injects."""
    node.run(CURL, space)
    return Curl(node, space, "curl")


def test_8_2_1_the_root_lists_every_path(proxy: Curl) -> None:
    paths = set(proxy.json(URL)["paths"])
    assert {"/api/v1", "/apis", "/apis/apps/v1", "/apis/batch", "/apis/batch/v1", "/livez", "/version"} <= paths


def test_8_2_1_the_batch_group_names_its_versions(proxy: Curl) -> None:
    group = proxy.json(f"{URL}/apis/batch")
    version = {"groupVersion": "batch/v1", "version": "v1"}
    assert (group["kind"], group["versions"], group["preferredVersion"]) == ("APIGroup", [version], version)


def test_8_2_1_its_version_names_resources_and_verbs(proxy: Curl) -> None:
    listed = proxy.json(f"{URL}/apis/batch/v1")
    assert listed["kind"] == "APIResourceList"
    verbs = {one["name"]: one["verbs"] for one in listed["resources"]}
    assert verbs.keys() == {"cronjobs", "cronjobs/status", "jobs", "jobs/status"}
    assert verbs["jobs"] == ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    assert verbs["jobs/status"] == ["get", "patch", "update"]


def test_8_2_1_the_jobs_of_the_whole_cluster_are_listed(proxy: Curl) -> None:
    jobs = proxy.json(f"{URL}/apis/batch/v1/jobs")
    assert jobs["kind"] == "JobList"
    assert (SPACE, "my-job") in {(job["metadata"]["namespace"], job["metadata"]["name"]) for job in jobs["items"]}


def test_8_2_1_a_job_is_read_by_its_name(proxy: Curl) -> None:
    job = proxy.json(f"{URL}/apis/batch/v1/namespaces/{SPACE}/jobs/my-job")
    assert (job["kind"], job["metadata"]["name"], job["spec"]["suspend"]) == ("Job", "my-job", True)


def test_8_2_1_a_job_that_there_is_not_is_a_404(proxy: Curl) -> None:
    """The notes ask in the namespace where the Job is not."""
    status = proxy.json(f"{URL}/apis/batch/v1/namespaces/default/jobs/my-job")
    assert (status["code"], status["reason"]) == (404, "NotFound")
    assert status["message"] == 'jobs.batch "my-job" not found'


def test_8_2_2_the_env_knows_where_the_api_server_is(curl: Curl) -> None:
    service = curl.node.get("service", "kubernetes", "--namespace=default")["spec"]
    env = curl.node.execute(curl.pod, "env", namespace=curl.space).splitlines()
    assert {
        f"KUBERNETES_SERVICE_HOST={service['clusterIP']}",
        "KUBERNETES_SERVICE_PORT=443",
        "KUBERNETES_SERVICE_PORT_HTTPS=443",
    } <= set(env)


def test_8_2_2_the_ca_tells_the_api_server_from_an_impostor(curl: Curl) -> None:
    """Without a token it is still nobody who asks: 403, and the API server says whom it sees."""
    url = "https://kubernetes.default"  # the notes' https://kubernetes is a name in the namespace `default` alone
    with pytest.raises(KubectlError, match="certificate"):
        curl.run(url)
    answer = curl.json("--cacert", f"{CREDENTIALS}/ca.crt", url)
    assert (answer["code"], answer["reason"]) == (403, "Forbidden")
    assert answer["message"] == 'forbidden: User "system:anonymous" cannot get path "/"'
    exported = f"export CURL_CA_BUNDLE={CREDENTIALS}/ca.crt; curl -sS -o /dev/null -w '%{{http_code}}' {url}"
    assert curl.node.execute(curl.pod, "sh", "-c", exported, namespace=curl.space) == "403"


def test_8_2_2_the_token_and_the_least_role_end_the_403(curl: Curl) -> None:
    """What the notes gave up on, without the cluster-admin that they tried: two verbs, one resource, one namespace."""
    listed = curl.node.execute(curl.pod, "ls", CREDENTIALS, namespace=curl.space).split()
    assert listed == ["ca.crt", "namespace", "token"]
    assert curl.node.execute(curl.pod, "cat", f"{CREDENTIALS}/namespace", namespace=curl.space) == curl.space

    def ask(path: str) -> str:
        authorized = f'-H "Authorization: Bearer $(cat {CREDENTIALS}/token)" --cacert {CREDENTIALS}/ca.crt'
        script = f"curl -sS -w '\\n%{{http_code}}' {authorized} https://kubernetes.default{path}"
        return curl.node.execute(curl.pod, "sh", "-c", script, namespace=curl.space)

    pods = f"/api/v1/namespaces/$(cat {CREDENTIALS}/namespace)/pods"
    refused = ask(pods)
    assert f'pods is forbidden: User \\"system:serviceaccount:{curl.space}:default\\"' in refused
    assert refused.endswith("\n403")
    grant(curl.node, curl.space, CURL, "get,list/pods")
    curl.node.until(lambda: ask(pods).endswith("\n200"), "the Role", 10)
    for more in ("/api/v1/namespaces/default/pods", f"/api/v1/namespaces/{curl.space}/secrets", "/api/v1/nodes", "/"):
        assert ask(more).endswith("\n403"), more
