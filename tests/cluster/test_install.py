"""The chart on a real node, self-managed certificates, two replicas: from `helm install` to nothing left behind."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chart.charts import CHART, NAMESPACE, RELEASE
from tests.cluster.release import Installed, install
from tests.kube.binaries import Unavailable
from tests.kube.node import Node

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def installed(alone: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """A release of this module's own, since its last test takes it away."""
    try:
        with install(alone, tmp_path_factory.mktemp("helm"), {}) as release:
            yield release
    except Unavailable as reason:
        pytest.skip(f"real node: {reason}")


def test_a_deployment_that_asks_gets_env_and_files(installed: Installed, space: str) -> None:
    """No cert-manager, no script: annotations and nothing else; here a prefix, the preset `go`, another path."""
    installed.node.apply(EXAMPLES / "deployment.yaml", f"--namespace={space}")
    installed.node.kubectl("rollout", "status", "deployment/shop", f"--namespace={space}", "--timeout=60s")
    for pod in installed.node.get("pods", f"--namespace={space}")["items"]:
        name, address = pod["metadata"]["name"], pod["status"]["podIP"]
        env = dict(line.split("=", 1) for line in installed.node.execute(name, "env", namespace=space).splitlines())
        assert (env["K8S_POD_NAME"], env["K8S_POD_NAMESPACE"], env["K8S_POD_IP"]) == (name, space, address)
        assert (env["GOMAXPROCS"], env["GOMEMLIMIT"]) == ("2", str(128 << 20))
        assert env["SELF"] == f"http://{address}:8080"
        assert "K8S_SERVICE_ACCOUNT" not in env
        assert installed.node.execute(name, "cat", "/run/pod/podName", namespace=space) == name


def test_nothing_in_the_image_installs_software_or_is_root(installed: Installed) -> None:
    found = "[name for name in ('pip', 'ensurepip', 'setuptools') if importlib.util.find_spec(name)]"
    ask = ("python", "-c", f"import importlib.util, os; print(os.getuid(), {found})")
    assert installed.node.execute(installed.pods()[0], *ask, namespace=installed.name) == "65532 []\n"


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
    """All that the API server lets its ServiceAccount do, beyond what it lets everybody do."""
    nobody = _rights(installed, "nobody-in-particular")
    assert _rights(installed, RELEASE) - nobody == {
        ("secrets", f"{RELEASE}-ca", "get list watch update"),
        ("secrets", "", "create"),
        ("deployments.apps", RELEASE, "get"),
        ("mutatingwebhookconfigurations.admissionregistration.k8s.io", RELEASE, "get list watch patch"),
    }


def _rights(installed: Installed, account: str) -> set[tuple[str, str, str]]:
    """`kubectl auth can-i --list`: resources, names, verbs."""
    listed = installed.kubectl("auth", "can-i", "--list", f"--as=system:serviceaccount:{NAMESPACE}:{account}")
    rows = [re.fullmatch(r"(\S*)\s+\[(.*)\]\s+\[(.*)\]\s+\[(.*)\]", line.strip()) for line in listed.splitlines()[1:]]
    return {(row[1], row[3], row[4]) for row in rows if row}


def test_uninstalling_leaves_nothing_behind(installed: Installed) -> None:
    """Not even the Secret that Helm never knew: it goes with its Deployment."""
    installed.uninstall()
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
