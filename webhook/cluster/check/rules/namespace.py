"""What is wrong with the namespace that the user asks about, and with the ServiceAccount of its pods."""

from collections.abc import Iterator

from webhook.cluster.check.facts import DOORS, LABEL, Facts, Gap, Webhook
from webhook.cluster.check.findings import Code, Finding


def asked(facts: Facts) -> Iterator[Finding]:
    """It exists, it is not excluded, and its label says something."""
    where, labels = str(facts.namespace), facts.namespace.labels
    if labels is Gap.ABSENT:
        yield Finding(Code.NAMESPACE_MISSING, where, "it does not exist")
    if isinstance(labels, Gap):
        return
    label = labels.get(LABEL)
    if label not in (None, "enabled"):
        yield Finding(Code.NAMESPACE_LABEL, where, f"{LABEL}: {label}; accepted: enabled")
    if excluded(facts, DOORS[0]):
        yield Finding(Code.EXCLUDED, where, "no webhook of podmeta selects it")
    elif facts.namespace.asks and excluded(facts, DOORS[1]):
        yield Finding(Code.EXCLUDED, where, f"it asks, and {DOORS[1]} does not select it")


def excluded(facts: Facts, door: str) -> bool:
    """Whether webhooks of that door are there, and none of them sees the namespace."""
    doors = [webhook for webhook in facts.ours if webhook.name == door]
    return bool(doors) and not any(_sees(webhook, facts) for webhook in doors)


def others(facts: Facts) -> Iterator[Finding]:
    """Who else has a say about pods here."""
    if not facts.ours:
        return
    last = max(webhook.configuration for webhook in facts.ours)
    # They are called in the order of their configurations' names.
    later = [w for w in facts.others if w.mutating and w.configuration > last and _sees(w, facts)]
    validating = [webhook for webhook in facts.others if not webhook.mutating and _sees(webhook, facts)]
    if later:
        yield Finding(Code.LATER, "cluster", named(later))
    if validating:
        yield Finding(Code.VALIDATING, "cluster", named(validating))


def mutating(facts: Facts) -> list[Webhook]:
    """Webhooks of others that may change a pod of the namespace."""
    return [webhook for webhook in facts.others if webhook.mutating and _sees(webhook, facts)]


def named(webhooks: list[Webhook]) -> str:
    """For a sentence: each with its configuration."""
    return ", ".join(f"{webhook.name} ({webhook.configuration})" for webhook in webhooks)


def account(facts: Facts) -> Iterator[Finding]:
    """What its pods may do through the ambassador: something, and not everything."""
    if facts.account is None:
        return
    where = str(facts.account)
    if facts.account.exists is False:
        yield Finding(Code.ACCOUNT_MISSING, where, "a pod that names it is not made")
    if facts.account.lists_pods is False:
        yield Finding(Code.ACCOUNT_RIGHTS, where, f"it may not list pods in {facts.account.namespace}")
    if facts.account.does_everything is True:
        yield Finding(Code.ACCOUNT_EVERYTHING, where, f"it may * *.* in {facts.account.namespace}")


def _sees(webhook: Webhook, facts: Facts) -> bool:
    """A namespace that nobody could read counts as seen."""
    labels = facts.namespace.labels
    return isinstance(labels, Gap) or webhook.namespace_selector.selects(labels)
