"""Renew or not: one predicate, one `if` a cause.

Rule: what is served is renewed long before it fails, and at once when it would fail now.
Strategy: from the plainest cause to the rarest; the first that holds is the answer.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from cryptography import x509

from certs.authority import issued
from certs.bundle import Bundle
from certs.inspect import covers, vouched
from certs.serving import ServingCertificate


class Cause(StrEnum):
    """Why a certificate is to be issued anew."""

    ABSENT = "absent"
    AGE = "two-thirds-of-life"
    CLOCK = "not-yet-valid"
    NAMES = "names-missing"
    ISSUER = "issuer-not-trusted"


def due(certificate: x509.Certificate) -> datetime:
    """When a certificate of ours is to be followed by another: two thirds of its life after it was issued."""
    start = issued(certificate)
    return start + (certificate.not_valid_after_utc - start) * 2 / 3


def renewal(
    served: ServingCertificate | None, authorities: Bundle, expected: Sequence[str], now: datetime
) -> Cause | None:
    """Why to renew now, or None. `authorities`: what the other side trusts; `expected`: the names that it dials."""
    # A replica that has just started.
    if served is None:
        return Cause.ABSENT
    certificate = served.certificate
    # A third of life is left: time for many attempts, and for a human when all of them fail.
    if now >= due(certificate):
        return Cause.AGE
    # It was issued by a clock that was ahead; whoever verifies it now refuses it.
    if now < certificate.not_valid_before_utc:
        return Cause.CLOCK
    # The Service was renamed, or moved to another namespace.
    if not all(covers(certificate, name) for name in expected):
        return Cause.NAMES
    # The CA was replaced, or has expired.
    if not vouched(served.chain, authorities, now):
        return Cause.ISSUER
    return None
