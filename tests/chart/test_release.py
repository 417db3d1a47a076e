"""A release from its installation to its end, on a real API server with its controllers; the pods wait for a node.

What the service does in between is done here as its ServiceAccount, with the rights that the chart gives it.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chart.charts import CHART, RELEASE, Helm, Object
from tests.kube.apiserver import ApiServer
from tests.kube.cluster import KubectlError

pytestmark = pytest.mark.xdist_group("chart")

NAMESPACE = "released"
VALUES = CHART / "ci" / "gitops.yaml"
BUNDLE = base64.b64encode(b"a bundle; the API server only looks at it when it calls").decode()


def until(done: Callable[[], bool], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.2)


def inventory(cluster: ApiServer) -> set[str]:
    """Every object of the namespace and of the cluster, but for what controllers note down by themselves."""
    found: set[str] = set()
    for scope in ("true", "false"):
        kinds = cluster.kubectl(
            "api-resources", f"--namespaced={scope}", "--verbs=list", "--output=name"
        ).stdout.split()
        passing = {"events", "events.events.k8s.io", "leases.coordination.k8s.io", "componentstatuses"}
        names = ",".join(kind for kind in kinds if kind not in passing)
        where = [f"--namespace={NAMESPACE}"] if scope == "true" else []
        found |= set(cluster.kubectl("get", names, "--output=name", "--ignore-not-found", *where).stdout.split())
    return found


class Release:
    """An installed release, and the hands of its service."""

    def __init__(self, cluster: ApiServer, helm: Helm) -> None:
        self.cluster = cluster
        self.helm = helm
        self.before: set[str] = set()
        self.groups = ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}"]
        self.service = cluster.user(f"system:serviceaccount:{NAMESPACE}:{RELEASE}", self.groups)

    def do(self, verb: str, *args: str) -> str:
        return self.helm.with_values(verb, VALUES, RELEASE, CHART, f"--namespace={NAMESPACE}", *args)

    def owned_secret(self) -> Object:
        """The Secret with the CA as the service makes it."""
        deployment = self.as_service("get", f"deployment/{RELEASE}", "--output=json")
        uid = json.loads(deployment)["metadata"]["uid"]
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": RELEASE, "uid": uid}
        metadata = {"name": f"{RELEASE}-ca", "namespace": NAMESPACE, "ownerReferences": [owner]}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"ca.crt": "x"}}

    def as_service(self, *args: str, stdin: str | None = None) -> str:
        """kubectl as the ServiceAccount, in its namespace unless another one is named."""
        return self.cluster.kubectl(f"--namespace={NAMESPACE}", *args, stdin=stdin, kubeconfig=self.service).stdout

    def write_bundle(self) -> None:
        """By server-side apply under a manager of its own: the bundle and nothing else."""
        names = ("pod.inject.podmeta", "namespace.inject.podmeta")
        configuration = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": RELEASE},
            "webhooks": [{"name": name, "clientConfig": {"caBundle": BUNDLE}} for name in names],
        }
        flags = ("--server-side", "--field-manager=podmeta-ca-bundle", "--validate=false", "--filename=-")
        self.as_service("apply", *flags, stdin=json.dumps(configuration))

    def installed(self) -> bool:
        return bool(self.helm.run("list", f"--namespace={NAMESPACE}", "--short").stdout.strip())

    def bundles(self) -> list[str | None]:
        webhooks = self.cluster.get(f"mutatingwebhookconfiguration/{RELEASE}")["webhooks"]
        return [webhook["clientConfig"].get("caBundle") for webhook in webhooks]

    def generation(self, what: str) -> int:
        found: int = self.cluster.get(what, f"--namespace={NAMESPACE}")["metadata"]["generation"]
        return found


@pytest.fixture(scope="module")
def prepared(cluster: ApiServer, helm: Helm) -> Iterator[Release]:
    """A namespace that enforces `restricted`, and nothing in it."""
    cluster.namespace(NAMESPACE, {"pod-security.kubernetes.io/enforce": "restricted"})
    cluster.await_created("configmap/kube-root-ca.crt", NAMESPACE)
    one = Release(cluster, Helm(helm.program, helm.home, cluster.kubeconfig))
    one.before = inventory(cluster)
    yield one
    if one.installed():
        one.helm.run("uninstall", RELEASE, f"--namespace={NAMESPACE}")


@pytest.fixture
def release(prepared: Release) -> Release:
    """Installed as a person would; by the first test, and by the one that comes after the uninstallation."""
    if not prepared.installed():
        prepared.do("install")
    return prepared


def test_replicas_are_made_in_a_strict_namespace(release: Release) -> None:
    """By the controllers, not by a dry run: two pods that only lack a node."""

    def pods() -> list[Object]:
        found: list[Object] = release.cluster.get("pods", f"--namespace={NAMESPACE}")["items"]
        return found

    until(lambda: len(pods()) == 2, "two replicas")
    assert {pod["spec"]["priorityClassName"] for pod in pods()} == {"system-cluster-critical"}


def test_the_service_can_do_its_work(release: Release) -> None:
    """Make the Secret, make it again, read and change it, watch it, write the bundle."""
    release.cluster.kubectl("delete", f"secret/{RELEASE}-ca", f"--namespace={NAMESPACE}", "--ignore-not-found")
    secret = json.dumps(release.owned_secret())
    release.as_service("create", "--filename=-", stdin=secret)
    with pytest.raises(KubectlError, match="AlreadyExists"):
        release.as_service("create", "--filename=-", stdin=secret)
    release.as_service("replace", "--filename=-", stdin=secret)
    one = ("--field-selector", f"metadata.name={RELEASE}-ca", "--output=name")
    assert release.as_service("get", "secrets", *one).strip() == f"secret/{RELEASE}-ca"
    assert (
        release.as_service("get", "secrets", *one, "--watch", "--request-timeout=2s").strip() == f"secret/{RELEASE}-ca"
    )
    release.write_bundle()
    assert release.bundles() == [BUNDLE, BUNDLE]


def rules(release: Release, account: str, namespace: str) -> list[dict[str, list[str]]]:
    """What the API server says that a ServiceAccount of the release's namespace may do in another one."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    user = release.cluster.user(f"system:serviceaccount:{NAMESPACE}:{account}", release.groups)
    flags = ("--filename=-", "--output=json", "--validate=false")
    answer = release.cluster.kubectl("create", *flags, stdin=json.dumps(review), kubeconfig=user).stdout
    status = json.loads(answer)["status"]
    assert not status["incomplete"]
    return [{key: sorted(texts) for key, texts in rule.items()} for rule in status["resourceRules"]]


