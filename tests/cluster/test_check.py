"""`podmeta check` on the node: clean after `helm install`, and what it says about replicas that really run."""

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from certs import CertificateAuthority
from tests.chart.charts import NAMESPACE, RELEASE
from tests.cluster.release import Installed
from tests.kube.pki import Authority
from webhook.cli.main import app
from webhook.cluster.check.looks.rights import LOOKS

pytestmark = pytest.mark.xdist_group("node")

PATIENCE = 60  # seconds; a replica that starts takes a few
ACCOUNT = f"ServiceAccount {NAMESPACE}/{RELEASE}"
OLD = CertificateAuthority.issue(datetime.now(UTC) - timedelta(days=400), lifetime=timedelta(days=365))
Found = dict[str, list[dict[str, Any]]]


def check(
    installed: Installed, namespace: str = "default", kubeconfig: Path | None = None
) -> tuple[int, Found, dict[str, Any]]:
    """The exit code, the findings by their codes, the facts."""
    user = kubeconfig or installed.node.kubeconfig
    where = (f"--kubeconfig={user}", f"--namespace={namespace}", "--output=json")
    result = CliRunner().invoke(app, ["check", *where])
    assert result.stderr == ""
    said = json.loads(result.stdout)
    found: Found = {}
    for one in said["findings"]:
        found.setdefault(one["code"], []).append(one)
    return result.exit_code, found, said["facts"]


def until(installed: Installed, *codes: str) -> Found:
    """The findings, once these are among them; the exit code is 1 from then on."""
    deadline = time.monotonic() + PATIENCE
    while True:
        code, found, _ = check(installed)
        if set(codes) <= set(found):
            assert code == 1
            return found
        assert time.monotonic() < deadline, f"{codes} are not all among {list(found)}"
        time.sleep(0.5)


def until_clean(installed: Installed) -> None:
    deadline = time.monotonic() + PATIENCE
    while (found := check(installed))[0] != 0:
        assert time.monotonic() < deadline, found[1]
        time.sleep(0.5)


@pytest.fixture
def mended(installed: Installed) -> Iterator[Installed]:
    """Clean before the test, and after it has mended what it broke."""
    until_clean(installed)
    yield installed
    until_clean(installed)


def taken_away(installed: Installed, kind: str, *where: str) -> str:
    """Delete an object; the manifest that brings it back."""
    found = installed.node.get(kind, RELEASE, *where)
    for field in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
        found["metadata"].pop(field, None)
    installed.node.kubectl("delete", kind, RELEASE, *where)
    return json.dumps(found)


def announce(installed: Installed, ca_bundle: bytes) -> None:
    """Put another caBundle into both webhooks."""
    value = base64.b64encode(ca_bundle).decode()
    patch = [{"op": "add", "path": f"/webhooks/{index}/clientConfig/caBundle", "value": value} for index in (0, 1)]
    arguments = ("patch", "mutatingwebhookconfiguration", RELEASE, "--type=json", f"--patch={json.dumps(patch)}")
    installed.node.kubectl(*arguments)


def scale(installed: Installed, replicas: int) -> None:
    installed.node.kubectl("scale", f"deployment/{RELEASE}", f"--replicas={replicas}", f"--namespace={NAMESPACE}")


def test_after_helm_install_there_is_nothing_to_do(mended: Installed) -> None:
    """Every replica was seen to show a certificate that the caBundle vouches for."""
    code, found, facts = check(mended)
    assert (code, found) == (0, {})
    (service,) = facts["services"]
    assert (service["endpoints"], service["deployment"]["ready"], service["budgeted"]) == (2, 2, True)
    assert [replica["served"]["trusted"] for replica in service["replicas"]] == [True, True]
    assert {replica["served"]["leaf"]["issuer"] for replica in service["replicas"]} == {"CN=podmeta CA"}
    assert [facts["trials"][ask]["injected"] for ask in ("asks", "ambassador", "silent")] == [True, True, False]


