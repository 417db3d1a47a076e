"""The harness itself, against a real kube-apiserver: that it is what the other tests take it for."""

import json
from pathlib import Path

import pytest

from tests.kube import binaries, schema
from tests.kube.apiserver import ApiServer
from tests.kube.cases import Case, named
from tests.kube.cluster import Cluster, KubectlError
from tests.kube.processes import Failed
from tests.kube.record import RecordingServer, record

AGAIN = "again-"  # a namespace of its own: another test may play the case in its proper one
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "pod"},
    "spec": {"containers": [{"name": "a", "image": "a"}]},
}


@pytest.fixture
def own(cluster: Cluster) -> ApiServer:
    """The cluster, where it is one that we started."""
    if not isinstance(cluster, ApiServer):
        pytest.skip("real kube-apiserver: this test is about the one that the harness starts, and a cluster was given")
    return cluster


def test_it_is_the_version_that_go_mod_pins_and_says_so(own: ApiServer) -> None:
    assert own.version == binaries.kubernetes_version()
    assert own.raw("/version")["gitTreeState"] == "clean"


def test_no_controller_waits_for_an_election(own: ApiServer) -> None:
    leases = own.get("leases", "--namespace=kube-system")["items"]
    assert not [lease for lease in leases if lease["metadata"]["name"].startswith("kube-controller-manager")]


def test_a_new_namespace_takes_pods_at_once(cluster: Cluster) -> None:
    namespace = cluster.namespace("takes-pods")
    cluster.apply(POD, f"--namespace={namespace}")
    assert cluster.get("pod", "pod", f"--namespace={namespace}")["spec"]["serviceAccountName"] == "default"


def test_pod_security_is_in_force(cluster: Cluster) -> None:
    namespace = cluster.namespace("secure", {"pod-security.kubernetes.io/enforce": "restricted"})
    with pytest.raises(KubectlError, match='violates PodSecurity "restricted:latest"'):
        cluster.apply(POD, f"--namespace={namespace}")


def test_a_node_is_held_to_its_own_objects(cluster: Cluster) -> None:
    kubelet = cluster.user("system:node:elsewhere", ["system:nodes"])
    refused = cluster.kubectl("create", "--filename=-", stdin=json.dumps(POD), check=False, kubeconfig=kubelet)
    assert 'node "elsewhere" can only create mirror pods' in refused.stderr


def test_a_flag_that_it_does_not_know_is_reported_with_the_log() -> None:
    try:
        broken = ApiServer(flags=["--no-such-flag"])
    except binaries.Unavailable as reason:
        pytest.skip(f"real kube-apiserver: {reason}")
    with pytest.raises(Failed, match=r"(?s)kube-apiserver ended with code 1.*unknown flag: --no-such-flag"), broken:
        pass
    assert not broken.directory.exists()


def test_the_recorded_schema_is_the_one_that_the_server_publishes(cluster: Cluster) -> None:
    """For the minor version of its name; another one may differ."""
    if not cluster.version.startswith("v1.36."):
        pytest.skip(f"real kube-apiserver: it is {cluster.version}, and the recorded schema is of 1.36")
    assert schema.published(cluster) == schema.recorded()


def test_a_webhook_can_be_reached_by_a_service(own: ApiServer) -> None:
    """By the address that a chart writes, and with the certificate of that name, though there is no node."""
    namespace = own.namespace("exposed")
    with RecordingServer("podmeta.exposed.svc") as server:
        own.expose("podmeta", namespace, server.server_port)
        try:
            server.register(own, "exposed", namespace=namespace, service="podmeta")
        finally:
            own.kubectl("delete", "mutatingwebhookconfiguration", "exposed")


@pytest.mark.parametrize("slug", ["seed-env", "debug-target", "reinvocation"])
def test_a_case_is_recorded_again_as_it_is_kept(own: ApiServer, tmp_path: Path, slug: str) -> None:
    """One case for each way a review comes about: a creation, an update of the subresource, a second round."""
    (case,) = named([slug])
    again = Case.load(_copy(case, tmp_path / (AGAIN + slug)))
    own.namespace(again.slug)
    with RecordingServer() as server:
        server.register(own, "recorder", namespace=again.slug)
        try:
            record(own, server, again)
        finally:
            own.kubectl("delete", "mutatingwebhookconfigurations", "recorder", f"zz-{again.slug}", "--ignore-not-found")
    assert _lasting(again) == _lasting(case)


def _copy(case: Case, directory: Path) -> Path:
    directory.mkdir()
    for path in case.directory.iterdir():
        if path != case.review:
            (directory / path.name).write_bytes(path.read_bytes())
    return directory


def _lasting(case: Case) -> str:
    """What of a review does not change from one recording, and one namespace, to the next."""
    request = json.loads(case.review.read_text().replace(AGAIN, ""))["request"]
    pod = request["object"]
    token = next(volume["name"] for volume in pod["spec"]["volumes"] if volume["name"].startswith("kube-api-access-"))
    spec = json.dumps(pod["spec"], sort_keys=True).replace(token, "kube-api-access")
    rest = {key: request[key] for key in ("kind", "resource", "namespace", "operation", "dryRun", "options")}
    return json.dumps([rest, pod["metadata"]["annotations"]], sort_keys=True) + spec
