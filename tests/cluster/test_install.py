"""The chart on a real node, self-managed certificates, two replicas: from `helm install` to nothing left behind."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.chart.charts import CHART, NAMESPACE, RELEASE
from tests.cluster.release import Installed
from tests.kube.running import Running

POD: dict[str, Any] = {
    "metadata": {"labels": {"app": "asking"}, "annotations": {"podmeta/inject": "true"}},
    "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "main", "image": "busybox", "command": ["sleep", "9999999"]}],
    },
}
ASKED = 300


def test_a_deployment_that_asks_gets_env_and_files(installed: Installed, space: str) -> None:
    """No cert-manager, no script: an annotation and nothing else."""
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "asking"}}, "template": POD}
    installed.node.apply(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "asking"}, "spec": spec},
        f"--namespace={space}",
    )
    installed.node.kubectl("rollout", "status", "deployment/asking", f"--namespace={space}", "--timeout=60s")
    for pod in installed.node.get("pods", f"--namespace={space}")["items"]:
        name = pod["metadata"]["name"]
        env = dict(line.split("=", 1) for line in installed.node.execute(name, "env", namespace=space).splitlines())
        assert (env["POD_NAME"], env["POD_NAMESPACE"]) == (name, space)
        assert env["POD_IP"] == pod["status"]["podIP"]
        assert installed.node.execute(name, "cat", "/etc/downward/podName", namespace=space) == name


def test_helm_test_succeeds(installed: Installed) -> None:
    assert "Phase:          Succeeded" in installed.helm.run("test", RELEASE, "--timeout=120s").stdout


def test_two_upgrades_and_no_drift(installed: Installed) -> None:
    """The caBundle is not Helm's: an upgrade keeps it, and what the chart renders is what is there."""
    before = installed.bundles()
    assert all(before)
    for _ in range(2):
        installed.helm.with_values("upgrade", installed.values, RELEASE, CHART, "--wait", "--timeout=180s")
        assert installed.bundles() == before
    rendered = installed.helm.with_values(
        "template", installed.values, RELEASE, CHART, "--no-hooks", "--kube-version", "1.36.3"
    )
    diff = installed.node.kubectl("diff", "--filename=-", f"--namespace={NAMESPACE}", stdin=rendered, check=False)
    assert (diff.returncode, diff.stdout) == (0, ""), diff.stdout + diff.stderr


def test_the_service_may_touch_its_own_objects_only(installed: Installed) -> None:
    """Asked of the API server as its ServiceAccount."""
    account = f"--as=system:serviceaccount:{NAMESPACE}:{RELEASE}"

    def may(*what: str) -> bool:
        return installed.node.kubectl("auth", "can-i", *what, account, check=False).returncode == 0

    secret = f"secret/{RELEASE}-ca"
    assert may("get", secret, f"--namespace={NAMESPACE}")
    assert may("patch", f"mutatingwebhookconfiguration/{RELEASE}")
    for what in (
        ("get", "secret/another", f"--namespace={NAMESPACE}"),
        ("list", "secrets", f"--namespace={NAMESPACE}"),
        ("get", secret, "--namespace=default"),
        ("create", "secrets", "--namespace=default"),
        ("patch", "mutatingwebhookconfiguration/another"),
        ("create", "mutatingwebhookconfigurations"),
        ("delete", f"mutatingwebhookconfiguration/{RELEASE}"),
        ("get", "pods", f"--namespace={NAMESPACE}"),
    ):
        assert not may(*what), what


@dataclass
class Flow:
    """Pods asked for, one after the other, as server-side dry runs, while something is broken."""

    node: Running
    namespace: str
    asked: int = 0
    injected: int = 0
    failed: list[str] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        meta = {"generateName": "flow-", **POD["metadata"]}
        pod = json.dumps({"apiVersion": "v1", "kind": "Pod", **POD, "metadata": meta})
        where = ("create", f"--raw=/api/v1/namespaces/{self.namespace}/pods?dryRun=All", "--filename=-")
        while not stop.is_set():
            made = self.node.kubectl(*where, stdin=pod, check=False)
            self.asked += 1
            self.injected += "podmeta/status" in made.stdout
            if made.returncode:
                self.failed.append(made.stderr.strip()[-200:])


