"""The judge of `podmeta check`: every finding from facts that call for it, and not from the nearest that do not."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec.structs import replace

from certs import Bundle, CertificateAuthority, Unreadable
from docs.generate import findings as page
from webhook.cluster.check.facts import (
    Account,
    Admitted,
    Ask,
    Deployment,
    Facts,
    Gap,
    Namespace,
    Refused,
    Replica,
    Requirement,
    Right,
    Selector,
    Served,
    Service,
    Target,
    Unread,
    Webhook,
)
from webhook.cluster.check.findings import Code, Finding, clean, worst_first
from webhook.cluster.check.judge import judge
from webhook.cluster.check.rules.trials import CAUSES

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TARGET = Target("podmeta", "podmeta", 443)
CA = CertificateAuthority.issue(NOW)
STALE = CertificateAuthority.issue(NOW - 400 * DAY)
AGED = CertificateAuthority.issue(NOW - 300 * DAY)
NAME = "kubernetes.io/metadata.name"
EXCLUDED = Selector(match_expressions=(Requirement(NAME, "NotIn", ("kube-system", "podmeta")),))
SETTINGS = {
    "PODMETA_CERTIFICATES": "self-managed",
    "PODMETA_SHUTDOWN_GRACE": "10",
    "PODMETA_KUBERNETES_VERSION": "1.36",
}
POD = Webhook(
    "podmeta", "pod.inject.podmeta", mutating=True, namespace_selector=EXCLUDED, match_conditions=("asks",),
    reinvocation_policy="IfNeeded", ca_bundle=CA.bundle, target=TARGET,
)  # fmt: skip
DOORS = (POD, replace(POD, name="namespace.inject.podmeta"))
OTHER = Webhook("istio", "inject.istio.io", mutating=True)
LEAF = CA.serving([TARGET.host], NOW).certificate
REPLICA = Replica("podmeta-1", served=Served(LEAF, trusted=True))
DEPLOYMENT = Deployment("podmeta", wanted=2, ready=2, account="podmeta", settings=SETTINGS)
SERVICE = Service(TARGET, endpoints=2, replicas=(REPLICA,), deployment=DEPLOYMENT, budgeted=True)
TRIALS: Mapping[Ask, Any] = {
    Ask.DECLINES: Admitted(injected=False),
    Ask.SILENT: Admitted(injected=False),
    Ask.ASKS: Admitted(injected=True),
    Ask.AMBASSADOR: Admitted(injected=True),
}
HEALTHY = Facts(
    now=NOW, minor=36, webhooks=DOORS, services=(SERVICE,), namespace=Namespace("shop", {NAME: "shop"}), trials=TRIALS,
    account=Account("shop", "default", exists=True, lists_pods=True, does_everything=False),
)  # fmt: skip
FAILED = 'Internal error occurred: failed calling webhook "pod.inject.podmeta": failed to call webhook: Post: '


def facts(**changes: Any) -> Facts:
    return replace(HEALTHY, **changes)


def doors(**changes: Any) -> Facts:
    return facts(webhooks=tuple(replace(webhook, **changes) for webhook in DOORS))


def service(**changes: Any) -> Facts:
    return facts(services=(replace(SERVICE, **changes),))


def deployment(**changes: Any) -> Facts:
    return service(deployment=replace(DEPLOYMENT, **changes))


def served(certificate: Any = LEAF, *, trusted: bool = True, **settings: str) -> Facts:
    return service(
        replicas=(Replica("podmeta-1", served=Served(certificate, trusted=trusted)),),
        deployment=replace(DEPLOYMENT, settings={**SETTINGS, **settings}),
    )


def tried(**outcomes: Any) -> Facts:
    return facts(trials={**TRIALS, **{Ask(name): outcome for name, outcome in outcomes.items()}})


def labelled(label: str, **changes: Any) -> Facts:
    return facts(namespace=Namespace("shop", {NAME: "shop", "podmeta/inject": label}), **changes)


def account(**changes: Any) -> Facts:
    assert HEALTHY.account
    return facts(account=replace(HEALTHY.account, **changes))


FOR_CLIENTS = (
    x509.CertificateBuilder()
    .subject_name(LEAF.subject)
    .issuer_name(LEAF.issuer)
    .public_key(CA.key.public_key())
    .serial_number(1)
    .not_valid_before(NOW - DAY)
    .not_valid_after(NOW + 90 * DAY)
    .add_extension(x509.SubjectAlternativeName([x509.DNSName(TARGET.host)]), critical=False)
    .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    .sign(CA.key, SHA256())
)
NOWHERE, UNKNOWN = Namespace("shop", Gap.ABSENT), Namespace("shop", Gap.UNREAD)
SEEN_BY_NOBODY = Selector(match_labels=(("never", "true"),))
SILENT = {**TRIALS, Ask.SILENT: Admitted(injected=True)}

# code: facts that call for it, and the nearest that do not
ROWS: list[tuple[Code, Facts, Facts]] = [
    (Code.UNREAD, facts(unread=(Unread("Secrets", "forbidden", needed=True),)), HEALTHY),
    (Code.UNSEEN, facts(unread=(Unread("Secrets", "forbidden", needed=False),)), HEALTHY),
    (Code.CLUSTER_OLD, facts(minor=28), facts(minor=29)),
    (Code.CLUSTER_OLD, facts(minor=1), facts(minor=0)),
    (Code.VERSION_SETTING, facts(minor=35), facts(minor=36)),
    (Code.NOT_INSTALLED, facts(webhooks=()), facts(webhooks=Gap.UNREAD)),
    (Code.SEVERAL, facts(webhooks=(*DOORS, replace(POD, configuration="again"))), HEALTHY),
    (Code.DOOR_MISSING, facts(webhooks=DOORS[:1]), HEALTHY),
    (Code.DOOR_MISSING, facts(webhooks=DOORS[1:]), HEALTHY),
    (Code.CA_EMPTY, doors(ca_bundle=Bundle()), HEALTHY),
    (Code.CA_UNREADABLE, doors(ca_bundle=Unreadable("not PEM")), HEALTHY),
    (Code.CA_DIFFER, facts(webhooks=(POD, replace(DOORS[1], ca_bundle=AGED.bundle))), doors(ca_bundle=AGED.bundle)),
    (Code.CA_EXPIRED, doors(ca_bundle=STALE.bundle), doors(ca_bundle=CA.bundle.merge(STALE.bundle))),
    (Code.CA_EXPIRED, doors(ca_bundle=CertificateAuthority.issue(NOW + DAY).bundle), HEALTHY),
    (Code.CA_LEFTOVER, doors(ca_bundle=CA.bundle.merge(STALE.bundle)), doors(ca_bundle=CA.bundle.merge(AGED.bundle))),
    (Code.LATE, doors(ca_bundle=AGED.bundle), HEALTHY),
    (Code.LAST_THIRD, replace(doors(ca_bundle=AGED.bundle), services=()), doors(ca_bundle=AGED.bundle)),
    (Code.IGNORE, doors(failure_policy="Ignore"), HEALTHY),
    (Code.NEVER_REINVOKED, doors(reinvocation_policy="Never"), HEALTHY),
    (Code.CONDITIONS, doors(match_conditions=()), HEALTHY),
    (Code.SYSTEM_REACHED, doors(namespace_selector=Selector()), HEALTHY),
    (Code.SYSTEM_REACHED, doors(target=replace(TARGET, namespace="other")), doors(failure_policy="Ignore")),
    (Code.TIMEOUT, doors(timeout_seconds=11), doors(timeout_seconds=10)),
    (Code.SERVICE_MISSING, facts(services=(), missing_services=(TARGET,)), HEALTHY),
    (Code.ELSEWHERE, service(selects_pods=False), HEALTHY),
    (Code.NO_ENDPOINT, service(endpoints=0), service(endpoints=Gap.UNREAD)),
    (Code.REPLICAS, deployment(ready=1), HEALTHY),
    (Code.REPLICAS, deployment(wanted=0, ready=0), service(deployment=Gap.UNREAD)),
    (Code.POD_UNREADY, service(replicas=(Replica("podmeta-1", "no certificate is served yet"),)), HEALTHY),
    (Code.ONE_REPLICA, deployment(wanted=1, ready=1), HEALTHY),
    (Code.NO_BUDGET, service(budgeted=False), service(budgeted=Gap.UNREAD)),
    (Code.SERVICE_RIGHTS, service(lacking=(Right("patch", "apps", "deployments", "podmeta", "x"),)), HEALTHY),
    (Code.NO_HANDSHAKE, service(replicas=(Replica("podmeta-1", served="EOF"),)), HEALTHY),
    (Code.EXPIRED, served(CA.serving([TARGET.host], NOW, lifetime=-DAY / 48).certificate), HEALTHY),
    (
        Code.NAMES,
        served(CA.serving(["podmeta.other.svc"], NOW).certificate),
        served(CA.serving(["*.podmeta.svc"], NOW).certificate),
    ),
    (Code.UNTRUSTED, served(trusted=False), HEALTHY),
    (Code.USAGE, served(FOR_CLIENTS), HEALTHY),
    (Code.LATE, served(AGED.serving([TARGET.host], NOW - 80 * DAY).certificate), HEALTHY),
    (
        Code.LAST_THIRD,
        served(AGED.serving([TARGET.host], NOW - 80 * DAY).certificate, PODMETA_CERTIFICATES="files"),
        served(AGED.serving([TARGET.host], NOW - 80 * DAY).certificate),
    ),
    (Code.NOT_INJECTED, tried(asks=Admitted(injected=False)), doors(namespace_selector=SEEN_BY_NOBODY)),
    (Code.NOT_INJECTED, labelled("enabled"), labelled("enabled", trials=SILENT)),
    (Code.NOT_INJECTED, tried(ambassador=Admitted(injected=False)), HEALTHY),
    (Code.STRIPPED, tried(asks=Admitted(True, ("env POD_IP of container main",))), HEALTHY),
    (Code.STRIPPED, tried(ambassador=Admitted(True, ("container podmeta-ambassador",))), HEALTHY),
    (Code.TOUCHED, tried(declines=Admitted(injected=True)), HEALTHY),
    (Code.TOUCHED, tried(silent=Admitted(injected=True)), labelled("enabled", trials=SILENT)),
    (Code.REACHED, tried(declines=Refused(FAILED)), tried(declines=Refused("exceeded quota"))),
    (Code.PODS_REFUSED, tried(declines=Refused("exceeded quota")), tried(declines=Refused(FAILED))),
    (Code.NO_ANSWER, tried(asks=Refused(FAILED + "context deadline exceeded")), HEALTHY),
    (Code.OTHER_REFUSES, tried(asks=Refused('failed calling webhook "inject.istio.io": EOF')), HEALTHY),
    (
        Code.OTHER_REFUSES,
        tried(asks=Refused('admission webhook "inject.istio.io" denied the request: no')),
        tried(asks=Refused('admission webhook "pod.inject.podmeta" denied the request: no')),
    ),
    (
        Code.ASKING_REFUSED,
        tried(asks=Refused('admission webhook "pod.inject.podmeta" denied the request: no')),
        tried(declines=Refused("exceeded quota"), asks=Refused("exceeded quota")),
    ),
    (
        Code.AMBASSADOR_REFUSED,
        tried(ambassador=Refused("exceeded quota")),
        tried(asks=Refused("exceeded quota"), ambassador=Refused("exceeded quota")),
    ),
    (Code.NAMESPACE_MISSING, facts(namespace=NOWHERE), facts(namespace=UNKNOWN)),
    (Code.EXCLUDED, facts(namespace=Namespace("podmeta", {NAME: "podmeta"})), HEALTHY),
    (
        Code.EXCLUDED,
        labelled("enabled", webhooks=(POD, replace(DOORS[1], namespace_selector=SEEN_BY_NOBODY))),
        facts(webhooks=(POD, replace(DOORS[1], namespace_selector=SEEN_BY_NOBODY))),
    ),
    (Code.NAMESPACE_LABEL, labelled("true"), labelled("enabled")),
    (Code.LATER, facts(others=(replace(OTHER, configuration="zz"),)), facts(others=(OTHER,))),
    (Code.LATER, facts(others=(replace(OTHER, configuration="zz"),), namespace=UNKNOWN), HEALTHY),
    (
        Code.VALIDATING,
        facts(others=(replace(OTHER, mutating=False),)),
        facts(others=(replace(OTHER, mutating=False, namespace_selector=SEEN_BY_NOBODY),)),
    ),
    (Code.ACCOUNT_MISSING, account(exists=False), account(exists=Gap.UNREAD)),
    (Code.ACCOUNT_RIGHTS, account(lists_pods=False), account(lists_pods=Gap.UNREAD)),
    (Code.ACCOUNT_EVERYTHING, account(does_everything=True), facts(account=None)),
]  # fmt: skip


def codes(found: Facts) -> set[Code]:
    return {finding.code for finding in judge(found)}


def test_of_a_healthy_cluster_nothing_is_said() -> None:
    assert judge(HEALTHY) == ()


@pytest.mark.parametrize(("code", "broken", "other"), ROWS, ids=[f"{index}-{row[0]}" for index, row in enumerate(ROWS)])
def test_a_finding_comes_of_its_facts_and_of_no_others(code: Code, broken: Facts, other: Facts) -> None:
    assert code in codes(broken)
    assert code not in codes(other)


def test_every_finding_has_a_row() -> None:
    assert set(Code) == {code for code, _, _ in ROWS}


@pytest.mark.parametrize(("words", "code"), CAUSES)
def test_the_cause_of_a_call_that_failed_is_in_its_words(words: str, code: Code) -> None:
    """Of our webhook; the same words about another's are that one's affair."""
    assert codes(tried(asks=Refused(FAILED + words))) == {code}
    other = f'failed calling webhook "inject.istio.io": {words}'
    assert codes(tried(asks=Refused(other))) == {Code.OTHER_REFUSES}


def test_who_may_have_stripped_is_named_and_who_cannot_is_not() -> None:
    """A webhook that only validates, or does not see the namespace, changes no pod."""
    others = (
        OTHER,
        replace(OTHER, name="validates.example.com", mutating=False),
        replace(OTHER, name="elsewhere.example.com", namespace_selector=SEEN_BY_NOBODY),
    )
    (said,) = [
        finding.what
        for finding in judge(replace(tried(asks=Admitted(True, ("env POD_IP of container main",))), others=others))
        if finding.code is Code.STRIPPED
    ]
    assert said == (
        "podmeta/status names env POD_IP of container main, which are not there; candidates: inject.istio.io (istio)"
    )


@pytest.mark.parametrize(
    ("authority", "said"),
    [
        (STALE, "the CA expired at 2026-04-27T00:00:00Z"),
        (AGED, "the CA expires at 2026-08-05T00:00:00Z, in 65 days of 365"),
        (CertificateAuthority.issue(NOW + DAY), "the CA is not valid before 2026-06-01T23:00:00Z"),
    ],
)
def test_the_times_of_a_certificate_are_told(authority: CertificateAuthority, said: str) -> None:
    assert {finding.what for finding in judge(doors(ca_bundle=authority.bundle))} == {said}


def test_one_fault_is_told_once() -> None:
    """A pod that asks is refused: its ambassador is not judged as well."""
    both = tried(asks=Refused(FAILED), ambassador=Refused(FAILED))
    assert [finding.where for finding in judge(both)] == ["Namespace shop, a pod that asks"]


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (facts(webhooks=Gap.UNREAD, services=()), set()),
        (facts(trials=Gap.UNREAD), set()),
        (facts(namespace=UNKNOWN), set()),
        (facts(namespace=UNKNOWN, trials=SILENT), set()),
        (replace(tried(asks=Admitted(injected=False)), webhooks=Gap.UNREAD, services=()), {Code.NOT_INJECTED}),
        (replace(tried(asks=Refused(FAILED)), webhooks=Gap.UNREAD, namespace=UNKNOWN), {Code.NO_ANSWER}),
        (facts(webhooks=(), services=()), {Code.NOT_INSTALLED}),
    ],
)
def test_what_nobody_has_seen_is_not_judged(gap: Facts, said: set[Code]) -> None:
    assert codes(gap) == said


@pytest.mark.parametrize(
    ("requirement", "labels", "holds"),
    [
        (Requirement("a", "In", ("1",)), {"a": "1"}, True),
        (Requirement("a", "In", ("1",)), {"a": "2"}, False),
        (Requirement("a", "In", ("1",)), {}, False),
        (Requirement("a", "NotIn", ("1",)), {"a": "1"}, False),
        (Requirement("a", "NotIn", ("1",)), {}, True),
        (Requirement("a", "Exists", ()), {"a": ""}, True),
        (Requirement("a", "Exists", ()), {}, False),
        (Requirement("a", "DoesNotExist", ()), {"a": ""}, False),
        (Requirement("a", "DoesNotExist", ()), {}, True),
    ],
)
def test_a_selector_selects_as_kubernetes_does(requirement: Requirement, labels: dict[str, str], holds: bool) -> None:
    assert Selector(match_expressions=(requirement,)).selects(labels) is holds
    assert Selector((("b", "1"),), (requirement,)).selects({**labels, "b": "1"}) is holds
    assert not Selector((("b", "1"),), (requirement,)).selects(labels)


def test_the_worst_comes_first_and_only_notes_are_clean() -> None:
    note, warning, error = (Finding(code, "", "") for code in (Code.IGNORE, Code.SEVERAL, Code.CA_EMPTY))
    assert worst_first([note, warning, error, note]) == (error, warning, note)
    assert [clean((one,)) for one in (note, warning, error)] == [True, False, False]
    assert clean(())


def test_every_finding_is_documented() -> None:
    """Its anchor is a heading of the page, and beside it stand the table's sentences."""
    text = page.findings()
    for code in Code:
        assert f"\n## {code.anchor.partition('#')[2]}\n" in text
        assert f"{code.severity.capitalize()}: {code.means}.\n\nTo do: {code.mend}.\n" in text
