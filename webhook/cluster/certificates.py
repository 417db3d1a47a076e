"""Certificates that the cluster holds, for a service that only knows PEM.

Rule: the API server is asked as this pod's ServiceAccount, whose token the client reads again when it is renewed.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from lightkube import AsyncClient, KubeConfig

from certs import Bundle, ServingCertificate
from certs.rotation import Wanted
from webhook.cluster.announcer import Announcer
from webhook.cluster.keeper import Keeper
from webhook.cluster.looking import Say
from webhook.cluster.store import Places, Store

OfferPem = Callable[[bytes, bytes, bytes], None]


async def keep(places: Places, wanted: Wanted, offer: OfferPem, say: Say) -> None:
    """Self-managed: `offer` gets certificate, key and caBundle whenever one of them changed. Until it is cancelled."""
    last: tuple[ServingCertificate, Bundle] | None = None

    def changed(served: ServingCertificate, announced: Bundle) -> None:
        nonlocal last
        if last != (served, announced):
            last = (served, announced)
            offer(served.pem, served.key_pem, announced.pem)

    client = AsyncClient(KubeConfig.from_env())
    try:
        await Keeper(Store(client, places), wanted, lambda: datetime.now(UTC), changed, say).run()
    finally:
        await client.close()


async def announce(places: Places, file: Path, say: Say) -> None:
    """Certificates of somebody else: their CA as the caBundle. Until it is cancelled."""
    client = AsyncClient(KubeConfig.from_env())
    try:
        await Announcer(Store(client, places), file, lambda: datetime.now(UTC), say).run()
    finally:
        await client.close()