def flowing(installed: Installed, space: str, act: Callable[[], None], count: int) -> Flow:
    """The flow before, while and after something is done to the release."""
    flow, stop = Flow(installed.node, space), threading.Event()
    thread = threading.Thread(target=flow.run, args=(stop,))
    thread.start()
    try:
        act()
        installed.ready()
        deadline = time.monotonic() + 120
        while flow.asked < count and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        stop.set()
        thread.join()
    print(f"asked {flow.asked}, injected {flow.injected}, failed {len(flow.failed)}")  # noqa: T201 - the figure
    return flow


def _kill_one(installed: Installed) -> None:
    installed.node.kubectl("delete", "pod", installed.pods()[0], f"--namespace={NAMESPACE}", "--wait=true")


def _restart_all(installed: Installed) -> None:
    installed.node.kubectl("rollout", "restart", f"deployment/{RELEASE}", f"--namespace={NAMESPACE}")


def _delete_secret(installed: Installed) -> None:
    before = installed.bundles()
    installed.node.kubectl("delete", "secret", f"{RELEASE}-ca", f"--namespace={NAMESPACE}")
    there = ("get", "secret", f"{RELEASE}-ca", f"--namespace={NAMESPACE}")
    installed.node.until(lambda: installed.node.kubectl(*there, check=False).returncode == 0, "the Secret")
    assert installed.bundles() == before


@pytest.mark.parametrize("fault", [_kill_one, _restart_all, _delete_secret], ids=["replica", "rollout", "secret"])
def test_no_admission_fails_while(installed: Installed, space: str, fault: Callable[[Installed], None]) -> None:
    """`failurePolicy: Fail`: a review that nobody answers would be a pod that nobody gets."""
    flow = flowing(installed, space, lambda: fault(installed), ASKED // 3)
    assert flow.failed == []
    assert flow.injected == flow.asked >= ASKED // 3


def test_a_cleared_ca_bundle_is_healed_at_once(installed: Installed, space: str) -> None:
    """Between clearing and healing the API server has no CA to believe: that is short, and it ends by itself."""
    before = installed.bundles()

    def clear() -> None:
        patch = [{"op": "remove", "path": f"/webhooks/{index}/clientConfig/caBundle"} for index in range(len(before))]
        arguments = ("patch", "mutatingwebhookconfiguration", RELEASE, "--type=json", f"--patch={json.dumps(patch)}")
        installed.node.kubectl(*arguments)
        assert installed.node.until(lambda: installed.bundles() == before, "the caBundle") < 10

    flow = flowing(installed, space, clear, ASKED // 3)
    assert len(flow.failed) <= flow.asked // 10
    assert flow.injected == flow.asked - len(flow.failed)


def test_uninstalling_leaves_nothing_behind(installed: Installed) -> None:
    """Not even the Secret that Helm never knew: it goes with its Deployment."""
    installed.helm.run("uninstall", RELEASE, "--wait", "--timeout=120s")
    secret = ("get", "secret", f"{RELEASE}-ca", f"--namespace={NAMESPACE}", "--ignore-not-found", "--output=name")
    installed.node.until(lambda: not installed.node.kubectl(*secret).stdout, "the end of the Secret")
    kinds = "mutatingwebhookconfigurations,clusterroles,clusterrolebindings"
    left = installed.node.kubectl("get", kinds, "--output=name").stdout.split()
    assert not [name for name in left if "podmeta" in name]
    installed.node.kubectl(
        "wait", "--for=delete", "pods", "--all", f"--namespace={NAMESPACE}", "--timeout=60s", check=False
    )
    there = installed.node.kubectl("get", "all,secrets,roles,rolebindings", f"--namespace={NAMESPACE}", "--output=name")
    assert not [name for name in there.stdout.split() if Path(name).name.startswith(RELEASE)]
