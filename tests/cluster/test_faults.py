"""What a cluster feels while something of podmeta is broken: nothing. With `Fail` no pod is refused, with `Ignore` none
is passed over.

Two releases stand side by side, one with each failurePolicy, and every fault is done to both. Their certificates are
good for two minutes, so that each replica renews its own again and again meanwhile.
"""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from certs import Bundle, CertificateAuthority
from certs.rotation import Stored
from tests.cluster.flow import Flow, told, while_flowing
from tests.cluster.release import Installed, install
from tests.kube.binaries import Unavailable
from tests.kube.configs import PODS
from tests.kube.node import Node

pytestmark = pytest.mark.xdist_group("node")

ASKED = 100  # of each release, at least
POLICIES = {"Fail": "podmeta-strict", "Ignore": "podmeta-lenient"}


@pytest.fixture(scope="module")
def releases(alone: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Installed]]:
    """One release a failurePolicy, each with a namespace that the other leaves alone."""
    spaces = {policy: alone.namespace(f"flow-{policy.lower()}") for policy in POLICIES}
    with ExitStack() as stack:
        found = []
        for policy, name in POLICIES.items():
            others = [space for other, space in spaces.items() if other != policy]
            values = {
                "webhook": {"failurePolicy": policy, "excludedNamespaces": [*others, *POLICIES.values()]},
                "certificates": {"selfManaged": {"duration": "2m"}},
            }
            try:
                found.append(stack.enter_context(install(alone, tmp_path_factory.mktemp("helm"), values, name)))
            except Unavailable as reason:
                pytest.skip(f"real node: {reason}")
        yield found


@contextmanager
def flowing(releases: list[Installed]) -> Iterator[list[Flow]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(Flow(release.node, f"flow-{policy.lower()}"))
            for release, policy in zip(releases, POLICIES, strict=True)
        ]


def survive(what: str, releases: list[Installed], act: Callable[[Installed], None]) -> list[Flow]:
    """Both releases get the fault at the same time as pods are asked for; the figures are printed."""

    def on_both() -> None:
        for release in releases:
            act(release)
        for release in releases:
            release.ready()

    with flowing(releases) as flows:
        while_flowing(flows, on_both, ASKED)
    for flow in flows:
        print(told(what, flow))  # noqa: T201 - the figure
    return flows


def felt(flows: list[Flow]) -> list[str | int]:
    """What was refused, and how many were passed over: all that there is to feel."""
    return [found for flow in flows for found in (*flow.failed, flow.uninjected) if found]


def lose_a_replica(release: Installed) -> None:
    release.kubectl("delete", "pod", release.pods()[0], "--wait=true")


def restart_all(release: Installed) -> None:
    release.kubectl("rollout", "restart", f"deployment/{release.name}")


def lose_the_secret(release: Installed) -> None:
    before = release.ca()
    release.kubectl("delete", "secret", f"{release.name}-ca")
    there = ("get", "secret", f"{release.name}-ca", "--ignore-not-found", "--output=name")
    release.node.until(lambda: bool(release.kubectl(*there)), "the Secret")
    assert release.ca() == before


@pytest.mark.parametrize("fault", [lose_a_replica, restart_all, lose_the_secret])
def test_nothing_is_felt_of(releases: list[Installed], fault: Callable[[Installed], None]) -> None:
    flows = survive(fault.__name__, releases, fault)
    assert not felt(flows)
    assert all(flow.injected == flow.asked >= ASKED for flow in flows)


@pytest.mark.parametrize("broken", ["cleared", "strange"])
def test_a_broken_ca_bundle_is_healed_at_once(releases: list[Installed], broken: str) -> None:
    """Until a replica has seen it the API server believes nobody: a moment, which is counted, and ends by itself."""
    stranger = CertificateAuthority.issue(datetime.now(UTC)).bundle.ca_bundle

    def overwrite(release: Installed) -> None:
        before = release.bundles()
        value = "" if broken == "cleared" else stranger
        patch = [{"op": "replace", "path": f"/webhooks/{i}/clientConfig/caBundle", "value": value} for i in (0, 1)]
        arguments = (
            "patch",
            "mutatingwebhookconfiguration",
            release.name,
            "--type=json",
            f"--patch={json.dumps(patch)}",
        )
        release.node.kubectl(*arguments)
        release.node.until(lambda: release.bundles() == before, "the caBundle", 10)

    flows = survive(f"caBundle {broken}", releases, overwrite)
    assert all(flow.asked >= ASKED for flow in flows)
    assert all(flow.asked - flow.injected <= 5 for flow in flows), felt(flows)


