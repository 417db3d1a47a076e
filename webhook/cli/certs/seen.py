"""Certificates as they were seen somewhere, and what is wrong with them.

Rule: all that can be read is shown, and what is wrong is a sentence: pure, so `now` is an argument.
Strategy: a place gives bytes (Seen). One that begins with a CA is a bundle, of which only the times are judged; any
      other is a chain, judged as its client would.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certs import Bundle, Facts, ServingCertificate, Unreadable, inspect
from certs.inspect import chain_problems, validity_problems


@dataclass(frozen=True)
class Seen:
    """PEM of one place; `key` and `ca` where the place has them too. `problem`: why it could not be read."""

    where: str
    certificates: bytes = b""
    key: bytes | None = None
    ca: bytes | None = None
    problem: str = ""


@dataclass(frozen=True)
class Judged:
    """What a person is shown of one place."""

    where: str
    certificates: tuple[Facts, ...]
    problems: tuple[str, ...]


def judge(seen: Seen, names: Sequence[str], now: datetime) -> Judged:
    """`names`: what clients dial."""
    found = Bundle.parse(seen.certificates)
    if seen.problem or isinstance(found, Unreadable):
        return Judged(seen.where, (), (found.problem if isinstance(found, Unreadable) else seen.problem,))
    if not found.certificates:
        return Judged(seen.where, (), ("there is no certificate; accepted: PEM blocks BEGIN CERTIFICATE",))
    facts = tuple(map(inspect, found.certificates))
    problems = _of_bundle(found, now) if facts[0].authority else _of_chain(found, seen.ca, names, now)
    pair = ServingCertificate.read(seen.certificates, seen.key) if seen.key is not None else None
    problems += [pair.problem] if isinstance(pair, Unreadable) else []
    return Judged(seen.where, facts, tuple(problems))


def _of_bundle(bundle: Bundle, now: datetime) -> list[str]:
    return [
        f"serial {certificate.serial_number:x}: {problem}"
        for certificate in bundle.certificates
        for problem in validity_problems(certificate, now)
    ]


def _of_chain(chain: Bundle, ca: bytes | None, names: Sequence[str], now: datetime) -> list[str]:
    authorities = None if ca is None else Bundle.parse(ca)
    if isinstance(authorities, Unreadable):
        return [f"the CA: {authorities.problem}", *chain_problems(chain.certificates, now, expected=names)]
    return chain_problems(chain.certificates, now, authorities=authorities, expected=names)
