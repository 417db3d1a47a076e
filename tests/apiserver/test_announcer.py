"""The announcer against a real API server: somebody else's CA in the caBundle, as its file has it."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lightkube import AsyncClient, KubeConfig

from certs import Bundle, CertificateAuthority
from tests.apiserver.conftest import pod_webhook
from tests.kube.cluster import Cluster
from webhook.cluster.announcer import KEEP, Announcer
from webhook.cluster.store import Places, Store

NAME = "podmeta-announcer"
NOW = datetime.now(UTC)
FIRST, SECOND, STRANGER = (CertificateAuthority.issue(NOW) for _ in range(3))
Ahead = list[timedelta]


@pytest.fixture
def configuration(cluster: Cluster) -> Iterator[str]:
    """A webhook configuration without a caBundle."""
    webhook = pod_webhook("pod.announcer.podmeta", {"service": {"name": NAME, "namespace": "default"}}, "Ignore")
    webhook["namespaceSelector"] = {"matchLabels": {"podmeta-test/announcer": "never"}}
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration"}
    cluster.apply({**kind, "metadata": {"name": NAME}, "webhooks": [webhook]})
    yield NAME
    cluster.kubectl("delete", "mutatingwebhookconfiguration", NAME)


def announcing(cluster: Cluster, file: Path, act: Callable[[Ahead], Awaitable[None]]) -> list[str]:
    """What two replicas say while something is done."""
    ahead, said = [timedelta()], list[str]()

    async def run() -> None:
        clients = [AsyncClient(KubeConfig.from_file(str(cluster.kubeconfig))) for _ in range(2)]
        tasks = [
            asyncio.create_task(
                Announcer(
                    Store(client, Places("", "", NAME)),
                    file,
                    lambda: datetime.now(UTC) + ahead[0],
                    lambda what, _: said.append(what),
                ).run()
            )
            for client in clients
        ]
        try:
            await act(ahead)
            assert not [task for task in tasks if task.done()]
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            for client in clients:
                await client.close()

    asyncio.run(run())
    return said


def announced(cluster: Cluster) -> Bundle:
    (webhook,) = cluster.get("mutatingwebhookconfiguration", NAME)["webhooks"]
    found = Bundle.parse(base64.b64decode(webhook["clientConfig"].get("caBundle", "")))
    assert isinstance(found, Bundle)
    return found


async def until(true: Callable[[], bool]) -> None:
    for _ in range(100):
        if await asyncio.to_thread(true):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come to that")


def overwrite(cluster: Cluster, value: str) -> None:
    patch = [{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": value}]
    cluster.kubectl("patch", "mutatingwebhookconfiguration", NAME, "--type=json", f"--patch={json.dumps(patch)}")


def test_the_file_is_announced_and_the_bundle_healed(cluster: Cluster, configuration: str, tmp_path: Path) -> None:
    assert configuration
    file = tmp_path / "ca.crt"
    file.write_bytes(FIRST.pem)

    async def act(_: Ahead) -> None:
        await until(lambda: announced(cluster) == FIRST.bundle)
        overwrite(cluster, "")
        await until(lambda: announced(cluster) == FIRST.bundle)

    announcing(cluster, file, act)


def test_a_file_that_changes_is_announced_at_once_and_the_old_ca_stays_for_a_while(
    cluster: Cluster, configuration: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the replicas that have not seen it change yet; and then it goes, and so does whatever else stood there."""
    assert configuration
    monkeypatch.setattr("webhook.cluster.announcer.LOOK", 0.5)
    file = tmp_path / "ca.crt"
    file.write_bytes(FIRST.pem)

    async def act(ahead: Ahead) -> None:
        await until(lambda: announced(cluster) == FIRST.bundle)
        file.write_bytes(SECOND.pem)
        await until(lambda: announced(cluster) == SECOND.bundle.merge(FIRST.bundle))
        ahead[0] = KEEP
        await until(lambda: announced(cluster) == SECOND.bundle)
        overwrite(cluster, STRANGER.bundle.ca_bundle)
        await until(lambda: announced(cluster) == SECOND.bundle)

    announcing(cluster, file, act)


@pytest.mark.parametrize("content", [b"", b"garbage", None], ids=["empty", "garbage", "gone"])
def test_a_file_that_cannot_be_read_changes_nothing(
    cluster: Cluster, configuration: str, tmp_path: Path, content: bytes | None
) -> None:
    assert configuration
    file = tmp_path / "ca.crt"
    file.write_bytes(FIRST.pem)

    async def act(_: Ahead) -> None:
        await until(lambda: announced(cluster) == FIRST.bundle)
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        await asyncio.sleep(3)
        assert announced(cluster) == FIRST.bundle

    assert "ca-file-unreadable" in announcing(cluster, file, act)
