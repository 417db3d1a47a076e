"""Bundle: the CAs that the other side trusts; in Kubernetes the `caBundle` of a webhook.

Rule: order is kept, nothing stands there twice, and what is no certificate is said instead of dropped.
Strategy: a frozen tuple with set-like operations. While replicas roll, old and new CA stand in it together.
"""

import base64
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.serving import Unreadable


@dataclass(frozen=True)
class Bundle:
    """Certificates without duplicates, in the order in which they came."""

    certificates: tuple[x509.Certificate, ...] = ()

    @classmethod
    def of(cls, *certificates: x509.Certificate) -> "Bundle":
        return cls(tuple(dict.fromkeys(certificates)))

    @classmethod
    def parse(cls, pem: bytes) -> "Bundle | Unreadable":
        """From PEM, text between the blocks being comment; nothing at all is an empty bundle."""
        if not pem.strip():
            return cls()
        try:
            return cls.of(*x509.load_pem_x509_certificates(pem))
        except ValueError as error:
            return Unreadable(f"not a bundle of certificates: {error}; accepted: PEM blocks BEGIN CERTIFICATE")

    def merge(self, other: "Bundle") -> "Bundle":
        """Both: ours first."""
        return Bundle.of(*self.certificates, *other.certificates)

    def without_expired(self, now: datetime) -> "Bundle":
        """Those that can still vouch for something. One that is not yet valid stays: it will be."""
        return Bundle(tuple(c for c in self.certificates if now <= c.not_valid_after_utc))

    @property
    def pem(self) -> bytes:
        return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in self.certificates)

    @property
    def ca_bundle(self) -> str:
        """As the field `caBundle` of a webhook configuration holds it."""
        return base64.b64encode(self.pem).decode()

    def __contains__(self, certificate: object) -> bool:
        return certificate in self.certificates

    def __len__(self) -> int:
        return len(self.certificates)
