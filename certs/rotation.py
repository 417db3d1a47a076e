"""Rotation: from what is there to what is to be done now.

Rule: nobody is served a certificate that the other side does not trust yet. A new CA is stored, then announced (the
      caBundle), then used, each step only after the one before has had its effect; the old CA stays trusted meanwhile.
Strategy: a decision without memory. Every replica looks at the same stored CA and the same caBundle and comes to the
      same steps, so there is no leader; two that act at once write the same, or one of them is told of a conflict.

    what is there                                       what to do
    no stored CA, or one that cannot be read            store the one this replica used last, or else a new one
    the stored CA has a third of its life left          store a new one, with the old beside it
    the caBundle is not the stored CAs                  announce them (it was cleared, broken, or never written)
    nothing is served                                   issue from the stored CA
    what is served is renewed by its own age or names   issue from the stored CA, once that is announced for a while
    what is served comes from an older CA               the same
    what is served is vouched for by no announced CA    issue at once: it is useless as it is
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from certs.authority import CertificateAuthority, Lifetimes
from certs.bundle import Bundle
from certs.inspect import vouched
from certs.renewal import Cause, due, renewal
from certs.serving import ServingCertificate

# Every API server must have read the caBundle before a certificate of the new CA is shown to it: it watches the
# configuration and has it within a second; a minute covers one that had lost its watch.
SETTLE = timedelta(seconds=60)


@dataclass(frozen=True)
class Stored:
    """What all replicas share: the CA that issues, and every CA that something served may still come from."""

    authority: CertificateAuthority
    bundle: Bundle

    @classmethod
    def new(cls, now: datetime, before: "Stored | None" = None, lifetime: timedelta = Lifetimes.authority) -> "Stored":
        """A new CA, the ones before it still trusted as long as they are valid."""
        authority = CertificateAuthority.issue(now, lifetime=lifetime)
        older = before.bundle.without_expired(now) if before else Bundle()
        return cls(authority, authority.bundle.merge(older))


@dataclass(frozen=True)
class Wanted:
    """What is to be served. `names`: what the API server dials."""

    names: Sequence[str]
    lifetimes: Lifetimes = Lifetimes()  # noqa: RUF009 - frozen


@dataclass(frozen=True)
class State:
    """`stored`: None where there is none that can be read. `kept`: what this replica saw there last.

    `announced`: the caBundle, None where there is no configuration to hold one; `since`: when it came to hold the
    stored CA.
    """

    stored: Stored | None
    kept: Stored | None
    announced: Bundle | None
    since: datetime | None
    served: ServingCertificate | None
    wanted: Wanted
    now: datetime


@dataclass(frozen=True)
class Store:
    """Store this, unless somebody else has stored something meanwhile."""

    what: Stored


@dataclass(frozen=True)
class Announce:
    """Write this caBundle."""

    bundle: Bundle


@dataclass(frozen=True)
class Serve:
    """Issue a serving certificate from this CA and serve it."""

    authority: CertificateAuthority
    cause: Cause


Step = Store | Announce | Serve


def steps(state: State) -> tuple[Step, ...]:
    """What to do now, in this order; after it, look again."""
    stored, now = state.stored, state.now
    if stored is None:
        kept = state.kept if state.kept and not aged(state.kept.authority, now) else None
        return (Store(kept or Stored.new(now, state.kept, state.wanted.lifetimes.authority)),)
    if aged(stored.authority, now):
        return (Store(Stored.new(now, stored, state.wanted.lifetimes.authority)),)
    bundle = stored.bundle.without_expired(now)
    announce = (Announce(bundle),) if state.announced is not None and state.announced != bundle else ()
    cause = _cause(state, stored)
    return (*announce, Serve(stored.authority, cause)) if cause else announce


def aged(authority: CertificateAuthority, now: datetime) -> bool:
    """Whether a CA is in the last third of its life, or its clock was ahead of ours."""
    return not authority.certificate.not_valid_before_utc <= now < due(authority.certificate)


def _cause(state: State, stored: Stored) -> Cause | None:
    """Why to issue now, None for not now."""
    trusted = state.announced if state.announced is not None else stored.bundle
    if state.served is None or not vouched(state.served.chain, trusted, state.now):
        # Also before the CA is announced: until then nothing that could be served is better.
        own = state.served is not None and vouched(state.served.chain, stored.authority.bundle, state.now)
        return None if own else Cause.ISSUER if state.served else Cause.ABSENT
    settled = state.since is not None and state.now >= state.since + SETTLE
    return renewal(state.served, stored.authority.bundle, state.wanted.names, state.now) if settled else None