def test_the_rights_of_the_page_are_enough(mended: Installed) -> None:
    """docs/check.md lists them; with these and no others everything is seen."""
    rules = [{"apiGroups": [one.group], "resources": [one.resource], "verbs": [one.verb]} for one, _ in LOOKS]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "checker"}}
    mended.node.apply({**role, "rules": rules})
    mended.node.kubectl("create", "clusterrolebinding", "checker", "--clusterrole=checker", "--user=checker")
    try:
        user = mended.node.user("checker")
        mended.node.until(lambda: check(mended, kubeconfig=user)[:2] == (0, {}), "a clean check of that user", 10)
    finally:
        mended.node.kubectl("delete", "clusterrole,clusterrolebinding", "checker")


def test_rights_that_are_gone_are_named(mended: Installed) -> None:
    """Nothing fails yet: the certificates would be the next to."""
    binding = taken_away(mended, "clusterrolebinding")
    role = taken_away(mended, "role", f"--namespace={NAMESPACE}")
    try:
        (finding,) = until(mended, "service-rights-missing")["service-rights-missing"]
        assert finding["where"] == ACCOUNT
        assert f"patch mutatingwebhookconfigurations/{RELEASE}" in finding["what"]
        mended.node.until(lambda: "secrets" in _lacking(mended), "the end of the Role")
        mended.node.kubectl("rollout", "restart", f"deployment/{RELEASE}", f"--namespace={NAMESPACE}")
        # What a replica that runs says itself, on its port of the probes.
        mended.node.until(lambda: "no certificate is served yet" in _reasons(mended), "the replica's own reason", 60)
    finally:
        mended.node.apply(binding)
        mended.node.apply(role)
        mended.ready()


def _lacking(installed: Installed) -> str:
    return "".join(one["what"] for one in check(installed)[1].get("service-rights-missing", ()))


def test_a_ca_bundle_that_does_not_fit_what_is_served(mended: Installed) -> None:
    """Overwritten where the service cannot heal it: seen in the handshake with each replica, and by the API server."""
    before = base64.b64decode(mended.bundles()[0])
    binding = taken_away(mended, "clusterrolebinding")
    try:
        until(mended, "service-rights-missing")
        announce(mended, Authority("stranger").certificate)
        mended.node.until(lambda: len(_untrusted(mended)) == 3, "both replicas' and the API server's verdict", 60)
        pods = {f"Pod {NAMESPACE}/{name}" for name in mended.pods()}
        assert _untrusted(mended) == {*pods, "Namespace default, a pod that asks"}
    finally:
        announce(mended, before)
        mended.node.apply(binding)


def _untrusted(installed: Installed) -> set[str]:
    return {one["where"] for one in check(installed)[1].get("certificate-not-trusted", ())}


def test_nobody_answers(mended: Installed) -> None:
    """Scaled to nothing; and then the caBundle is left to whoever comes by."""
    scale(mended, 0)
    try:
        gone = ("--for=delete", "pods", f"--selector=app.kubernetes.io/instance={RELEASE}", "--timeout=60s")
        mended.node.kubectl("wait", *gone, f"--namespace={NAMESPACE}")  # one that is about to go still heals
        found = until(mended, "no-endpoint-ready", "replicas-not-ready", "no-answer")
        assert found["replicas-not-ready"][0]["what"] == "it is scaled to 0"
        announce(mended, OLD.bundle.pem)
        assert "expired at" in until(mended, "ca-expired")["ca-expired"][0]["what"]
        announce(mended, b"")
        until(mended, "ca-bundle-empty")
    finally:
        scale(mended, 2)
        mended.ready()


def test_a_replica_that_does_not_start_gives_its_reason(mended: Installed) -> None:
    """The old replicas go on; the new one says what keeps it."""
    image = mended.node.get("deployment", RELEASE, f"--namespace={NAMESPACE}")["spec"]["template"]["spec"]["containers"]
    there = (f"deployment/{RELEASE}", f"--namespace={NAMESPACE}")
    mended.node.kubectl("set", "image", *there, "webhook=registry.example/none:1")
    try:
        mended.node.until(lambda: "ImagePull" in _reasons(mended), "the reason", 60)
    finally:
        mended.node.kubectl("set", "image", *there, f"webhook={image[0]['image']}")
        mended.ready()


def _reasons(installed: Installed) -> str:
    return "".join(one["what"] for one in check(installed)[1].get("pod-not-ready", ()))


def test_the_services_own_namespace_is_excluded(mended: Installed) -> None:
    code, found, _ = check(mended, NAMESPACE)
    assert (code, list(found)) == (1, ["namespace-excluded"])
