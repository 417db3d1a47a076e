"""The keeper: does in the cluster what certs/rotation.py decides from what is there.

Rule: every replica does the same and none is the leader; what is served goes on being served whatever else fails.
Strategy: no state but what was seen last: the CA, to put it back if somebody deletes it, and since when the API
      servers have it.
"""

from collections.abc import Callable
from datetime import datetime

from certs import Bundle, CertificateAuthority, ServingCertificate
from certs.renewal import due
from certs.rotation import SETTLE, Announce, Serve, State, Step, Stored, Wanted, steps
from certs.rotation import Store as Put
from webhook.cluster.looking import LOOK, SOON, Say, look_forever
from webhook.cluster.store import Found, Store

Clock = Callable[[], datetime]
Offer = Callable[[ServingCertificate, Bundle], None]


class Keeper:
    """One replica's. `offer`: serve this, whose CA is in this caBundle; `say`: an event and its detail, for the log."""

    def __init__(self, store: Store, wanted: Wanted, clock: Clock, offer: Offer, say: Say) -> None:
        self._store, self._wanted, self._clock, self._offer, self._say = store, wanted, clock, offer, say
        self._kept: Stored | None = None
        self._served: ServingCertificate | None = None
        self._announced: Bundle | None = None
        self._since: tuple[CertificateAuthority, datetime] | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        await look_forever(self.look, self._pause, self._store, ("secret", "configuration"), self._say)

    async def look(self) -> bool:
        """Look once, and do what is to be done. Whether something was done: then look again."""
        found, self._announced = await self._store.read(), await self._store.announced()
        self._kept = found.stored or self._kept
        self._mark(found.stored)
        since = self._since[1] if self._since else None
        seen = (found.stored, self._kept, self._announced, since, self._served)
        todo = steps(State(*seen, self._wanted, self._clock()))
        for step in todo:
            await self._do(step, found)
        if self._served:
            self._offer(self._served, self._announced if self._announced is not None else Bundle())
        return bool(todo)

    async def _do(self, step: Step, found: Found) -> None:
        match step:
            case Put(what):
                if await self._store.write(what, found):
                    self._kept = what
                    self._say("ca-stored", _serial(what.authority))
            case Announce(bundle):
                await self._store.announce(bundle)
                self._say("ca-bundle-written", f"{len(bundle)} CAs")
            case Serve(authority, cause):
                lifetime = self._wanted.lifetimes.serving
                self._served = authority.serving(self._wanted.names, self._clock(), lifetime=lifetime)
                self._say("certificate-issued", cause.value)

    def _mark(self, stored: Stored | None) -> None:
        """Remember since when the stored CA stands in the caBundle."""
        held = stored and self._announced and stored.authority.certificate in self._announced
        if not stored or not held:
            self._since = None
        elif self._since is None or self._since[0].certificate != stored.authority.certificate:
            self._since = (stored.authority, self._clock())

    def _pause(self) -> float:
        """Shorter while the stored CA has not been in the caBundle for long, or when a renewal is near."""
        now = self._clock()
        if not self._served or not self._since or now < self._since[1] + SETTLE:
            return SOON
        ends = [due(certificate) for certificate in (self._served.certificate, self._since[0].certificate)]
        return max(SOON, min(LOOK, (min(ends) - now).total_seconds()))


def _serial(authority: CertificateAuthority) -> str:
    return f"serial {authority.certificate.serial_number:x}"
