"""certs/: what it issues is accepted by OpenSSL in a real handshake, and what it judges is judged by table."""

import base64
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs import Bundle, Cause, CertificateAuthority, ServingCertificate, Unreadable, inspect, problems, renewal
from certs.authority import BACKDATED, Lifetimes, new_key

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NAMES = ("podmeta.system.svc", "127.0.0.1")
T = TypeVar("T", bound=x509.ExtensionType)


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority.issue(NOW)


@pytest.fixture(scope="module")
def served(ca: CertificateAuthority) -> ServingCertificate:
    return ca.serving(NAMES, NOW)


def extension(certificate: x509.Certificate, kind: type[T]) -> x509.Extension[T]:
    return certificate.extensions.get_extension_for_class(kind)


def shake_hands(served: ServingCertificate, trusted: bytes, name: str, folder: Path) -> str | None:
    """A TLS handshake in memory; the cipher, or the client's complaint is raised."""
    file = folder / "pair.pem"
    file.write_bytes(served.pem + served.key_pem)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(file)
    client_context = ssl.create_default_context(cadata=trusted.decode())
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(one, other, server_hostname=name)
    server = server_context.wrap_bio(other, one, server_side=True)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    found = client.cipher()
    return found[0] if found else None


def test_a_client_that_trusts_the_ca_shakes_hands(tmp_path: Path) -> None:
    """By DNS name and by IP address, with the clock of this machine."""
    now = datetime.now(UTC)
    ca = CertificateAuthority.issue(now)
    served = ca.serving(NAMES, now)
    for name in NAMES:
        assert shake_hands(served, ca.pem, name, tmp_path)


