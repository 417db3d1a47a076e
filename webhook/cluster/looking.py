"""Looking again and again: the loop that the keeper and the announcer share.

Rule: it never stops by itself. An API server that is away is asked again, more and more rarely.
Strategy: watches only wake it up; what to do follows from what is read then, so a missed event costs a minute at most.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress

import httpx2 as httpx

from webhook.cluster.store import Kind, Store

LOOK = 60.0  # seconds between two looks where no watch wakes it up
SOON = 5.0  # the same, while something waits for its time
RETRY = (0.5, 30.0)  # seconds: the first wait after an error, and the longest

Say = Callable[[str, str], None]


async def look_forever(
    look: Callable[[], Awaitable[bool]],
    pause: Callable[[], float],
    store: Store,
    kinds: Sequence[Kind],
    say: Say,
    *others: Callable[[asyncio.Event], Coroutine[None, None, None]],
) -> None:
    """Until it is cancelled. `look` tells whether it did something; then it looks again at once.

    `others`: whoever else may wake it up.
    """
    wake = asyncio.Event()
    waking = [*(_watch(store, kind, wake) for kind in kinds), *(other(wake) for other in others)]
    watches = [asyncio.create_task(one) for one in waking]
    retry = RETRY[0]
    try:
        while True:
            wake.clear()
            try:
                while await look():
                    pass
                seconds, retry = pause(), RETRY[0]
            except (httpx.HTTPError, OSError) as error:
                say("api-server-refused", f"{type(error).__name__}: {error}")
                seconds, retry = retry * random.uniform(0.5, 1.0), min(retry * 2, RETRY[1])  # noqa: S311 - spreads load
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):  # not wait_for, which in Python 3.11 can swallow a cancellation
                    await wake.wait()
    finally:
        for watch in watches:
            watch.cancel()


async def _watch(store: Store, kind: Kind, wake: asyncio.Event) -> None:
    retry = RETRY[0]
    while True:
        with suppress(httpx.HTTPError, OSError):  # the loop that is woken up meets the same error and says it
            async for _ in store.changes(kind):
                retry = RETRY[0]
                wake.set()
        await asyncio.sleep(retry)
        retry = min(retry * 2, RETRY[1])
        wake.set()
