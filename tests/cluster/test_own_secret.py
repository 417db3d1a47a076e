"""`certificates.mode: secret`: an operator's own certificate, first none that is good, then good ones in turn."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from certs import Bundle, CertificateAuthority, ServingCertificate
from tests.cluster.flow import Flow, told, while_flowing
from tests.cluster.release import Installed, install
from tests.kube.binaries import Unavailable
from tests.kube.node import Node

NAME = "podmeta-own"
SERVICE = f"{NAME}.{NAME}.svc"
NOW = datetime.now(UTC)
CA = CertificateAuthority.issue(NOW)
ASKED = 100


def secret(served: ServingCertificate, authorities: Bundle, key: bytes = b"") -> dict[str, object]:
    data = {"tls.crt": served.pem, "tls.key": key or served.key_pem, "ca.crt": authorities.pem}
    metadata = {"name": "own-tls", "namespace": NAME}
    kind = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata}
    return {**kind, "stringData": {name: content.decode() for name, content in data.items()}}


@pytest.fixture(scope="module")
def own(alone: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Installed with a certificate that expired yesterday."""
    then = NOW - timedelta(days=30)
    old = CertificateAuthority.issue(then)
    alone.namespace(NAME)
    alone.apply(secret(old.serving([SERVICE], then, lifetime=timedelta(days=29)), old.bundle))
    values = {"certificates": {"mode": "secret", "secret": {"name": "own-tls"}}}
    try:
        with install(alone, tmp_path_factory.mktemp("helm"), values, NAME, wait=False) as release:
            yield release
    except Unavailable as reason:
        pytest.skip(f"real node: {reason}")


def unready(own: Installed) -> set[str]:
    """Why each replica is unready, as its /readyz says to whoever asks."""
    found = set()
    for address in own.replicas().values():
        asked = own.node.inside("curl", "--silent", "--max-time", "2", f"http://{address}:8080/readyz")
        found.add(asked.stdout.strip())
    return found


def test_an_expired_certificate_is_no_silent_service(own: Installed) -> None:
    own.node.until(lambda: any("the certificate expired at" in said for said in unready(own)), "the reason", 60)
    assert all("the certificate expired at" in said for said in unready(own))
    slices = own.get("endpointslices", f"--selector=kubernetes.io/service-name={NAME}")["items"]
    assert not [one for part in slices for one in part["endpoints"] if one["conditions"]["ready"]]


@pytest.mark.parametrize(
    ("served", "key", "reason"),
    [
        (CA.serving(["other.svc"], NOW), b"", f"does not cover {SERVICE}"),
        (CertificateAuthority.issue(NOW).serving([SERVICE], NOW), b"", "no CA that is given and still valid issued"),
    ],
    ids=["another-name", "another-ca"],
)
def test_a_certificate_that_the_api_server_would_refuse_is_said(
    own: Installed, served: ServingCertificate, key: bytes, reason: str
) -> None:
    own.node.apply(secret(served, CA.bundle, key))
    own.node.until(lambda: all(reason in said for said in unready(own)), f"replicas that say: {reason}", 60)


def test_a_key_of_another_certificate_is_never_served(own: Installed) -> None:
    own.node.apply(secret(CA.serving([SERVICE], NOW), CA.bundle, CA.serving([SERVICE], NOW).key_pem))
    said = "the key does not belong to the certificate"
    own.node.until(lambda: all(said in own.kubectl("logs", pod) for pod in own.pods()), "the reason in the log", 60)
    assert all(unready(own))


def test_a_good_certificate_is_taken_as_soon_as_it_is_there(own: Installed) -> None:
    own.node.apply(secret(CA.serving([SERVICE], NOW), CA.bundle))
    own.ready()
    assert newest(own) == {CA.certificate}


@contextmanager
def nothing_felt(own: Installed, what: str, space: str) -> Iterator[None]:
    """While this happens, every pod is injected."""
    with Flow(own.node, space) as flow:
        while_flowing([flow], lambda: None, ASKED)
        yield
        while_flowing([flow], lambda: None, flow.asked + ASKED)
    print(told(what, flow))  # noqa: T201 - the figure
    assert flow.injected == flow.asked, flow.failed


def newest(own: Installed) -> set[object]:
    """The CA that stands first in each caBundle."""
    found = [Bundle.parse(base64.b64decode(bundle)) for bundle in own.bundles()]
    return {bundle.certificates[0] for bundle in found if isinstance(bundle, Bundle)}


def shown(own: Installed, served: ServingCertificate) -> bool:
    """Whether every replica serves this one."""
    places = [f"--connect={address}:10250" for address in own.replicas().values()]
    seen = own.node.inside("python", "-m", "webhook", "certs", "inspect", *places, "--output=json").stdout
    serials = {one["certificates"][0]["serial"] for one in json.loads(seen) if one["certificates"]}
    return serials == {f"{served.certificate.serial_number:x}"}


def test_a_new_leaf_and_then_a_new_ca(own: Installed, space: str) -> None:
    """The leaf first; then all three files at once, of a CA that the API server has never heard of."""
    leaf = CA.serving([SERVICE], NOW)
    with nothing_felt(own, "the leaf rotated", space):
        own.node.apply(secret(leaf, CA.bundle))
        own.node.until(lambda: shown(own, leaf), "the new leaf", 60)
    following = CertificateAuthority.issue(NOW)
    last = following.serving([SERVICE], NOW)
    with nothing_felt(own, "the CA rotated", space):
        own.node.apply(secret(last, following.bundle))
        own.node.until(lambda: shown(own, last), "the leaf of the new CA", 90)
    assert newest(own) == {following.certificate}