def test_a_client_refuses_another_name_another_ca_and_an_expired_one(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ca, stranger = CertificateAuthority.issue(now), CertificateAuthority.issue(now)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(ca.serving(NAMES, now), ca.pem, "elsewhere.svc", tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        shake_hands(ca.serving(NAMES, now), stranger.pem, NAMES[0], tmp_path)
    lasting = CertificateAuthority.issue(now - 2 * Lifetimes.serving)
    expired = lasting.serving(NAMES, now - 2 * Lifetimes.serving)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(expired, lasting.pem, NAMES[0], tmp_path)


def test_old_and_new_ca_together_accept_both(tmp_path: Path) -> None:
    """While replicas roll, the caBundle holds both."""
    now = datetime.now(UTC)
    old, new = CertificateAuthority.issue(now), CertificateAuthority.issue(now)
    both = old.bundle.merge(new.bundle).pem
    for ca in (old, new):
        assert shake_hands(ca.serving(NAMES, now), both, NAMES[0], tmp_path)


def test_the_ca_can_issue_leaves_and_nothing_else(ca: CertificateAuthority) -> None:
    constraints = extension(ca.certificate, x509.BasicConstraints)
    usage = extension(ca.certificate, x509.KeyUsage)
    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)
    assert (usage.critical, usage.value.key_cert_sign, usage.value.digital_signature) == (True, True, False)
    own = extension(ca.certificate, x509.SubjectKeyIdentifier).value.digest
    assert extension(ca.certificate, x509.AuthorityKeyIdentifier).value.key_identifier == own
    assert isinstance(ca.certificate.signature_hash_algorithm, hashes.SHA256)
    assert isinstance(ca.key.curve, ec.SECP256R1)
    assert ca.certificate.not_valid_before_utc == NOW - BACKDATED


def test_the_leaf_can_serve_and_nothing_else(ca: CertificateAuthority, served: ServingCertificate) -> None:
    certificate = served.certificate
    assert extension(certificate, x509.BasicConstraints).value.ca is False
    assert list(extension(certificate, x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert extension(certificate, x509.KeyUsage).value.digital_signature
    issuer = extension(ca.certificate, x509.SubjectKeyIdentifier).value.digest
    assert extension(certificate, x509.AuthorityKeyIdentifier).value.key_identifier == issuer
    facts = inspect(certificate)
    assert facts.names == NAMES
    assert (facts.not_before, facts.not_after) == (NOW - BACKDATED, NOW + Lifetimes.serving)
    assert (facts.subject, facts.issuer, facts.authority) == ("CN=podmeta", "CN=podmeta CA", False)
    assert inspect(ca.certificate).authority
    assert facts.fingerprint == certificate.fingerprint(hashes.SHA256()).hex()


def test_a_leaf_never_outlives_its_ca(ca: CertificateAuthority) -> None:
    late = ca.certificate.not_valid_after_utc - DAY
    assert ca.serving(NAMES, late).certificate.not_valid_after_utc == ca.certificate.not_valid_after_utc


def test_key_and_serial_can_be_given(ca: CertificateAuthority) -> None:
    key = new_key()
    given = ca.serving(NAMES, NOW, key=key, serial=7)
    assert (given.key, given.certificate.serial_number) == (key, 7)
    assert CertificateAuthority.issue(NOW, key=key, serial=8).certificate.serial_number == 8
    assert ca.serving(NAMES, NOW).certificate.serial_number != ca.serving(NAMES, NOW).certificate.serial_number


def test_what_is_written_can_be_read(ca: CertificateAuthority, served: ServingCertificate) -> None:
    again = ServingCertificate.read(served.pem, served.key_pem)
    assert isinstance(again, ServingCertificate)
    assert (again.chain, again.key_pem) == (served.chain, served.key_pem)
    ca_again = CertificateAuthority.read(ca.pem, ca.key_pem)
    assert isinstance(ca_again, CertificateAuthority)
    assert (ca_again.certificate, ca_again.key_pem) == (ca.certificate, ca.key_pem)


def test_no_key_is_in_a_representation(ca: CertificateAuthority, served: ServingCertificate) -> None:
    assert repr(served) == "ServingCertificate(CN=podmeta)"
    assert repr(ca) == "CertificateAuthority(CN=podmeta CA)"


def exchange_key_pem() -> bytes:
    return x25519.X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_unusable_pairs_are_a_sentence(ca: CertificateAuthority, served: ServingCertificate) -> None:
    other = ca.serving(NAMES, NOW)
    cases = {
        "the certificate is not PEM": (b"rubbish", served.key_pem),
        "the certificate is not PEM: ": (served.pem[:-40], served.key_pem),
        "the key is not PEM": (served.pem, b"rubbish"),
        "the key does not belong": (served.pem, other.key_pem),
        "the key is X25519PrivateKey": (served.pem, exchange_key_pem()),
    }
    for start, pair in cases.items():
        found = ServingCertificate.read(*pair)
        assert isinstance(found, Unreadable)
        assert found.problem.startswith(start)
        assert "accepted: " in found.problem


def test_a_ca_is_only_read_as_one_if_it_is_one(ca: CertificateAuthority, served: ServingCertificate) -> None:
    found = CertificateAuthority.read(served.pem, served.key_pem)
    assert isinstance(found, Unreadable)
    assert "no CA" in found.problem
    assert isinstance(CertificateAuthority.read(ca.pem, served.key_pem), Unreadable)
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rsa")])
    old = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    old = old.not_valid_before(NOW).not_valid_after(NOW + DAY)
    old = old.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    found = CertificateAuthority.read(old.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM), pem)
    assert isinstance(found, Unreadable)
    assert "not ECDSA" in found.problem


def test_bundles(ca: CertificateAuthority) -> None:
    """Merged without duplicates, in order; the expired go, one that is to come stays."""
    old = CertificateAuthority.issue(NOW - 400 * DAY)
    coming = CertificateAuthority.issue(NOW + 30 * DAY)
    bundle = old.bundle.merge(ca.bundle).merge(coming.bundle).merge(ca.bundle)
    assert bundle.certificates == (old.certificate, ca.certificate, coming.certificate)
    assert bundle.without_expired(NOW).certificates == (ca.certificate, coming.certificate)
    assert Bundle.parse(b"# a comment\n" + bundle.pem) == bundle
    assert Bundle.parse(b" \n") == Bundle()
    assert isinstance(Bundle.parse(b"rubbish"), Unreadable)
    assert base64.b64decode(bundle.ca_bundle) == bundle.pem
    assert ca.certificate in bundle
    assert len(bundle) == 3


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("podmeta.system.svc", True),
        ("PODMETA.system.svc.", True),
        ("a.wild.svc", True),
        ("a.b.wild.svc", False),
        ("wild.svc", False),
        ("127.0.0.1", True),
        ("::1", True),
        ("0:0:0:0:0:0:0:1", True),
        ("10.0.0.1", False),
        ("podmeta", False),
    ],
)
def test_names_are_compared_as_a_client_does(ca: CertificateAuthority, name: str, covered: bool) -> None:
    served = ca.serving((*NAMES, "*.wild.svc", "::1"), NOW)
    found = problems(served, NOW, expected=[name])
    assert (found == []) is covered
    assert covered or f"does not cover {name}; it covers podmeta.system.svc, " in found[0]


