"""What is wrong with the pods of the dry runs.

Rule: a pod that asks for nothing is the measure. What it is refused for has nothing to do with us; what only a pod
      that asks is refused for has.

    declines   asks                                   said
    refused    -                                      reached-without-asking (our call failed), pods-refused
    injected   -                                      injected-without-asking
    as it was  refused, our webhook's call failed     the cause: certificate-expired ... no-answer
    as it was  refused, another webhook's name        other-webhook-refuses
    as it was  refused                                asking-pod-refused
    as it was  as it was, in a namespace that is seen not-injected
    as it was  injected, and parts are missing        stripped
    as it was  injected                               the same for the pod with an ambassador, and for a silent one
"""

import re
from collections.abc import Iterator, Mapping

from webhook.cluster.check.facts import DOORS, Admitted, Ask, Facts, Gap, Outcome, Refused
from webhook.cluster.check.findings import Code, Finding
from webhook.cluster.check.rules.namespace import excluded, mutating, named

# A call that failed is told in words only: Status has no other field for it.
# webhookutil.ErrCallingWebhook and webhookerrors.ToStatusErr of k8s.io/apiserver 0.36
CALL_FAILED = re.compile(r'failed calling webhook "([^"]+)"')
DENIED = re.compile(r'admission webhook "([^"]+)" denied the request')
# The first that stands in the words: crypto/x509 of Go 1.26 (verify.go), k8s.io/apiserver/pkg/util/proxy,
# client-go/transport. Whatever is none of these is no-answer.
CAUSES = (
    ("x509: certificate has expired or is not yet valid", Code.EXPIRED),
    ("x509: certificate signed by unknown authority", Code.UNTRUSTED),
    ("x509: certificate is valid for", Code.NAMES),
    ("x509: certificate is not valid for any names", Code.NAMES),
    ("x509: certificate relies on legacy Common Name field", Code.NAMES),
    ("x509: certificate specifies an incompatible key usage", Code.USAGE),
    ("unable to load root certificates", Code.CA_UNREADABLE),
    ("no endpoints available for service", Code.NO_ENDPOINT),
    ('" not found', Code.SERVICE_MISSING),
)


def trials(facts: Facts) -> Iterator[Finding]:
    """The table above."""
    if isinstance(facts.trials, Gap) or facts.webhooks == ():
        return
    where = str(facts.namespace)
    match facts.trials[Ask.DECLINES]:
        case Refused(message) if _ours(CALL_FAILED, message, facts):
            yield Finding(Code.REACHED, where, message)
        case Refused(message):
            yield Finding(Code.PODS_REFUSED, where, message)
        case Admitted(injected=True):
            yield Finding(Code.TOUCHED, where, "a pod that declines was injected")
        case Admitted():
            yield from _pods(facts, facts.trials, where)


def _pods(facts: Facts, tried: Mapping[Ask, Outcome], where: str) -> Iterator[Finding]:
    if not excluded(facts, DOORS[0]):
        asking = list(_asking(facts, tried[Ask.ASKS], f"{where}, a pod that asks", Code.ASKING_REFUSED))
        yield from asking
        if not asking:  # else the ambassador's pod fails of the same
            also = f"{where}, a pod with an ambassador"
            yield from _asking(facts, tried[Ask.AMBASSADOR], also, Code.AMBASSADOR_REFUSED)
    silent = tried[Ask.SILENT]
    if isinstance(facts.namespace.labels, Gap):
        return  # whether the namespace asks for it, nobody knows
    if facts.namespace.asks and not excluded(facts, DOORS[1]):
        yield from _asking(facts, silent, f"{where}, a pod that leaves it to the namespace", Code.ASKING_REFUSED)
    elif isinstance(silent, Admitted) and silent.injected:
        yield Finding(Code.TOUCHED, where, "a pod without the annotation was injected")


def _asking(facts: Facts, outcome: Outcome, where: str, otherwise: Code) -> Iterator[Finding]:
    candidates = f"; candidates: {named(mutating(facts))}" if mutating(facts) else ""
    match outcome:
        case Refused(message):
            yield Finding(_cause(message, facts, otherwise), where, message)
        case Admitted(injected=False):
            yield Finding(Code.NOT_INJECTED, where, f"podmeta/status is not there{candidates}")
        case Admitted(missing=missing):
            if missing:
                said = f"podmeta/status names {', '.join(missing)}, which are not there{candidates}"
                yield Finding(Code.STRIPPED, where, said)


def _cause(message: str, facts: Facts, otherwise: Code) -> Code:
    if _ours(CALL_FAILED, message, facts):
        return next((code for words, code in CAUSES if words in message), Code.NO_ANSWER)
    if _ours(DENIED, message, facts) or not (CALL_FAILED.search(message) or DENIED.search(message)):
        return otherwise
    return Code.OTHER_REFUSES


def _ours(pattern: re.Pattern[str], message: str, facts: Facts) -> bool:
    found = pattern.search(message)
    return found is not None and found[1] in {*DOORS, *(webhook.name for webhook in facts.ours)}
