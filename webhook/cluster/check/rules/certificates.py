"""What is wrong with certificates: those of the caBundle, and those that the replicas really show.

Rule: the API server is the judge (certs/inspect.py has its predicates), and each certificate is judged by the caBundle
      of the webhook whose Service it stands behind.
"""

from collections.abc import Iterator
from datetime import datetime

from cryptography import x509

from certs import Bundle
from certs.inspect import covers, names, serves
from webhook.cluster.check.facts import Facts, Gap, Served, Service
from webhook.cluster.check.findings import Code, Finding


def authorities(facts: Facts) -> Iterator[Finding]:
    """The CAs of the caBundle are valid; the first one, which issues, is not old."""
    for webhook in facts.ours:
        where = f"{webhook}, {webhook.name}"
        if not isinstance(webhook.ca_bundle, Bundle) or not webhook.ca_bundle.certificates:
            continue
        invalid = [ca for ca in webhook.ca_bundle.certificates if not _valid(ca, facts.now)]
        if len(invalid) == len(webhook.ca_bundle):
            yield Finding(Code.CA_EXPIRED, where, _times("the CA", invalid[0], facts.now))
        elif invalid:
            yield Finding(Code.CA_LEFTOVER, where, _times("a CA", invalid[0], facts.now))
        issuing = webhook.ca_bundle.certificates[0]
        if _valid(issuing, facts.now) and _old(issuing, facts.now):
            code = Code.LATE if facts.self_managed(webhook) else Code.LAST_THIRD
            yield Finding(code, where, _times("the CA", issuing, facts.now))


def served(facts: Facts) -> Iterator[Finding]:
    """What each replica shows would be believed."""
    for service in facts.services:
        late = any(facts.self_managed(webhook) for webhook in facts.ours if webhook.target == service.target)
        for replica in service.replicas:
            where = f"Pod {service.target.namespace}/{replica.name}"
            match replica.served:
                case str(problem):
                    yield Finding(Code.NO_HANDSHAKE, where, problem)
                case Served():
                    yield from _judged(replica.served, service, where, facts.now, late=late)
                case Gap():
                    pass


def _judged(shown: Served, service: Service, where: str, now: datetime, *, late: bool) -> Iterator[Finding]:
    leaf, host = shown.leaf, service.target.host
    if not _valid(leaf, now):
        yield Finding(Code.EXPIRED, where, _times("the certificate", leaf, now))
    elif _old(leaf, now):
        yield Finding(Code.LATE if late else Code.LAST_THIRD, where, _times("the certificate", leaf, now))
    if not covers(leaf, host):
        has = ", ".join(names(leaf)) or "nothing"
        yield Finding(Code.NAMES, where, f"the API server calls {host}; the certificate covers {has}")
    if not serves(leaf):
        yield Finding(Code.USAGE, where, "extendedKeyUsage lacks serverAuth")
    if not shown.trusted:
        yield Finding(Code.UNTRUSTED, where, f"its issuer is {leaf.issuer.rfc4514_string()}")


def _valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _old(certificate: x509.Certificate, now: datetime) -> bool:
    """In the last third of its life, as certs/renewal.py has it."""
    starts, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now >= starts + (ends - starts) * 2 / 3


def _times(what: str, certificate: x509.Certificate, now: datetime) -> str:
    starts, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < starts:
        return f"{what} is not valid before {_time(starts)}"
    if now > ends:
        return f"{what} expired at {_time(ends)}"
    return f"{what} expires at {_time(ends)}, in {(ends - now).days} days of {(ends - starts).days}"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
