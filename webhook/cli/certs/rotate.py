"""podmeta certs rotate: what the service does by itself at two thirds of a CA's life, now.

Rule: at no moment is something served that the caBundle does not vouch for: the old CA stays trusted. Only
      `--drop-old` takes it out, for a key that got known, and only once nothing can be served from it any more.
Strategy: the Secret is all that is written; each replica of the service sees it and does the rest.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import httpx2
import typer
from lightkube import AsyncClient
from rich.progress import Progress

from certs import Bundle
from certs.authority import issued
from certs.rotation import SETTLE, Stored
from webhook.cli.common import FINDINGS, USAGE, Context, Kubeconfig, fail
from webhook.cluster.client import UnconfiguredError, configured
from webhook.cluster.looking import LOOK
from webhook.cluster.store import Found, Places, Store

# From a new CA in the Secret to the last replica that serves from it, each part at its longest.
MOVED = 2 * SETTLE + timedelta(seconds=LOOK)
PATIENCE = 90.0  # seconds for a replica to write the caBundle

Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Where podmeta is; else the kubeconfig's.")]
Secret = Annotated[str, typer.Option("--secret", help="The Secret with the CA.")]
Configuration = Annotated[str, typer.Option("--configuration", help="The MutatingWebhookConfiguration.")]
DropOld = Annotated[
    bool, typer.Option("--drop-old", help="No new CA: take the older ones out of what is trusted, at once.")
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the caBundle follows and the replicas serve.")]


def rotate(
    *,
    namespace: Namespace = "",
    secret: Secret = "podmeta-ca",  # noqa: S107 - a name
    configuration: Configuration = "podmeta",
    drop_old: DropOld = False,
    wait: Wait = True,
    kubeconfig: Kubeconfig = None,
    context: Context = "",
) -> None:
    """Let a new CA follow the one in the cluster, without an outage."""
    asyncio.run(_rotate(kubeconfig, context, Places(namespace, secret, configuration), drop_old=drop_old, wait=wait))


async def _rotate(kubeconfig: Path | None, context: str, places: Places, *, drop_old: bool, wait: bool) -> None:
    try:
        config = configured(kubeconfig, context)
    except UnconfiguredError as error:
        fail(USAGE, str(error))
    places = Places(places.namespace or config.namespace, places.secret, places.configuration)
    client = AsyncClient(config)
    store = Store(client, places)
    try:
        before = await store.read()
        following = _following(before, places, datetime.now(UTC), drop_old=drop_old)
        if not await store.write(following, before):
            fail(FINDINGS, "somebody else changed the Secret in this moment; nothing was done: try again")
        _say(f"stored: {_counted(following.bundle)} in Secret {places.namespace}/{places.secret}")
        if wait:
            await _announced(store, following.bundle, places)
            if not drop_old:
                await _moved()
    except (httpx2.HTTPError, OSError) as error:
        fail(USAGE, f"the API server: {error}")
    finally:
        await client.close()


def _following(found: Found, places: Places, now: datetime, *, drop_old: bool) -> Stored:
    """What the Secret is to hold."""
    where = f"Secret {places.namespace}/{places.secret}"
    before = found.stored
    if before is None:
        accepted = "accepted: -n NAMESPACE and --secret NAME of a podmeta that makes its own certificates"
        fail(USAGE, f"{where} {'holds no CA' if found.version else 'is not there'}; {accepted}")
    certificate = before.authority.certificate
    start = issued(certificate)
    if not drop_old:
        return Stored.new(now, before, certificate.not_valid_after_utc - start)
    if now < start + MOVED:
        left = (start + MOVED - now).total_seconds()
        fail(
            FINDINGS,
            f"the newest CA is too new: a replica may still serve from an older one; try again in {left:.0f} s",
        )
    return Stored(before.authority, before.authority.bundle)


async def _announced(store: Store, bundle: Bundle, places: Places) -> None:
    """Wait for a replica to write the caBundle."""
    began = time.monotonic()
    while (announced := await store.announced()) != bundle:
        if announced is None:
            fail(
                FINDINGS,
                f"there is no MutatingWebhookConfiguration {places.configuration}; accepted: --configuration NAME",
            )
        if time.monotonic() - began > PATIENCE:
            fail(FINDINGS, f"no replica wrote the caBundle within {PATIENCE:.0f} s: is podmeta running?")
        await asyncio.sleep(0.5)
    _say(f"announced: {_counted(bundle)} in the caBundle, after {time.monotonic() - began:.1f} s")


async def _moved() -> None:
    """Wait as long as the replicas need to serve from the new CA."""
    seconds = int(MOVED.total_seconds())
    with Progress(transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(
            "API servers read the caBundle, then each replica serves from the new CA", total=seconds
        )
        for _ in range(seconds):
            await asyncio.sleep(1)
            progress.advance(task)
    _say(
        "moved: every replica that runs serves from the new CA; the old one stays trusted until it ends, or --drop-old"
    )


def _counted(bundle: Bundle) -> str:
    return ", ".join(f"CA {certificate.serial_number:x}" for certificate in bundle.certificates)


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()