def test_problems_are_all_said(ca: CertificateAuthority, served: ServingCertificate) -> None:
    stranger = CertificateAuthority.issue(NOW).bundle
    assert problems(served, NOW, authorities=ca.bundle, expected=NAMES) == []
    assert problems(served, NOW) == []
    found = problems(served, NOW + 100 * DAY, authorities=stranger, expected=["other"])
    assert [sentence.partition(" at ")[0] for sentence in found] == [
        "the certificate expired",
        "the certificate does not cover other; it covers podmeta.system.svc, 127.0.0.1",
        "no CA that is given and still valid issued the certificate; its issuer is CN=podmeta CA",
    ]
    assert problems(served, NOW - DAY) == ["the certificate is not valid before 2025-12-31T23:00:00Z"]


def test_a_ca_vouches_only_while_it_is_valid(ca: CertificateAuthority, served: ServingCertificate) -> None:
    assert problems(served, NOW, authorities=Bundle())
    assert len(problems(served, NOW - 2 * DAY, authorities=ca.bundle)) == 2
    assert problems(served, NOW, authorities=Bundle.of(served.certificate)) == []  # trusted itself


def test_a_certificate_for_clients_without_names_is_none_for_servers() -> None:
    key = new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "podmeta.system.svc")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + DAY)
    client = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    found = problems(ServingCertificate((client.sign(key, hashes.SHA256()),), key), NOW)
    assert len(found) == 2
    assert "serverAuth" in found[0]
    assert "subjectAltName" in found[1]
    anything = builder.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), critical=False
    )
    assert len(problems(ServingCertificate((anything.sign(key, hashes.SHA256()),), key), NOW)) == 1


def test_a_chain_through_an_intermediate_is_followed(ca: CertificateAuthority) -> None:
    """The root is in the bundle, the intermediate beside the leaf, in any order and with a stranger among them."""
    key = new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "between")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(ca.certificate.subject)
    builder = builder.public_key(key.public_key()).serial_number(2).not_valid_before(NOW).not_valid_after(NOW + DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    between = CertificateAuthority(builder.sign(ca.key, hashes.SHA256()), key)
    leaf = between.serving(NAMES, NOW)
    stranger = CertificateAuthority.issue(NOW).certificate
    whole = ServingCertificate((leaf.certificate, stranger, between.certificate), leaf.key)
    assert problems(whole, NOW, authorities=ca.bundle) == []
    assert len(problems(leaf, NOW, authorities=ca.bundle)) == 1


def test_when_to_renew(ca: CertificateAuthority, served: ServingCertificate) -> None:
    """Each cause by itself, and the edge of two thirds to the second."""
    certificate = served.certificate
    assert certificate.not_valid_after_utc == NOW + Lifetimes.serving
    due = NOW + Lifetimes.serving * 2 / 3
    second = timedelta(seconds=1)
    assert renewal(None, ca.bundle, NAMES, NOW) is Cause.ABSENT
    assert renewal(served, ca.bundle, NAMES, NOW) is None
    assert renewal(served, ca.bundle, NAMES, due - second) is None
    assert renewal(served, ca.bundle, NAMES, due) is Cause.AGE
    assert renewal(served, ca.bundle, NAMES, NOW - DAY) is Cause.CLOCK
    assert renewal(served, ca.bundle, [*NAMES, "new.svc"], NOW) is Cause.NAMES
    assert renewal(served, CertificateAuthority.issue(NOW).bundle, NAMES, NOW) is Cause.ISSUER
    assert renewal(served, ca.bundle.merge(CertificateAuthority.issue(NOW).bundle), NAMES, NOW) is None
