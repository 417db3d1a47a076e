"""The keeper: looks at the cluster, does what certs/rotation.py decides, looks again when something changes.

Rule: it never stops. An API server that is away is asked again, more and more rarely; what is served meanwhile goes on.
Strategy: no state but what was seen last. Two watches only wake it up; what to do always follows from what it reads
      then, so a missed event costs a minute at most.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

import httpx

from certs import Bundle, CertificateAuthority, ServingCertificate
from certs.rotation import SETTLE, Announce, Serve, State, Step, Stored, steps
from certs.rotation import Store as Put
from webhook.cluster.store import Found, Kind, Store

LOOK = 60.0  # seconds between two looks where no watch wakes it up
SOON = 5.0  # seconds until a step that has to wait for the API servers is looked at again
RETRY = (0.5, 30.0)  # seconds: the first wait after an error, and the longest

KINDS: tuple[Kind, ...] = ("secret", "configuration")

Clock = Callable[[], datetime]
Offer = Callable[[ServingCertificate, Bundle], None]
Say = Callable[[str, str], None]


class Keeper:
    """One replica's. `offer`: serve this, whose CA is in this caBundle; `say`: an event and its detail, for the log."""

    def __init__(self, store: Store, names: Sequence[str], clock: Clock, offer: Offer, say: Say) -> None:
        self._store, self._names, self._clock, self._offer, self._say = store, names, clock, offer, say
        self._wake = asyncio.Event()
        self._kept: Stored | None = None
        self._served: ServingCertificate | None = None
        self._announced: Bundle | None = None
        self._since: tuple[CertificateAuthority, datetime] | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        watches = [asyncio.create_task(self._watch(kind)) for kind in KINDS]
        try:
            await self._keep()
        finally:
            for watch in watches:
                watch.cancel()

    async def _keep(self) -> None:
        wait = RETRY[0]
        while True:
            self._wake.clear()
            try:
                while await self.look():
                    pass
                pause, wait = self._pause(), RETRY[0]
            except (httpx.HTTPError, OSError) as error:
                self._say("api-server-unreachable", f"{type(error).__name__}: {error}")
                pause, wait = wait * random.uniform(0.5, 1.0), min(wait * 2, RETRY[1])  # noqa: S311 - only spreads load
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):  # not wait_for, which in Python 3.11 can swallow a cancellation
                    await self._wake.wait()

    async def look(self) -> bool:
        """Look once, and do what is to be done. Whether something was done: then look again."""
        found, self._announced = await self._store.read(), await self._store.announced()
        self._kept = found.stored or self._kept
        self._mark(found.stored)
        since = self._since[1] if self._since else None
        state = State(found.stored, self._kept, self._announced, since, self._served, self._names, self._clock())
        todo = steps(state)
        for step in todo:
            await self._do(step, found)
        if self._served:
            self._offer(self._served, self._announced if self._announced is not None else Bundle())
        return bool(todo)

    async def _do(self, step: Step, found: Found) -> None:
        match step:
            case Put(what):
                if await self._store.write(what, found.version):
                    self._kept = what
                    self._say("ca-stored", _serial(what.authority))
            case Announce(bundle):
                await self._store.announce(bundle)
                self._say("ca-bundle-written", f"{len(bundle)} CAs")
            case Serve(authority, cause):
                self._served = authority.serving(self._names, self._clock())
                self._say("certificate-issued", cause.value)

    def _mark(self, stored: Stored | None) -> None:
        """Remember since when the stored CA stands in the caBundle."""
        held = stored and self._announced and stored.authority.certificate in self._announced
        if not stored or not held:
            self._since = None
        elif self._since is None or self._since[0].certificate != stored.authority.certificate:
            self._since = (stored.authority, self._clock())

    def _pause(self) -> float:
        """Shorter while the stored CA is not in the caBundle, or has not been there for long."""
        settled = self._since and self._clock() >= self._since[1] + SETTLE
        return LOOK if settled else SOON

    async def _watch(self, kind: Kind) -> None:
        wait = RETRY[0]
        while True:
            try:
                async for _ in self._store.changes(kind):
                    wait = RETRY[0]
                    self._wake.set()
            except (httpx.HTTPError, OSError):
                pass  # the loop that is woken up meets the same error and says it
            await asyncio.sleep(wait)
            wait = min(wait * 2, RETRY[1])


def _serial(authority: CertificateAuthority) -> str:
    return f"serial {authority.certificate.serial_number:x}"
