"""What is offered: OpenSSL says yes where all is well, and never where `certs` has something to say."""

import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs import Bundle, ServingCertificate, problems
from webhook.server import offered as module
from webhook.server.offered import Material, Offered, Proof, prove, refused
from webhook.server.tls import Tls, holding

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NAME = "podmeta.shop.svc"
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
GATED = x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.3")  # Server Gated Crypto, which OpenSSL still takes for serverAuth
ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey
Usages = Sequence[x509.ObjectIdentifier]


def p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


class Issued:
    """A certificate and its key."""

    def __init__(
        self,
        name: str,
        issuer: "Issued | None" = None,
        *,
        names: Sequence[str] = (),
        usages: Usages = (SERVER,),
        key: Key | None = None,
        days: tuple[int, int] = (-10, 10),
        authority: bool = False,
    ) -> None:
        self.key = key or p256()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder(
            (issuer or self).name, self.name, self.key.public_key(), x509.random_serial_number(), *_span(days)
        ).add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if usages and not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_san(one) for one in names]), critical=False)
        signer = (issuer or self).key
        assert not isinstance(signer, ed25519.Ed25519PrivateKey)
        self.pem = builder.sign(signer, SHA256()).public_bytes(Encoding.PEM)
        self.key_pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _span(days: tuple[int, int]) -> tuple[datetime, datetime]:
    return NOW + days[0] * DAY, NOW + days[1] * DAY


