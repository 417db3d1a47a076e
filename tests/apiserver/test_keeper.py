"""The keeper of certificates against a real API server: no leader, no second CA, nothing that stays broken."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lightkube import AsyncClient, KubeConfig

from certs import Bundle, ServingCertificate, problems
from certs.rotation import SETTLE, Stored, Wanted
from tests.apiserver.conftest import pod_webhook
from tests.kube.cluster import Cluster
from webhook.cluster.keeper import Keeper
from webhook.cluster.store import Places, Store

NAMES = ("podmeta.keeper.svc",)
SECRET, CONFIGURATION = "podmeta-ca", "podmeta-keeper"
PATIENCE = 200  # tenths of a second


@dataclass
class Replica:
    """One replica: its keeper, what it would serve, and its own clock."""

    keeper: Keeper
    client: AsyncClient
    ahead: list[timedelta]
    said: list[str] = field(default_factory=list)
    served: ServingCertificate | None = None
    announced: Bundle = field(default_factory=Bundle)

    def trusted(self) -> bool:
        """Whether the API server would believe what is served."""
        return self.served is not None and not problems(
            self.served, datetime.now(UTC) + self.ahead[0], authorities=self.announced, expected=NAMES
        )


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock that a test sets forward wakes nobody up."""
    monkeypatch.setattr("webhook.cluster.keeper.LOOK", 0.2)
    monkeypatch.setattr("webhook.cluster.keeper.SOON", 0.2)


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, and the webhook configuration as the chart has it: without a caBundle."""
    name = "keeper-" + request.node.name.partition("[")[0].replace("_", "-").removeprefix("test-")[:40].rstrip("-")
    webhook = pod_webhook("pod.keeper.podmeta", {"service": {"name": "podmeta", "namespace": name}}, "Ignore")
    webhook["namespaceSelector"] = {"matchLabels": {"podmeta-test/keeper": "never"}}
    other = {**webhook, "name": "namespace.keeper.podmeta"}
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration"}
    cluster.namespace(name)
    cluster.apply({**kind, "metadata": {"name": CONFIGURATION}, "webhooks": [webhook, other]})
    yield name
    cluster.kubectl("delete", "mutatingwebhookconfiguration", CONFIGURATION)


def replica(cluster: Cluster, namespace: str) -> Replica:
    client = AsyncClient(KubeConfig.from_file(str(cluster.kubeconfig)))
    ahead = [timedelta()]
    store = Store(client, Places(namespace, SECRET, CONFIGURATION))
    made: Replica

    def offer(served: ServingCertificate, announced: Bundle) -> None:
        made.served, made.announced = served, announced

    keeper = Keeper(
        store, Wanted(NAMES), lambda: datetime.now(UTC) + ahead[0], offer, lambda what, _: made.said.append(what)
    )
    made = Replica(keeper, client, ahead)
    return made


def keeping(cluster: Cluster, namespace: str, count: int, act: Callable[[list[Replica]], Awaitable[None]]) -> None:
    """Run replicas, all started at the same instant, while something is done to them."""

    async def run() -> None:
        replicas = [replica(cluster, namespace) for _ in range(count)]
        tasks = [asyncio.create_task(one.keeper.run()) for one in replicas]
        try:
            await act(replicas)
            assert not [task for task in tasks if task.done()]
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            for one in replicas:
                await one.client.close()

    asyncio.run(run())


async def until(true: Callable[[], bool]) -> None:
    for _ in range(PATIENCE):
        if await asyncio.to_thread(true):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come to that")


def bundles(cluster: Cluster) -> list[bytes]:
    found: dict[str, Any] = cluster.get("mutatingwebhookconfiguration", CONFIGURATION)
    return [base64.b64decode(webhook["clientConfig"].get("caBundle", "")) for webhook in found["webhooks"]]


def stored(cluster: Cluster, namespace: str) -> bytes:
    found = cluster.get("secret", SECRET, f"--namespace={namespace}")
    return base64.b64decode(found["data"]["ca.crt"])


@pytest.mark.parametrize("_", range(20))
def test_two_replicas_that_start_at_once_agree_on_one_ca(cluster: Cluster, namespace: str, _: int) -> None:
    """On an empty cluster, twenty times in a row."""
    cluster.kubectl("delete", "secret", SECRET, f"--namespace={namespace}", "--ignore-not-found")

    async def act(replicas: list[Replica]) -> None:
        await until(lambda: all(one.trusted() for one in replicas))
        issuers = {one.announced.pem for one in replicas}
        assert issuers == {stored(cluster, namespace)} == set(bundles(cluster))
        assert len(replicas[0].announced) == 1

    keeping(cluster, namespace, 2, act)


def test_a_deleted_secret_comes_back_as_it_was(cluster: Cluster, namespace: str) -> None:
    async def act(replicas: list[Replica]) -> None:
        await until(lambda: all(one.trusted() for one in replicas))
        before = stored(cluster, namespace)
        cluster.kubectl("delete", "secret", SECRET, f"--namespace={namespace}")
        await until(
            lambda: bool(cluster.kubectl("get", "secret", SECRET, f"--namespace={namespace}", check=False).stdout)
        )
        assert stored(cluster, namespace) == before
        assert all(one.trusted() for one in replicas)

    keeping(cluster, namespace, 2, act)


@pytest.mark.parametrize("broken", ["", "garbage", "stranger"])
def test_a_broken_ca_bundle_is_healed(cluster: Cluster, namespace: str, broken: str) -> None:
    """Cleared by a tool that applies the chart as it is, or overwritten with something else."""

    async def act(replicas: list[Replica]) -> None:
        await until(replicas[0].trusted)
        good = bundles(cluster)
        stranger = base64.b64encode(good[0].replace(b"A", b"B", 1)).decode()
        value = {"": "", "garbage": "Z2FyYmFnZQ==", "stranger": stranger}[broken]
        patch = [{"op": "replace", "path": "/webhooks/1/clientConfig/caBundle", "value": value}]
        arguments = (
            "patch",
            "mutatingwebhookconfiguration",
            CONFIGURATION,
            "--type=json",
            f"--patch={json.dumps(patch)}",
        )
        cluster.kubectl(*arguments, check=broken == "")
        await until(lambda: bundles(cluster) == good)

    keeping(cluster, namespace, 1, act)


def test_a_secret_that_somebody_broke_is_mended(cluster: Cluster, namespace: str) -> None:
    async def act(replicas: list[Replica]) -> None:
        await until(replicas[0].trusted)
        before = stored(cluster, namespace)
        patch = '{"data":{"tls.key":"Z2FyYmFnZQ=="}}'
        cluster.kubectl("patch", "secret", SECRET, f"--namespace={namespace}", f"--patch={patch}")
        await until(lambda: replicas[0].said.count("ca-stored") == 2)
        assert stored(cluster, namespace) == before

    keeping(cluster, namespace, 1, act)


def test_a_ca_that_grows_old_is_rotated_with_the_old_one_beside_it(cluster: Cluster, namespace: str) -> None:
    """The clock of both replicas set forward: what is served is trusted at every step, and one new CA comes of it."""

    async def act(replicas: list[Replica]) -> None:
        await until(lambda: all(one.trusted() for one in replicas))
        first = replicas[0].served
        for one in replicas:
            one.ahead[0] = timedelta(days=60)  # the leaf of 90 days is renewed, the CA of 365 is not
        await until(lambda: all(one.trusted() and one.served != first for one in replicas))
        for one in replicas:
            one.ahead[0] = timedelta(days=250)
        await until(lambda: all(len(one.announced) == 2 for one in replicas))
        assert len(Bundle.parse(stored(cluster, namespace)).certificates) == 2  # type: ignore[union-attr] # it parses
        for one in replicas:
            one.ahead[0] += SETTLE
        newest = replicas[0].announced.certificates[0]
        await until(lambda: all(_from(one.served, newest) and one.trusted() for one in replicas))

    keeping(cluster, namespace, 2, act)


def _from(served: ServingCertificate | None, authority: Any) -> bool:
    return served is not None and not problems(
        served, served.certificate.not_valid_before_utc, authorities=Bundle.of(authority)
    )


def test_helm_sees_no_drift(cluster: Cluster, namespace: str) -> None:
    """Applying the configuration again as it was rendered leaves the caBundle alone."""

    async def act(replicas: list[Replica]) -> None:
        await until(replicas[0].trusted)
        before = bundles(cluster)
        found = cluster.get("mutatingwebhookconfiguration", CONFIGURATION, "--show-managed-fields")
        managers = {entry["manager"] for entry in found["metadata"]["managedFields"]}
        assert "podmeta" in managers
        rendered = json.loads(found["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"])
        assert cluster.apply(rendered).stdout.strip().endswith("unchanged")
        assert bundles(cluster) == before

    keeping(cluster, namespace, 1, act)


def certs(cluster: Cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "webhook", "certs", *arguments, f"--kubeconfig={cluster.kubeconfig}")
    return subprocess.run(command, text=True, capture_output=True, check=False)


def test_a_rotation_by_hand_and_the_end_of_the_old_ca(cluster: Cluster, namespace: str) -> None:
    """`podmeta certs rotate`, then what a known key asks for: `--drop-old`, which is refused until it is safe."""
    rotate = ("rotate", f"--namespace={namespace}", f"--secret={SECRET}", f"--configuration={CONFIGURATION}")

    async def act(replicas: list[Replica]) -> None:
        await until(lambda: all(one.trusted() for one in replicas))
        first = replicas[0].announced
        done = await asyncio.to_thread(certs, cluster, *rotate, "--no-wait")
        assert done.returncode == 0, done.stderr
        await until(lambda: all(len(one.announced) == 2 for one in replicas))
        assert all(one.trusted() for one in replicas)
        early = await asyncio.to_thread(certs, cluster, *rotate, "--drop-old")
        assert (early.returncode, "too new" in early.stderr) == (1, True)
        for one in replicas:
            one.ahead[0] = SETTLE
        newest = replicas[0].announced.certificates[0]
        assert newest not in first
        await until(lambda: all(_from(one.served, newest) and one.trusted() for one in replicas))
        shown = await asyncio.to_thread(certs, cluster, "inspect", f"--secret={namespace}/{SECRET}", "-o", "json")
        assert [len(one["certificates"]) for one in json.loads(shown.stdout)] == [1, 2]

    keeping(cluster, namespace, 2, act)


def test_the_old_ca_goes_on_demand(cluster: Cluster, namespace: str) -> None:
    """Once the newest CA is old enough that nothing is served from an older one."""
    rotate = ("rotate", f"--namespace={namespace}", f"--secret={SECRET}", f"--configuration={CONFIGURATION}")
    store = Stored.new(datetime.now(UTC) - timedelta(hours=1), Stored.new(datetime.now(UTC) - timedelta(days=9)))
    data = {"tls.crt": store.authority.pem, "tls.key": store.authority.key_pem, "ca.crt": store.bundle.pem}
    encoded = {name: base64.b64encode(content).decode() for name, content in data.items()}
    uid = cluster.get("namespace", namespace)["metadata"]["uid"]
    owners = [{"apiVersion": "v1", "kind": "Namespace", "name": namespace, "uid": uid}]
    metadata = {"name": SECRET, "namespace": namespace, "ownerReferences": owners}
    cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded})

    async def act(replicas: list[Replica]) -> None:
        await until(lambda: len(replicas[0].announced) == 2)
        done = await asyncio.to_thread(certs, cluster, *rotate, "--drop-old")
        assert done.returncode == 0, done.stderr
        assert bundles(cluster) == [store.authority.pem] * 2
        assert stored(cluster, namespace) == store.authority.pem
        await until(lambda: len(replicas[0].announced) == 1 and replicas[0].trusted())
        found = cluster.get("secret", SECRET, f"--namespace={namespace}")
        assert [one["name"] for one in found["metadata"]["ownerReferences"]] == [namespace]

    keeping(cluster, namespace, 1, act)


@pytest.mark.parametrize("flag", ["--secret=other", "--namespace=nowhere"])
def test_a_rotation_of_nothing_is_said(cluster: Cluster, namespace: str, flag: str) -> None:
    done = certs(cluster, "rotate", f"--namespace={namespace}", flag)
    assert (done.returncode, "is not there; accepted: -n NAMESPACE" in done.stderr) == (2, True)
