"""The announcer: for certificates that somebody else makes, writes their CA into the caBundle, and heals it.

Rule: only a bundle that can be read is announced; while the file is broken the caBundle stays as it is. A CA that is
      announced already is not taken away from replicas that may still serve from it.
Strategy: for a while after the file was seen to change, and after the start, what is announced stays beside the file's
      CAs; nothing is ever put back that is gone, so replicas that saw the file change at different times do not fight.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from certs import Bundle, Unreadable
from webhook.cluster.looking import LOOK, Say, look_forever
from webhook.cluster.store import Store

POLL = 2.0  # seconds between two looks at the file; the kubelet itself needs up to a minute and a half
# A kubelet brings a changed Secret to its pods within a minute and a half; the rest is for one that is slow.
KEEP = timedelta(minutes=5)


def wanted(file: Bundle, announced: Bundle, since: datetime, now: datetime) -> Bundle:
    """The caBundle to have now. `since`: when this replica saw the file change."""
    return file.merge(announced.without_expired(now)) if now < since + KEEP else file


class Announcer:
    """`file`: the CA of the serving certificate, PEM; read again whenever it changes."""

    def __init__(self, store: Store, file: Path, clock: Callable[[], datetime], say: Say) -> None:
        self._store, self._file, self._clock, self._say = store, file, clock, say
        self._read: bytes | None = None
        self._since = clock()

    async def run(self) -> None:
        """Until it is cancelled."""
        await look_forever(self.look, lambda: LOOK, self._store, ("configuration",), self._say, self._poll)

    async def look(self) -> bool:
        """Look once; whether the caBundle had to be written."""
        content = self._content()
        if content != self._read:
            self._read, self._since = content, self._clock()
        bundle = Bundle.parse(content)
        if isinstance(bundle, Unreadable) or not bundle.certificates:
            self._say("ca-file-unreadable", bundle.problem if isinstance(bundle, Unreadable) else "it is empty")
            return False
        announced = await self._store.announced()
        if announced is None:
            return False
        wants = wanted(bundle, announced, self._since, self._clock())
        if announced == wants:
            return False
        await self._store.announce(wants)
        self._say("ca-bundle-written", f"{len(wants)} CAs")
        return True

    def _content(self) -> bytes:
        with suppress(OSError):  # the volume is being swapped, or the file is not there: then it is empty
            return self._file.read_bytes()
        return b""

    async def _poll(self, wake: asyncio.Event) -> None:
        while True:
            await asyncio.sleep(POLL)
            if self._content() != self._read:
                wake.set()
