"""CertificateAuthority: a CA certificate with its key, and what it issues.

Rule: ECDSA P-256 with SHA-256 throughout: every handshake signs with the key, and that costs three fifths of RSA.
Strategy: a CA that can issue serving certificates and nothing else (pathlen 0, keyCertSign), leaves that can serve and
      nothing else. Key and serial are drawn here unless they are given, so that tests can fix both.
Source: RFC 5280, section 4.2, and what Go's crypto/x509 asks of a chain, since kube-apiserver is who verifies it.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.bundle import Bundle
from certs.serving import ServingCertificate, Unreadable, key_pem

# The clocks of a cluster's nodes differ; a certificate that is valid from now on is refused by a clock that is behind.
BACKDATED = timedelta(hours=1)
CA_NAME = "podmeta CA"
NAME = "podmeta"  # the common name says nothing to a verifier; subjectAltName does


@dataclass(frozen=True)
class Lifetimes:
    """How long what is issued is good for."""

    authority: timedelta = timedelta(days=365)
    serving: timedelta = timedelta(days=90)


@dataclass(frozen=True)
class CertificateAuthority:
    """The key is left out of every representation."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def issue(
        cls,
        now: datetime,
        *,
        lifetime: timedelta = Lifetimes.authority,
        key: ec.EllipticCurvePrivateKey | None = None,
        serial: int | None = None,
    ) -> "CertificateAuthority":
        """A new CA, signed by itself."""
        key = key or new_key()
        name = _name(CA_NAME)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = (
            _builder(name, name, key, serial)
            .not_valid_before(now - BACKDATED)
            .not_valid_after(now + lifetime)
            # pathlen 0: whoever steals a serving key can still issue nothing
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(identifier, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        )
        return cls(builder.sign(key, SHA256()), key)

    @classmethod
    def read(cls, certificate_pem: bytes, key_pem: bytes) -> "CertificateAuthority | Unreadable":
        """From the two halves that were stored."""
        pair = ServingCertificate.read(certificate_pem, key_pem)
        if isinstance(pair, Unreadable):
            return pair
        constraints = [e.value for e in pair.certificate.extensions if isinstance(e.value, x509.BasicConstraints)]
        if not any(constraint.ca for constraint in constraints):
            return Unreadable("the certificate is no CA; accepted: one with basicConstraints CA:TRUE")
        key = load_pem_private_key(key_pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            return Unreadable("the CA's key is not ECDSA; accepted: ECDSA P-256")
        return cls(pair.certificate, key)

    def serving(
        self,
        names: Sequence[str],
        now: datetime,
        *,
        lifetime: timedelta = Lifetimes.serving,
        key: ec.EllipticCurvePrivateKey | None = None,
        serial: int | None = None,
    ) -> ServingCertificate:
        """A certificate for a TLS server of these DNS names and IP addresses. It never outlives its CA."""
        key = key or new_key()
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        subject = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = (
            _builder(_name(NAME), self.certificate.subject, key, serial)
            .not_valid_before(max(now - BACKDATED, self.certificate.not_valid_before_utc))
            .not_valid_after(min(now + lifetime, self.certificate.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
            .add_extension(subject, critical=False)
            .add_extension(issuer, critical=False)
        )
        return ServingCertificate((builder.sign(self.key, SHA256()),), key)

    @property
    def bundle(self) -> Bundle:
        """What the other side must trust."""
        return Bundle.of(self.certificate)

    @property
    def pem(self) -> bytes:
        return self.bundle.pem

    @property
    def key_pem(self) -> bytes:
        return key_pem(self.key)

    def __repr__(self) -> str:
        return f"CertificateAuthority({self.certificate.subject.rfc4514_string()})"


def issued(certificate: x509.Certificate) -> datetime:
    """When a certificate of ours was issued: its notBefore is earlier than that."""
    return min(certificate.not_valid_before_utc + BACKDATED, certificate.not_valid_after_utc)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key of the one kind that is issued here."""
    return ec.generate_private_key(ec.SECP256R1())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, serial: int | None
) -> x509.CertificateBuilder:
    drawn = x509.random_serial_number() if serial is None else serial  # 159 random bits; RFC 5280 allows 20 octets
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    return builder.public_key(key.public_key()).serial_number(drawn)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
