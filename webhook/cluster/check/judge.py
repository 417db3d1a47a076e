"""The judge: facts in, findings out. Pure: the time is a fact, and nothing is asked of anybody."""

from collections.abc import Callable, Iterator

from webhook.cluster.check.facts import Facts
from webhook.cluster.check.findings import Code, Finding, worst_first
from webhook.cluster.check.rules import certificates, configuration, namespace, service, trials


def looked(facts: Facts) -> Iterator[Finding]:
    """What the check could not do."""
    for unread in facts.unread:
        yield Finding(Code.UNREAD if unread.needed else Code.UNSEEN, unread.what, unread.why)


RULES: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    configuration.installed,
    configuration.bundles,
    certificates.authorities,
    service.reachable,
    service.replicas,
    service.rights,
    certificates.served,
    namespace.asked,
    trials.trials,
    namespace.account,
    configuration.policy,
    configuration.timeouts,
    service.version,
    namespace.others,
    looked,
)


def judge(facts: Facts) -> tuple[Finding, ...]:
    """Every finding, the worst first."""
    return worst_first([finding for rule in RULES for finding in rule(facts)])
