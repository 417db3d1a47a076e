"""Tls: real handshakes in memory, before and after a change of what is served."""

import os
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs import CertificateAuthority, ServingCertificate
from tests.kube.pki import Authority
from webhook.server.offered import Material
from webhook.server.tls import CIPHERS, Files, Tls

NOW = datetime.now(UTC)
NAME = "localhost"


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority.issue(NOW)


def material(issuer: CertificateAuthority, served: ServingCertificate | None = None, **more: bytes) -> Material:
    found = served or issuer.serving([NAME], NOW)
    return Material(found.pem, found.key_pem, **more)


def serving(ca: CertificateAuthority) -> Tls:
    tls = Tls(ask_clients=False)
    assert tls.offer(material(ca), NOW) == []
    return tls


def connect(tls: Tls, client_context: ssl.SSLContext, name: str | None = NAME) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Client and server after their handshake; whichever complains is raised."""
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(one, other, server_hostname=name)
    server = tls.context.wrap_bio(other, one, server_side=True)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client, server


def client(ca: CertificateAuthority | Authority) -> ssl.SSLContext:
    pem = ca.certificate if isinstance(ca, Authority) else ca.pem
    return ssl.create_default_context(cadata=pem.decode())


def shown(tls: Tls, ca: CertificateAuthority) -> bytes:
    """The certificate that a new handshake sees, DER."""
    return connect(tls, client(ca))[0].getpeercert(binary_form=True) or b""


def der(given: Material) -> bytes:
    served = ServingCertificate.read(given.certificate, given.key)
    assert isinstance(served, ServingCertificate)
    return served.certificate.public_bytes(Encoding.DER)


def test_before_the_first_offer_nobody_is_served(ca: CertificateAuthority) -> None:
    tls = Tls(ask_clients=False)
    assert tls.unready(NOW) == ["no certificate is served yet"]
    assert tls.expires() == 0
    with pytest.raises(ssl.SSLError):
        connect(tls, client(ca))


def test_with_and_without_a_server_name(ca: CertificateAuthority) -> None:
    """An API server that dials an address sends no SNI."""
    tls = serving(ca)
    assert connect(tls, client(ca))[0].version() == "TLSv1.3"
    nameless = client(ca)
    nameless.check_hostname = False
    assert connect(tls, nameless, None)[0].version() == "TLSv1.3"


def test_tls_12_with_aead_and_nothing_older(ca: CertificateAuthority) -> None:
    tls = serving(ca)
    assert tls.context.minimum_version is ssl.TLSVersion.TLSv1_2
    older = client(ca)
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    cipher = connect(tls, older)[0].cipher()
    assert cipher
    assert "GCM" in cipher[0] or "CHACHA20" in cipher[0]
    older.set_ciphers("ECDHE+AES:!AESGCM:!AESCCM")  # CBC
    with pytest.raises(ssl.SSLError):
        connect(tls, older)
    assert "AESGCM" in CIPHERS


@pytest.mark.parametrize("first", ["AES128-GCM-SHA256", "AES256-GCM-SHA384"])
def test_the_cipher_is_the_first_that_the_client_names(ca: CertificateAuthority, first: str) -> None:
    """With TLS 1.2, where a client of this Python can order them; OpenSSL's option is the same for 1.3."""
    context = client(ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"ECDHE-ECDSA-{first}:{CIPHERS}")
    cipher = connect(serving(ca), context)[0].cipher()
    assert cipher
    assert cipher[0] == f"ECDHE-ECDSA-{first}"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_ticket_is_given(ca: CertificateAuthority, version: ssl.TLSVersion) -> None:
    """Go's client would not use it; making one costs every handshake."""
    context = client(ca)
    context.maximum_version = version
    one, server = connect(serving(ca), context)
    server.write(b"x")
    assert one.read(1) == b"x"
    assert one.session is None or not one.session.has_ticket


def test_an_open_connection_outlives_a_change_that_a_new_one_sees(ca: CertificateAuthority) -> None:
    first, second = material(ca), material(ca)
    tls = Tls(ask_clients=False)
    assert tls.offer(first, NOW) == []
    one, server = connect(tls, client(ca))
    assert tls.offer(second, NOW) == []
    assert shown(tls, ca) == der(second) != der(first)
    one.write(b"still here")
    assert server.read(100) == b"still here"
    server.write(b"me too")
    assert one.read(100) == b"me too"
    assert one.getpeercert(binary_form=True) == der(first)


def test_what_cannot_be_served_is_refused_and_the_old_one_stays(ca: CertificateAuthority) -> None:
    good = material(ca)
    tls = Tls(ask_clients=False)
    assert tls.offer(good, NOW) == []
    other = material(ca)
    expired = CertificateAuthority.issue(NOW - timedelta(days=200)).serving([NAME], NOW - timedelta(days=200))
    broken = {
        "the key does not belong": Material(good.certificate, other.key),
        "the certificate is not PEM": Material(b"", other.key),
        "the certificate is not PEM: ": Material(other.certificate[:-50], other.key),
        "the key is not PEM": Material(other.certificate, other.key[:100]),
        "the CA: not a bundle": Material(other.certificate, other.key, ca=b"rubbish"),
        "the certificate expired at": material(ca, expired),
    }
    for start, given in broken.items():
        (sentence,) = tls.offer(given, NOW)
        assert sentence.startswith(start)
        assert shown(tls, ca) == der(good)
        assert tls.unready(NOW) == []


