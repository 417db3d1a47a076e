"""One request to one Outcome: Patched, Skipped or Rejected, with everything that is to be said."""

import pytest

from tests.pods import JSON, about, app, asked, container, decided, env, injected, installed, patched, pod, skipped
from webhook.inject.mutate import Patched, Rejected, Skipped, consider, decide, warnings
from webhook.inject.plan import Plan
from webhook.inject.question import Door
from webhook.inject.reasons import Reason
from webhook.inject.situation import Note

BAD = {"env": "NOPE", "volume": "maybe", "ambassador": "maybe"}


def test_a_pod_that_asks_is_patched() -> None:
    """The Outcome names the containers and what is to be known about single items, each reason once."""
    outcome = patched(pod(containers=[app(), app("log")]))
    assert outcome.containers == ("app", "log")
    assert outcome.reasons == (Reason.REQUEST_ZERO, Reason.NODE_ALLOCATABLE)
    assert outcome.warnings == ()
    assert outcome.patch.startswith(b'[{"op":"add","path":"/spec/containers/0/env"')


def test_a_pod_that_asks_for_nothing_is_skipped() -> None:
    """There is no empty patch."""
    assert decided(pod({"env": "none", "volume": "false"})) == Skipped(Reason.NOTHING_TO_ADD)
    nothing = installed({"env": "none", "volume": "false"})
    assert decided({}, nothing, Door.NAMESPACE) == Skipped(Reason.NOTHING_TO_ADD)


def test_what_is_skipped_still_says_why() -> None:
    """A pod whose every item is the user's gets no patch, but reasons and warnings."""
    own = app(env=[{"name": "POD_IP"}], volumeMounts=[{"name": "d", "mountPath": "/etc/downward"}])
    assert decided(pod({"env": "POD_IP"}, containers=[own])) == Skipped(
        Reason.NOTHING_TO_ADD,
        ("podmeta: container app: /etc/downward: the container has a mount of its own at, below or above that path",),
        (Reason.MOUNT_KEPT, Reason.ENV_KEPT),
    )


def test_the_same_pod_again_is_nothing_to_add() -> None:
    """Re-injection of an injected pod changes nothing, at either of the two kinds of cluster."""
    for defaults in (installed(), installed(kubernetes=28)):
        after = injected(pod({"env": "all", "ambassador": "true"}, initContainers=[app("init")]), defaults)
        assert skipped(after, defaults).reason is Reason.NOTHING_TO_ADD


def test_a_container_that_a_later_webhook_adds_gets_its_share() -> None:
    """Per container and per item, not once per pod; what was injected before is not touched."""
    after = injected(pod())
    after["spec"]["containers"].insert(0, app("mesh", env=[{"name": "POD_IP", "value": "mine"}]))
    again = injected(after)
    assert container(again, "app") == container(after, "app")
    assert env(again, "mesh")["POD_IP"] == "mine"
    assert env(again, "mesh")["POD_NAME"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert patched(after).containers == ("mesh",)


def test_a_malformed_pod_is_rejected_with_every_problem() -> None:
    """onInvalid: deny."""
    outcome = decided(pod(BAD))
    assert isinstance(outcome, Rejected)
    assert [(p.key, p.value) for p in outcome.problems] == [
        ("podmeta/env", "NOPE"),
        ("podmeta/volume", "maybe"),
        ("podmeta/ambassador", "maybe"),
    ]


def test_on_invalid_warn_admits_the_pod_unchanged_and_says_every_problem() -> None:
    """No half of it is applied; each problem is a warning, each reason is kept once."""
    outcome = decided(pod(BAD), installed(deny_invalid=False))
    assert outcome == Skipped(
        Reason.INVALID,
        tuple(f"podmeta: not injected: {problem}" for problem in decided(pod(BAD)).problems),
        (Reason.UNKNOWN_VARIABLE, Reason.BAD_BOOLEAN),
    )
    assert outcome.warnings[1] == (
        'podmeta: not injected: podmeta/volume: \'maybe\': not a boolean; accepted: "true" or "false"'
    )


def test_on_invalid_changes_nothing_for_a_pod_that_is_valid() -> None:
    """Only what is malformed is treated differently."""
    quiet = pod({"inject": "false"})
    lenient = patched(pod(), installed(deny_invalid=False))
    assert (lenient.containers, lenient.warnings, lenient.reasons) == (
        patched(pod()).containers,
        patched(pod()).warnings,
        patched(pod()).reasons,
    )
    assert decided(quiet, installed(deny_invalid=False)) == decided(quiet) == Skipped(Reason.OPTED_OUT)


@pytest.mark.parametrize(
    ("whole", "kind"),
    [(pod(), Plan), (pod({"inject": "false"}), Skipped), (pod(BAD), Rejected)],
    ids=["plan", "skipped", "rejected"],
)
def test_consider_stops_before_the_bytes(whole: JSON, kind: type) -> None:
    """Whoever explains the decision gets what it is made of; a refusal stays one even where it would be admitted."""
    assert isinstance(consider(asked(whole), installed(deny_invalid=False)), kind)


def test_the_same_question_has_the_same_answer() -> None:
    """Pure: decided twice, the Outcome is equal to the last byte."""
    one, other = (decide(asked(pod({"env": "all", "ambassador": "true"})), installed()) for _ in range(2))
    assert isinstance(one, Patched)
    assert one == other


# warnings


def test_one_warning_for_each_container_and_reason() -> None:
    """Items of one kind are named together, what warns nobody is left out, a note of the pod names no container."""
    said = warnings(
        [
            ("app", (Note("A", Reason.TOPOLOGY, warn=True), Note("quiet", Reason.TOPOLOGY))),
            ("log", (Note("A", Reason.TOPOLOGY, warn=True),)),
            ("app", (Note("B", Reason.TOPOLOGY, warn=True), Note("A", Reason.LIMIT_MISSING, warn=True))),
            ("", (Note("x", Reason.NO_VOLUME, warn=True),)),
        ]
    )
    assert list(said) == [
        f"podmeta: container app: A, B: {Reason.TOPOLOGY.sentence}",
        f"podmeta: container log: A: {Reason.TOPOLOGY.sentence}",
        f"podmeta: container app: A: {Reason.LIMIT_MISSING.sentence}",
        f"podmeta: x: {Reason.NO_VOLUME.sentence}",
    ]


@pytest.mark.parametrize(
    ("length", "shown"),
    [(160, "x" * 160), (161, "x" * 159 + "…")],
    ids=["160 characters are whole", "more are cut to 160"],
)
def test_a_long_warning_is_cut_at_its_names_and_keeps_its_sentence(length: int, shown: str) -> None:
    """The API server cuts long warnings; the reason stands at the end, so the names give way."""
    (said,) = warnings([("app", (Note("x" * length, Reason.ENV_FROM, warn=True),))])
    assert said == f"podmeta: container app: {shown}: {Reason.ENV_FROM.sentence}"


def test_the_users_slip_is_warned_about_only_where_the_user_asked() -> None:
    """A preset without its limit: a warning if the pod named it, a mere reason if the installer did."""
    asks = patched(pod({"env": "POD_IP,go", "volume": "false"}))
    sentence = "a preset is injected only where the container declares that limit"
    assert asks.warnings == (f"podmeta: container app: GOMAXPROCS, GOMEMLIMIT: {sentence}",)
    defaults = installed({"env": "POD_IP,go", "volume": "false"})
    assert patched(pod(), defaults).warnings == ()
    assert len(about(pod(), Reason.LIMIT_MISSING, defaults=defaults)) == 2
