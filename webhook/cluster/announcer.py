"""The announcer: for certificates that somebody else makes, writes their CA into the caBundle, and heals it.

Rule: only a bundle that can be read is announced; while the file is broken the caBundle stays as it is.
"""

from pathlib import Path

from certs import Bundle, Unreadable
from webhook.cluster.looking import LOOK, Say, look_forever
from webhook.cluster.store import Store


class Announcer:
    """`file`: the CA of the serving certificate, PEM; read again at each look."""

    def __init__(self, store: Store, file: Path, say: Say) -> None:
        self._store, self._file, self._say = store, file, say

    async def run(self) -> None:
        """Until it is cancelled."""
        await look_forever(self.look, lambda: LOOK, self._store, ("configuration",), self._say)

    async def look(self) -> bool:
        """Look once; whether the caBundle had to be written."""
        bundle = Bundle.parse(self._file.read_bytes())
        if isinstance(bundle, Unreadable) or not bundle.certificates:
            self._say("ca-file-unreadable", bundle.problem if isinstance(bundle, Unreadable) else "it is empty")
            return False
        announced = await self._store.announced()
        if announced is None or announced == bundle:
            return False
        await self._store.announce(bundle)
        self._say("ca-bundle-written", f"{len(bundle)} CAs")
        return True