def serving_from(release: Installed, authority: bytes) -> bool:
    """Whether every replica shows the API server a certificate of this CA: seen by a handshake on the node."""
    newest = release.node.directory / "newest.crt"
    newest.write_bytes(authority)
    inspect = ("-m", "webhook", "certs", "inspect", f"--ca={newest}", f"--name={release.name}.{release.name}.svc")
    places = [f"--connect={address}:10250" for address in release.replicas().values()]
    return release.node.inside("python", *inspect, *places).returncode == 0


def test_nothing_is_felt_of_a_ca_that_grew_old(releases: list[Installed]) -> None:
    """The clock that counts is the CA's: one that was issued 250 days ago takes the place of today's.

    A new CA follows at once, with the old ones beside it; a minute later every replica serves from the newest.
    """
    planted: dict[str, bytes] = {}

    def grow_old(release: Installed) -> None:
        now = Bundle.parse(release.ca()["ca.crt"])
        assert isinstance(now, Bundle)
        old = CertificateAuthority.issue(datetime.now(UTC) - timedelta(days=250))
        stored = Stored(old, old.bundle.merge(now))
        parts = {"tls.crt": old.pem, "tls.key": old.key_pem, "ca.crt": stored.bundle.pem}
        data = {name: base64.b64encode(content).decode() for name, content in parts.items()}
        release.kubectl("patch", "secret", f"{release.name}-ca", f"--patch={json.dumps({'data': data})}")
        planted[release.name] = old.pem

    def renewed(release: Installed) -> bool:
        return all('"two-thirds-of-life"' in release.kubectl("logs", pod) for pod in release.pods())

    def on_both() -> None:
        for release in releases:
            release.node.until(lambda release=release: renewed(release), "certificates renewed by their age", 100)
            grow_old(release)
        for release in releases:
            release.node.until(
                lambda release=release: release.ca()["tls.crt"] not in (planted[release.name], b""), "a new CA", 30
            )
        for release in releases:
            newest = release.ca()["tls.crt"]
            release.node.until(lambda release=release, newest=newest: serving_from(release, newest), "the new CA", 120)

    with flowing(releases) as flows:
        while_flowing(flows, on_both, ASKED)
    for flow in flows:
        print(told("the CA grew old", flow))  # noqa: T201 - the figure
    assert not felt(flows)


def test_nothing_is_felt_of_a_keeper_that_reaches_no_api_server(releases: list[Installed]) -> None:
    """Admission needs the webhook; the webhook does not need the API server. What broke meanwhile is healed after."""
    node = releases[0].node
    port = urlsplit(node.url).port
    from_pods = ("-s", PODS, "-p", "tcp", "--dport", str(port))
    rule = ("INPUT", *from_pods, "-j", "REJECT", "--reject-with", "tcp-reset")

    def cut(release: Installed) -> None:
        if release is releases[0]:
            assert node.inside("iptables", "-I", *rule).returncode == 0
            # What is open is cut as well; where the kernel cannot do that, keepers notice at their next look.
            node.inside("ss", "--kill", "--tcp", "state", "established", "sport", "=", f":{port}", "dst", PODS)
        since = "--since=60s"
        refused = lambda: any("api-server-refused" in release.kubectl("logs", pod, since) for pod in release.pods())  # noqa: E731
        node.until(refused, "a keeper that says that it is cut off", 100)

    try:
        flows = survive("the API server out of reach", releases, cut)
    finally:
        node.inside("iptables", "-D", *rule)
    assert not felt(flows)
    for release in releases:
        release.kubectl("delete", "secret", f"{release.name}-ca")
        there = ("get", "secret", f"{release.name}-ca", "--ignore-not-found", "--output=name")
        node.until(lambda release=release, there=there: bool(release.kubectl(*there)), "the Secret", 60)


def test_a_cluster_that_was_switched_off_comes_back(releases: list[Installed]) -> None:
    """`failurePolicy: Fail`, and nobody helps: no pod that the cluster needs to start waits for the webhook."""
    node = releases[0].node
    node.stop()
    node.start()
    with flowing(releases) as flows:  # what is said to be ready may still be what was ready before
        node.until(lambda: all(flow.streak >= ASKED for flow in flows), "nothing but injected pods", 90)