WEBHOOK = {
    "apiGroups": ["admissionregistration.k8s.io"],
    "resourceNames": [RELEASE],
    "resources": ["mutatingwebhookconfigurations"],
    "verbs": ["get", "list", "patch", "watch"],
}
OWN = [
    {
        "apiGroups": [""],
        "resourceNames": [f"{RELEASE}-ca"],
        "resources": ["secrets"],
        "verbs": ["get", "list", "update", "watch"],
    },
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
    {"apiGroups": ["apps"], "resourceNames": [RELEASE], "resources": ["deployments"], "verbs": ["get"]},
]


@pytest.mark.parametrize(("namespace", "expected"), [(NAMESPACE, [WEBHOOK, *OWN]), ("default", [WEBHOOK])])
def test_the_service_may_do_this_and_nothing_else(
    release: Release, namespace: str, expected: list[dict[str, list[str]]]
) -> None:
    """The API server's own list, less what every ServiceAccount may do."""
    common = rules(release, "nobody", namespace)
    more = [rule for rule in rules(release, RELEASE, namespace) if rule not in common]
    assert sorted(more, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    "command",
    [
        ("get", "secrets"),
        ("get", "secret/other"),
        ("delete", f"secret/{RELEASE}-ca"),
        ("get", "secrets", "--namespace=kube-system"),
        ("create", "secret", "generic", "x", "--namespace=default"),
        ("get", "mutatingwebhookconfigurations"),
        ("delete", f"mutatingwebhookconfiguration/{RELEASE}"),
        ("get", "pods"),
        ("patch", f"deployment/{RELEASE}", "--patch={}"),
    ],
    ids=" ".join,
)
def test_other_things_are_forbidden(release: Release, command: tuple[str, ...]) -> None:
    with pytest.raises(KubectlError, match="forbidden"):
        release.as_service(*command)


def test_nothing_drifts_after_the_bundle_was_written(release: Release, tmp_path: Path) -> None:
    """What Helm or a GitOps tool would apply again changes nothing, by either way of applying."""
    release.write_bundle()
    manifest = tmp_path / "rendered.yaml"
    manifest.write_text(release.do("template", "--no-hooks"))
    for flags in ((), ("--server-side", "--force-conflicts", "--field-manager=gitops")):
        difference = release.cluster.kubectl("diff", f"--filename={manifest}", *flags, check=False)
        assert (difference.returncode, difference.stdout) == (0, ""), (flags, difference.stdout, difference.stderr)


def test_an_upgrade_changes_what_was_changed(release: Release) -> None:
    release.write_bundle()
    watched = (f"deployment/{RELEASE}", f"mutatingwebhookconfiguration/{RELEASE}")
    before = [release.generation(what) for what in watched]
    for _ in range(2):
        release.do("upgrade")
    assert [release.generation(what) for what in watched] == before
    release.do("upgrade", "--set=webhook.timeoutSeconds=9")
    assert release.bundles() == [BUNDLE, BUNDLE]
    webhooks = release.cluster.get(f"mutatingwebhookconfiguration/{RELEASE}")["webhooks"]
    assert [webhook["timeoutSeconds"] for webhook in webhooks] == [9, 9]


def test_uninstalling_leaves_nothing_behind(release: Release) -> None:
    """The Secret goes because its owner went; a late replica cannot bring the configuration back."""
    if f"secret/{RELEASE}-ca" not in inventory(release.cluster):
        release.as_service("create", "--filename=-", stdin=json.dumps(release.owned_secret()))
    release.helm.run("uninstall", RELEASE, f"--namespace={NAMESPACE}")
    with pytest.raises(KubectlError, match="forbidden"):
        release.write_bundle()
    until(lambda: inventory(release.cluster) == release.before, "what was there before")
