"""The look: everything that is asked of the cluster, once, as facts."""

from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus

from lightkube.resources.core_v1 import Namespace as NamespaceResource

from webhook.cluster.check.facts import Facts, Gap, Namespace, Service, Webhook
from webhook.cluster.check.looks.access import Access
from webhook.cluster.check.looks.configurations import configurations
from webhook.cluster.check.looks.rights import account
from webhook.cluster.check.looks.services import service
from webhook.cluster.check.looks.trials import trials


def look(access: Access, configuration: str, namespace: str, serviceaccount: str) -> Facts:
    """`configuration` and `serviceaccount`: "" for none that is named."""
    minor = _minor(access)
    ours, others = configurations(access, configuration)
    called = {webhook.target: webhook for webhook in _seen(ours)}
    services = {
        target: service(access, target, webhook.configuration, webhook.ca_bundle)
        for target, webhook in called.items()
        if target is not None
    }
    asked = _namespace(access, namespace)
    return Facts(
        now=datetime.now(UTC),
        minor=minor,
        webhooks=ours,
        others=others,
        services=tuple(found for found in services.values() if isinstance(found, Service)),
        missing_services=tuple(target for target, found in services.items() if found is Gap.ABSENT),
        namespace=asked,
        trials=Gap.UNREAD if asked.labels is Gap.ABSENT else trials(access, namespace),
        account=account(access, namespace, serviceaccount) if serviceaccount else None,
        unread=tuple(access.unread),
        wanted=configuration,
    )


def _seen(ours: tuple[Webhook, ...] | Gap) -> Iterable[Webhook]:
    return () if isinstance(ours, Gap) else ours


def _minor(access: Access) -> int:
    """Of Kubernetes 1.MINOR, which some clouds write as "34+"; 0 where it is not told."""
    answer = access.http.get("/version")
    if answer.status_code != HTTPStatus.OK:
        access.gap("the version of the cluster", f"the API server answers {answer.status_code}", needed=False)
        return 0
    return int(answer.json()["minor"].rstrip("+"))


def _namespace(access: Access, name: str) -> Namespace:
    found = access.ask(f"Namespace {name}", lambda: access.client.get(NamespaceResource, name))
    if isinstance(found, Gap):
        return Namespace(name, found)
    return Namespace(name, (found.metadata.labels if found.metadata else None) or {})
