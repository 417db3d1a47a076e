"""What a certificate says, and what is wrong with it.

Rule: the judge is whoever will verify it: kube-apiserver, Go's crypto/x509. What that refuses is a problem here; what
      it does not look at (the common name, revocation) is none.
Strategy: one predicate a question, each a total function; `problems` turns them into sentences, all of them at once.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.bundle import Bundle
from certs.serving import ServingCertificate


@dataclass(frozen=True)
class Facts:
    """A certificate for a person: names as TLS clients compare them, times in UTC, the SHA-256 of the DER bytes."""

    subject: str
    issuer: str
    serial: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint: str
    authority: bool


def inspect(certificate: x509.Certificate) -> Facts:
    """Everything that `podmeta certs` shows of a certificate."""
    return Facts(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        names=names(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(SHA256()).hex(),
        authority=any(e.value.ca for e in certificate.extensions if isinstance(e.value, x509.BasicConstraints)),
    )


def names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The DNS names and IP addresses of subjectAltName."""
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            alternative = extension.value
            dns = alternative.get_values_for_type(x509.DNSName)
            return (*dns, *map(str, alternative.get_values_for_type(x509.IPAddress)))
    return ()


def covers(certificate: x509.Certificate, name: str) -> bool:
    """Whether a client that dials `name` accepts it; a `*` stands for exactly the first label (RFC 6125)."""
    wanted = _normal(name)
    _, _, rest = wanted.partition(".")
    return any(_normal(n) in (wanted, f"*.{rest}" if rest else wanted) for n in names(certificate))


def serves(certificate: x509.Certificate) -> bool:
    """Whether it may authenticate a server; one without the extension may do everything."""
    usages = [e.value for e in certificate.extensions if isinstance(e.value, x509.ExtendedKeyUsage)]
    accepted = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    return all(any(usage in allowed for usage in accepted) for allowed in usages)


def vouched(chain: Iterable[x509.Certificate], authorities: Bundle, now: datetime) -> bool:
    """Whether a CA of the bundle that is valid now issued the chain, or stands in it."""
    trusted = [c for c in authorities.certificates if c.not_valid_before_utc <= now <= c.not_valid_after_utc]
    leaf, *between = chain
    link, left = leaf, [c for c in between if c != leaf]
    while True:
        if link in trusted or any(_issued(link, authority) for authority in trusted):
            return True
        issuer = next((c for c in left if _issued(link, c)), None)
        if issuer is None:
            return False
        left.remove(issuer)
        link = issuer


def problems(
    served: ServingCertificate, now: datetime, *, authorities: Bundle | None = None, expected: Iterable[str] = ()
) -> list[str]:
    """Why a client would refuse it: no sentence, no reason. `expected`: the names that clients dial."""
    return chain_problems(served.chain, now, authorities=authorities, expected=expected)


def chain_problems(
    chain: Sequence[x509.Certificate], now: datetime, *, authorities: Bundle | None = None, expected: Iterable[str] = ()
) -> list[str]:
    """The same of a chain without its key, as a client sees it."""
    certificate = chain[0]
    found = validity_problems(certificate, now)
    if not serves(certificate):
        found.append("the certificate is not for servers: its extendedKeyUsage lacks serverAuth")
    if not names(certificate):
        found.append("the certificate has no subjectAltName, and Go does not look at the common name")
    missing = [name for name in expected if not covers(certificate, name)]
    if missing:
        has = ", ".join(names(certificate)) or "nothing"
        found.append(f"the certificate does not cover {', '.join(missing)}; it covers {has}")
    if authorities is not None and not vouched(chain, authorities, now):
        found.append(
            f"no CA that is given and still valid issued the certificate; its issuer is {_issuer(certificate)}"
        )
    return found


def validity_problems(certificate: x509.Certificate, now: datetime) -> list[str]:
    """Whether it is too early or too late for it."""
    if now < certificate.not_valid_before_utc:
        return [f"the certificate is not valid before {_time(certificate.not_valid_before_utc)}"]
    if now > certificate.not_valid_after_utc:
        return [f"the certificate expired at {_time(certificate.not_valid_after_utc)}"]
    return []


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _normal(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower().removesuffix(".")


def _issuer(certificate: x509.Certificate) -> str:
    return certificate.issuer.rfc4514_string()


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
