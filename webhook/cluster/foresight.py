"""Foresight: may the ServiceAccount that an ambassador acts as list pods? Asked before its pod is answered.

Rule: it is a courtesy. Whatever the API server does, a pod waits at most BUDGET for it, and nothing but a clear "no"
      says anything.
Strategy: one SubjectAccessReview a ServiceAccount, shared by all who want to know meanwhile, and remembered for a
      while: a "no" shortly, since whoever is warned goes and mends it. Such a review stores nothing, so a dry run may
      ask as well.
Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from lightkube import AsyncClient, ConfigError, KubeConfig
from lightkube.models.authorization_v1 import ResourceAttributes, SubjectAccessReviewSpec
from lightkube.resources.authorization_v1 import SubjectAccessReview

from webhook.cluster.looking import Say

BUDGET = 0.5  # seconds; the API server gives its webhooks from 1 to 30
ALLOWED, DENIED, UNKNOWN = 300.0, 10.0, 5.0  # seconds for which an answer is remembered
REMEMBERED = 4096  # ServiceAccounts; 1 KB each

Ask = Callable[[str, str], Awaitable[bool]]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Known:
    """What was answered: `allowed` is None where nothing was; and until when that counts."""

    allowed: bool | None
    until: float


@dataclass
class Foresight:
    """What is known of ServiceAccounts. `ask`: may this one (namespace, name) list the pods of its namespace?"""

    ask: Ask
    say: Say
    clock: Clock = time.monotonic
    _known: dict[tuple[str, str], asyncio.Task[Known]] = field(default_factory=dict, init=False)

    async def forbidden(self, namespace: str, account: str) -> bool:
        """Whether it is known that it may not. Never raises."""
        key = (namespace, account)
        known = self._known.get(key)
        if known is None or (known.done() and known.result().until <= self.clock()):
            self._known.pop(key, None)  # so that the order is that of the asking
            known = self._known[key] = asyncio.create_task(self._find_out(namespace, account))
            while len(self._known) > REMEMBERED:
                del self._known[next(iter(self._known))]
        # Shielded: the others who wait for it do not lose it if one gives up.
        return (await asyncio.shield(known)).allowed is False

    async def _find_out(self, namespace: str, account: str) -> Known:
        try:
            async with asyncio.timeout(BUDGET):
                allowed = await self.ask(namespace, account)
        except Exception as error:  # noqa: BLE001 - whatever it is, no pod may fail by it
            self.say("foresight-unanswered", f"{namespace}/{account}: {type(error).__name__}: {error}")
            return Known(None, self.clock() + UNKNOWN)
        return Known(allowed, self.clock() + (ALLOWED if allowed else DENIED))


@asynccontextmanager
async def foresight(say: Say) -> AsyncIterator[Ask | None]:
    """The question, put to the API server as this pod's ServiceAccount."""
    try:
        client = AsyncClient(KubeConfig.from_env())
    except ConfigError as error:
        say("foresight-off", str(error))
        yield None
        return
    try:
        yield Foresight(lambda namespace, account: _may_list_pods(client, namespace, account), say).forbidden
    finally:
        await client.close()


async def _may_list_pods(client: AsyncClient, namespace: str, account: str) -> bool:
    """As the ServiceAccount's own request would be judged: by its name and its groups."""
    spec = SubjectAccessReviewSpec(
        user=f"system:serviceaccount:{namespace}:{account}",
        groups=["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"],
        resourceAttributes=ResourceAttributes(namespace=namespace, verb="list", resource="pods", version="v1"),
    )
    answered = await client.create(SubjectAccessReview(spec=spec))
    return bool(answered.status and answered.status.allowed)
