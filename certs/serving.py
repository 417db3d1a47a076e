"""ServingCertificate: what a TLS server shows, and the key that proves it.

Rule: a certificate and a key that do not belong together never become a ServingCertificate.
Strategy: read from PEM once; from there on both halves travel as one frozen value, leaf first as TLS sends it.
"""

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey


@dataclass(frozen=True)
class Unreadable:
    """Bytes that cannot be used: a sentence that says why and what would be accepted."""

    problem: str


@dataclass(frozen=True)
class ServingCertificate:
    """`chain`: the certificate itself, then the intermediates. The key is left out of every representation."""

    chain: tuple[x509.Certificate, ...]
    key: PrivateKey

    @classmethod
    def read(cls, certificate_pem: bytes, key_pem: bytes) -> "ServingCertificate | Unreadable":
        """From the two files of a Secret of type kubernetes.io/tls."""
        try:
            chain = tuple(x509.load_pem_x509_certificates(certificate_pem))
            [certificate.extensions for certificate in chain]  # read lazily; what is broken in them shows here
        except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
            return Unreadable(f"the certificate is not PEM: {error}; accepted: the leaf first, then its intermediates")
        try:
            key = load_pem_private_key(key_pem, password=None)
        except (ValueError, TypeError) as error:
            return Unreadable(f"the key is not PEM without a password: {error}; accepted: PKCS 8, PKCS 1 or SEC 1")
        if not isinstance(key, PrivateKey):
            return Unreadable(f"the key is {type(key).__name__}; accepted: ECDSA, RSA or Ed25519")
        if _spki(chain[0].public_key()) != _spki(key.public_key()):
            return Unreadable(
                "the key does not belong to the certificate; accepted: the pair of one and the same issue"
            )
        return cls(chain, key)

    @property
    def certificate(self) -> x509.Certificate:
        return self.chain[0]

    @property
    def pem(self) -> bytes:
        return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in self.chain)

    @property
    def key_pem(self) -> bytes:
        return key_pem(self.key)

    def __repr__(self) -> str:
        return f"ServingCertificate({self.certificate.subject.rfc4514_string()})"


def key_pem(key: PrivateKey) -> bytes:
    """PKCS 8, unencrypted, as Kubernetes expects it in a Secret."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _spki(key: object) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined] # a union of twelve classes, all of which have it
    return encoded