def test_the_first_certificate_is_taken_even_if_it_is_no_good() -> None:
    """Better than no handshake at all; readiness says what is wrong, and anything that works replaces it."""
    old = NOW - timedelta(days=200)
    past = CertificateAuthority.issue(old)
    tls = Tls(ask_clients=False)
    assert tls.offer(material(past, past.serving([NAME], old)), NOW) == []
    assert tls.unready(NOW)[0].startswith("the certificate expired at")
    first, later = tls.expires(), old + timedelta(days=10)
    assert tls.offer(material(past, past.serving([NAME], later)), NOW) == []  # neither is any good
    assert tls.expires() > first
    fresh = CertificateAuthority.issue(NOW)
    assert tls.offer(material(fresh), NOW) == []
    assert tls.unready(NOW) == []


def test_ready_only_while_the_certificate_is_valid_and_the_given_ca_vouches_for_it(ca: CertificateAuthority) -> None:
    served = ca.serving([NAME], NOW)
    tls = Tls(ask_clients=False)
    assert tls.offer(material(ca, served, ca=ca.pem), NOW) == []
    assert tls.unready(NOW) == []
    assert len(tls.unready(NOW + timedelta(days=100))) == 1
    assert len(tls.unready(NOW - timedelta(days=1))) == 2
    assert tls.expires() == served.certificate.not_valid_after_utc.timestamp()
    stranger = CertificateAuthority.issue(NOW)
    assert tls.offer(material(ca, served, ca=stranger.pem), NOW) == []
    assert "no CA that is given" in tls.unready(NOW)[0]
    assert tls.offer(material(ca, served, ca=b""), NOW) == []
    assert "no CA that is given" in tls.unready(NOW)[0]


def client_with(authority: Authority, ca: CertificateAuthority, folder: Path) -> ssl.SSLContext:
    context = client(ca)
    context.load_cert_chain(*authority.issue("kube-apiserver").write(folder, "client"))
    return context


def exchanged(tls: Tls, context: ssl.SSLContext) -> bool:
    try:
        _, server = connect(tls, context)
        return server.getpeercert() is not None
    except ssl.SSLError:
        return False


def test_a_client_must_show_a_certificate_of_the_right_ca(ca: CertificateAuthority, tmp_path: Path) -> None:
    clients, strangers = Authority("clients"), Authority("strangers")
    tls = Tls(ask_clients=True)
    assert tls.offer(material(ca, client_ca=clients.certificate), NOW) == []
    api_server = client_with(clients, ca, tmp_path)
    assert exchanged(tls, api_server)
    assert not exchanged(tls, client(ca))
    assert not exchanged(tls, client_with(strangers, ca, tmp_path))


def test_a_client_ca_that_was_taken_out_is_out(ca: CertificateAuthority, tmp_path: Path) -> None:
    old, new = Authority("old"), Authority("new")
    tls = Tls(ask_clients=True)
    assert tls.offer(material(ca, client_ca=old.certificate + new.certificate), NOW) == []
    stolen = client_with(old, ca, tmp_path)
    assert exchanged(tls, stolen)
    assert tls.offer(material(ca, client_ca=new.certificate), NOW) == []
    assert not exchanged(tls, stolen)
    assert exchanged(tls, client_with(new, ca, tmp_path))


def test_no_client_ca_where_clients_are_asked_is_refused(ca: CertificateAuthority) -> None:
    tls = Tls(ask_clients=True)
    for pem in (b"", b"rubbish"):
        (sentence,) = tls.offer(material(ca, client_ca=pem), NOW)
        assert "OpenSSL refuses it" in sentence


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="memory files are Linux's")
def test_the_key_touches_no_disk(ca: CertificateAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", None)
    assert serving(ca).unready(NOW) == []


def test_where_there_are_no_memory_files_a_temporary_one_does(
    ca: CertificateAuthority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert serving(ca).unready(NOW) == []
    assert list(tmp_path.iterdir()) == []


def test_files_are_seen_to_change_through_the_symlink_of_a_secret_volume(tmp_path: Path) -> None:
    """As the kubelet does it: a new directory, and `..data` swapped onto it in one rename."""

    def write(revision: str, text: bytes) -> None:
        folder = tmp_path / revision
        folder.mkdir()
        for name in ("tls.crt", "tls.key"):
            (folder / name).write_bytes(text)
        (tmp_path / "..new").symlink_to(revision)
        (tmp_path / "..new").rename(tmp_path / "..data")

    write("..1", b"one")
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).symlink_to(Path("..data") / name)
    files = Files(tmp_path / "tls.crt", tmp_path / "tls.key", None, None)
    assert not files.changed()
    assert files.read() == Material(b"one", b"one")
    write("..2", b"two")
    assert files.changed()
    assert files.read() == Material(b"two", b"two")
    assert not files.changed()


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_bytes(b"x")
    files = Files(there, tmp_path / "gone.key", there, there)
    assert files.read() == [f"{tmp_path / 'gone.key'} cannot be read: No such file or directory"]
    (tmp_path / "gone.key").write_bytes(b"y")
    assert files.changed()
    assert files.read() == Material(b"x", b"y", b"x", b"x")
