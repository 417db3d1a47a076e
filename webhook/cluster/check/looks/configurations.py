"""Webhook configurations: ours by the names of its webhooks, which the chart fixes, and all others that see pods."""

import base64
from collections.abc import Iterable, Sequence

from lightkube.models.admissionregistration_v1 import MutatingWebhook, RuleWithOperations, ValidatingWebhook
from lightkube.models.meta_v1 import LabelSelector
from lightkube.resources.admissionregistration_v1 import MutatingWebhookConfiguration, ValidatingWebhookConfiguration
from msgspec.structs import replace

from certs import Bundle, Unreadable
from webhook.cluster.check.facts import DOORS, Gap, Requirement, Selector, Target, Webhook
from webhook.cluster.check.looks.access import Access

Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration


def configurations(access: Access, name: str) -> tuple[tuple[Webhook, ...] | Gap, tuple[Webhook, ...]]:
    """Ours and those of others; with a name, ours is that configuration and no other."""
    mutating = access.ask(
        "MutatingWebhookConfigurations", lambda: list(access.client.list(MutatingWebhookConfiguration))
    )
    validating = access.ask(
        "ValidatingWebhookConfigurations",
        lambda: list(access.client.list(ValidatingWebhookConfiguration)),
        needed=False,
    )
    found = [webhook for one in _listed(mutating) for webhook in _webhooks(one)]
    found += [webhook for one in _listed(validating) for webhook in _webhooks(one)]
    ours = [w for w in found if w.mutating and (w.configuration == name if name else w.name in DOORS)]
    # Whom somebody else's webhook trusts is not looked at.
    others = tuple(replace(webhook, ca_bundle=Bundle()) for webhook in found if webhook not in ours)
    return mutating if isinstance(mutating, Gap) else tuple(ours), others


def _listed(found: Sequence[Configuration] | Gap) -> Sequence[Configuration]:
    return () if isinstance(found, Gap) else found


def _webhooks(configuration: Configuration) -> Iterable[Webhook]:
    name = (configuration.metadata.name if configuration.metadata else None) or ""
    for webhook in configuration.webhooks or ():
        if any(_pods(rule) for rule in webhook.rules or ()):
            yield _webhook(name, webhook)


def _webhook(configuration: str, webhook: MutatingWebhook | ValidatingWebhook) -> Webhook:
    mutating = isinstance(webhook, MutatingWebhook)
    service = webhook.clientConfig.service
    return Webhook(
        configuration=configuration,
        name=webhook.name,
        mutating=mutating,
        namespace_selector=selector(webhook.namespaceSelector),
        match_conditions=tuple(condition.expression for condition in webhook.matchConditions or ()),
        failure_policy=webhook.failurePolicy or "Fail",
        reinvocation_policy=(webhook.reinvocationPolicy if isinstance(webhook, MutatingWebhook) else None) or "Never",
        timeout_seconds=webhook.timeoutSeconds or 10,
        ca_bundle=_bundle(webhook.clientConfig.caBundle or ""),
        target=Target(service.namespace, service.name, service.port or 443) if service else None,
    )


def _pods(rule: RuleWithOperations) -> bool:
    """Whether it is about the creation of pods."""
    return (
        bool({"", "*"} & set(rule.apiGroups or ()))
        and bool({"pods", "*", "*/*"} & set(rule.resources or ()))
        and bool({"CREATE", "*"} & set(rule.operations or ()))
        and rule.scope != "Cluster"
    )


def selector(found: LabelSelector | None) -> Selector:
    """A LabelSelector of the API; none is an empty one."""
    if found is None:
        return Selector()
    expressions = tuple(
        Requirement(one.key, one.operator, tuple(one.values or ())) for one in found.matchExpressions or ()
    )
    return Selector(tuple((found.matchLabels or {}).items()), expressions)


def _bundle(text: str) -> Bundle | Unreadable:
    try:
        return Bundle.parse(base64.b64decode(text, validate=True))
    except ValueError as error:
        return Unreadable(f"not base64: {error}")
