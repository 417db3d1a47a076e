"""What is wrong with the webhook configuration, whoever serves it."""

from collections.abc import Iterator

from certs import Unreadable
from webhook.cluster.check.facts import DOORS, Deployment, Facts, Gap, Webhook
from webhook.cluster.check.findings import Code, Finding

SYSTEM = "kube-system"
NAME_LABEL = "kubernetes.io/metadata.name"  # the API server sets it on every namespace


def installed(facts: Facts) -> Iterator[Finding]:
    """There is one configuration, with both doors."""
    if isinstance(facts.webhooks, Gap):
        return
    if not facts.webhooks:
        named = f"in {facts.wanted} none sees pods" if facts.wanted else f"none is called {' or '.join(DOORS)}"
        yield Finding(Code.NOT_INSTALLED, "cluster", f"of the webhooks {named}")
    configurations = dict.fromkeys(webhook.configuration for webhook in facts.webhooks)
    if len(configurations) > 1:
        yield Finding(Code.SEVERAL, "cluster", f"MutatingWebhookConfigurations {', '.join(configurations)}")
    for configuration in configurations:
        ours = [webhook for webhook in facts.webhooks if webhook.configuration == configuration]
        missing = [door for door in DOORS if door not in {webhook.name for webhook in ours}]
        if missing:
            yield Finding(Code.DOOR_MISSING, str(ours[0]), f"there is no webhook {', '.join(missing)}")


def bundles(facts: Facts) -> Iterator[Finding]:
    """Every webhook has a caBundle that can be read, and all of one configuration the same."""
    for webhook in facts.ours:
        if isinstance(webhook.ca_bundle, Unreadable):
            yield Finding(Code.CA_UNREADABLE, _at(webhook), webhook.ca_bundle.problem)
        elif not webhook.ca_bundle.certificates:
            yield Finding(Code.CA_EMPTY, _at(webhook), "caBundle is empty")
    for configuration in dict.fromkeys(map(str, facts.ours)):
        ours = [webhook for webhook in facts.ours if str(webhook) == configuration]
        if any(webhook.ca_bundle != ours[0].ca_bundle for webhook in ours):
            names = ", ".join(webhook.name for webhook in ours)
            yield Finding(Code.CA_DIFFER, configuration, f"the caBundles of {names} are not the same")


def policy(facts: Facts) -> Iterator[Finding]:
    """What the API server does with the webhooks."""
    for webhook in facts.ours:
        if webhook.failure_policy == "Ignore":
            yield Finding(Code.IGNORE, _at(webhook), "failurePolicy: Ignore")
        if webhook.reinvocation_policy == "Never":
            yield Finding(Code.NEVER_REINVOKED, _at(webhook), "reinvocationPolicy: Never")
        if not webhook.match_conditions:
            yield Finding(Code.CONDITIONS, _at(webhook), "there are no matchConditions")
        own = webhook.target.namespace if webhook.target else SYSTEM
        reached = [
            name for name in dict.fromkeys((SYSTEM, own)) if webhook.namespace_selector.selects({NAME_LABEL: name})
        ]
        if reached and webhook.failure_policy != "Ignore":
            yield Finding(Code.SYSTEM_REACHED, _at(webhook), f"namespaceSelector selects {', '.join(reached)}")


def timeouts(facts: Facts) -> Iterator[Finding]:
    """A replica that ends answers as long as the API server waits."""
    for webhook in facts.ours:
        service = facts.service(webhook)
        if not service or not isinstance(service.deployment, Deployment):
            continue
        grace = service.deployment.settings.get("PODMETA_SHUTDOWN_GRACE", "")
        if grace.isdigit() and int(grace) < webhook.timeout_seconds:
            said = f"timeoutSeconds: {webhook.timeout_seconds}, PODMETA_SHUTDOWN_GRACE: {grace}"
            yield Finding(Code.TIMEOUT, _at(webhook), said)


def _at(webhook: Webhook) -> str:
    return f"{webhook}, {webhook.name}"