def _san(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


CA_KEY = p256()
CA = Issued("ca", authority=True, days=(-20, 20))
AGAIN = Issued("two", authority=True, key=CA_KEY, days=(-20, 20))  # one CA issued twice: over, and good
OVER = Issued("two", authority=True, key=CA_KEY, days=(-30, -1))
LATER = Issued("later", authority=True, days=(5, 30))
STRANGER = Issued("stranger", authority=True)
BETWEEN = Issued("between", CA, authority=True)
RSA_KEY = rsa.generate_private_key(65537, 2048)

LEAVES = {
    "good": Issued("x", CA, names=[NAME]),
    "no names": Issued(NAME, CA),
    "another name": Issued("x", CA, names=["other.shop.svc"]),
    "a wildcard": Issued("x", CA, names=["*.shop.svc"]),
    "a wildcard too high": Issued("x", CA, names=["*.svc"]),
    "capital letters": Issued("x", CA, names=["PODMETA.shop.SVC"]),
    "an address": Issued("x", CA, names=["127.0.0.1", NAME]),
    "an address alone": Issued(NAME, CA, names=["127.0.0.1"]),
    "for clients": Issued("x", CA, names=[NAME], usages=[CLIENT]),
    "for anything": Issued("x", CA, names=[NAME], usages=[ANY]),
    "for gated servers": Issued("x", CA, names=[NAME], usages=[GATED]),
    "for whatever": Issued("x", CA, names=[NAME], usages=[]),
    "over": Issued("x", CA, names=[NAME], days=(-10, -1)),
    "too early": Issued("x", CA, names=[NAME], days=(1, 10)),
    "longer than its CA": Issued("x", CA, names=[NAME], days=(-30, 40)),
    "a stranger's": Issued("x", STRANGER, names=[NAME]),
    "of a CA that was renewed": Issued("x", AGAIN, names=[NAME]),
    "of a CA of later": Issued("x", LATER, names=[NAME]),
    "its own issuer": Issued(NAME, names=[NAME]),
    "P-384": Issued("x", CA, names=[NAME], key=ec.generate_private_key(ec.SECP384R1())),
    "RSA": Issued("x", CA, names=[NAME], key=RSA_KEY),
    "Ed25519": Issued("x", CA, names=[NAME], key=ed25519.Ed25519PrivateKey.generate()),
}
CHAINS = {name: leaf.pem for name, leaf in LEAVES.items()}
KEYS = {name: leaf.key_pem for name, leaf in LEAVES.items()}
_BELOW = Issued("x", BETWEEN, names=[NAME])
for _name, _chain in (("with its intermediate", _BELOW.pem + BETWEEN.pem), ("without it", _BELOW.pem)):
    CHAINS[_name], KEYS[_name] = _chain, _BELOW.key_pem
CHAINS["with text around"] = b"a text\n" + CHAINS["good"] + b"\nanother\n"
KEYS["with text around"] = b"text\n" + KEYS["good"] + b"text\n"

AUTHORITIES = {
    "none given": None,
    "empty": b"",
    "the CA": CA.pem,
    "the CA in Windows' lines": CA.pem.replace(b"\n", b"\r\n"),
    "the CA with a comment": b"# ours\n" + CA.pem + b"# that was it\n",
    "the CA twice": CA.pem * 2,
    "a stranger": STRANGER.pem,
    "the CA and a stranger": CA.pem + STRANGER.pem,
    "the CA and one that is over": OVER.pem + CA.pem,
    "one that is over": OVER.pem,
    "over, and good": OVER.pem + AGAIN.pem,
    "one of later": LATER.pem,
    "the intermediate": BETWEEN.pem,
    "the certificate itself": CHAINS["its own issuer"] + CHAINS["good"],
}
NAMES: tuple[tuple[str, ...], ...] = ((), (NAME,), (NAME, "other.shop.svc"), ("127.0.0.1",), (f"{NAME}.",), ("x", "-"))
TIMES = (
    NOW,
    *(NOW + days * DAY + second * timedelta(seconds=1) for days in (-20, -10, 10, 20) for second in (-1, 0, 1)),
)


@pytest.mark.parametrize("chain", CHAINS)
def test_where_openssl_says_yes_certs_has_nothing_to_say(chain: str) -> None:
    """Every certificate with every CA under every name at every time for which it is proved."""
    served = ServingCertificate.read(CHAINS[chain], KEYS[chain])
    assert isinstance(served, ServingCertificate)
    server = holding(Material(CHAINS[chain], KEYS[chain]), ask_clients=False)
    for (ca, pem), names in product(AUTHORITIES.items(), NAMES):
        found = prove(server, Material(CHAINS[chain], KEYS[chain], ca=pem), names)
        bundle = None if pem is None else Bundle.parse(pem)
        assert bundle is None or isinstance(bundle, Bundle)
        for now in TIMES if found else ():
            if found.start <= now.timestamp() <= found.end:
                assert problems(served, now, authorities=bundle, expected=names) == [], (ca, names, now)
                assert problems(served, now) == [], (ca, names, now)


@pytest.mark.parametrize("chain", ["good", "over", "too early", "another name", "for clients", "for anything"])
@pytest.mark.parametrize("ca", ["none given", "the CA", "over, and good", "a stranger"])
def test_whatever_it_says_the_judgement_is_that_of_certs(chain: str, ca: str) -> None:
    """Before, within and after the time for which it is proved."""
    served, pem = ServingCertificate.read(CHAINS[chain], KEYS[chain]), AUTHORITIES[ca]
    assert isinstance(served, ServingCertificate)
    bundle = None if pem is None else Bundle.parse(pem)
    assert bundle is None or isinstance(bundle, Bundle)
    material = Material(CHAINS[chain], KEYS[chain], ca=pem)
    found = Offered(material, holding(material, ask_clients=False), (NAME,))
    assert found.expires == served.certificate.not_valid_after_utc.timestamp()
    for now in TIMES:
        assert found.refused(now) == []
        assert found.unready(now) == problems(served, now, authorities=bundle, expected=(NAME,))
        assert found.problems(now) == problems(served, now)


def proof(chain: str = "good", ca: str = "the CA", names: Sequence[str] = (NAME,)) -> Proof | None:
    material = Material(CHAINS[chain], KEYS[chain], ca=AUTHORITIES[ca])
    return prove(holding(material, ask_clients=False), material, names)


def test_what_is_good_is_proved_while_it_and_its_ca_are_good() -> None:
    start, end = ((NOW + days * DAY).timestamp() for days in (-10, 10))
    assert proof() == Proof(start, end, end)
    assert proof("longer than its CA") == Proof(
        (NOW - 20 * DAY).timestamp(), (NOW + 20 * DAY).timestamp(), (NOW + 40 * DAY).timestamp()
    )
    assert proof("over") == Proof(
        start, (NOW - DAY).timestamp(), (NOW - DAY).timestamp()
    )  # the clock has no part in it
    assert proof("with its intermediate") == proof("an address", names=(NAME, "127.0.0.1")) == proof()
    for chain in ("a wildcard", "capital letters", "for whatever", "P-384", "RSA", "Ed25519", "with text around"):
        assert proof(chain) == proof()
    for ca in ("none given", "the CA in Windows' lines", "the CA with a comment", "the CA and a stranger"):
        assert proof(ca=ca) == proof()
    assert proof(names=()) == proof()


@pytest.mark.parametrize(
    "chain",
    [
        "no names",
        "another name",
        "an address alone",
        "a wildcard too high",
        "for clients",
        "a stranger's",
        "without it",
    ],
)
def test_what_no_client_would_take_is_not_proved(chain: str) -> None:
    assert proof(chain) is None


@pytest.mark.parametrize("ca", ["empty", "a stranger", "one that is over", "the CA twice"])
def test_nor_what_no_ca_or_nobody_knows_which_ca_vouches_for(ca: str) -> None:
    assert proof(ca=ca) is None


GOOD = Material(CHAINS["good"], KEYS["good"], ca=CA.pem)
LOCKED = LEAVES["good"].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
OLD = dsa.generate_private_key(2048)
OLD_PEM = OLD.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("material", "starts"),
    [
        pytest.param(GOOD._replace(key=LOCKED), "the key is not PEM without a password", id="a password"),
        pytest.param(GOOD._replace(key=KEYS["RSA"]), "the key does not belong", id="another key"),
        pytest.param(GOOD._replace(key=b""), "the key is not PEM", id="no key"),
        pytest.param(GOOD._replace(certificate=GOOD.certificate[:-40]), "the certificate is not PEM", id="cut"),
        pytest.param(GOOD._replace(certificate=b"\xff"), "the certificate is not PEM", id="no text"),
        pytest.param(
            Material(Issued("x", CA, names=[NAME], key=OLD).pem, OLD_PEM),
            "the key is DSAPrivateKey",
            id="a key of the nineties",
        ),
        pytest.param(GOOD._replace(ca=b"rubbish"), "the CA: not a bundle", id="no CA"),
        pytest.param(GOOD._replace(ca=b"\xff"), "the CA: not a bundle", id="a CA that is no text"),
    ],
)
def test_what_cannot_be_read_is_said_as_certs_says_it(
    material: Material, starts: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """And nobody is asked for a password."""
    tls = Tls(ask_clients=False, names=(NAME,))
    (sentence,) = tls.offer(material, NOW)
    assert sentence.startswith(starts)
    assert [sentence] == refused(material)
    assert capfd.readouterr() == ("", "")
    assert tls.unready(NOW) == ["no certificate is served yet"]


def test_a_chain_whose_end_is_cut_is_half_written() -> None:
    (sentence,) = Tls(ask_clients=False).offer(GOOD._replace(certificate=GOOD.certificate + CA.pem[:-40]), NOW)
    assert sentence.startswith("OpenSSL refuses it: [PEM")


def test_the_key_in_its_own_file_counts() -> None:
    """Not one that stands beside the certificate."""
    both = GOOD._replace(certificate=KEYS["RSA"] + GOOD.certificate)
    assert Tls(ask_clients=False).offer(both, NOW) == []


def test_a_server_that_asks_for_clients_certificates_is_proved_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_read", None)  # nobody else is asked
    tls = Tls(ask_clients=True, names=(NAME,))
    assert tls.offer(GOOD._replace(client_ca=STRANGER.pem), NOW) == []
    assert (tls.unready(NOW), tls.ca, tls.expires()) == ([], CA.pem, (NOW + 10 * DAY).timestamp())
    assert tls.context.verify_mode is ssl.CERT_REQUIRED
