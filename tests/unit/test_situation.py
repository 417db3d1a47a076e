"""The Situation: which containers are selected, what is ours already, and what counts as declared."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.pods import DEBUG, DEFAULTS, JSON, OPTIONS, app, asked, notes, pod
from webhook.api.pod import Quantities, Resources
from webhook.inject.annotations import Options, parse
from webhook.inject.question import Door
from webhook.inject.reasons import Reason
from webhook.inject.situation import Defaults, Note, Situation, amount, declared
from webhook.inject.status import Added


def situation(whole: JSON, added: Added = Added(), **request: Any) -> Situation:  # noqa: B008 - it is frozen
    question = asked(whole, **request)
    return Situation.of(question, parse(question.annotations, OPTIONS)[0], DEFAULTS, added)


THREE = {"initContainers": [app("init")], "containers": [app(), app("log")]}


@pytest.mark.parametrize(
    ("texts", "selected"),
    [
        pytest.param({}, ["init", "app", "log"], id="all by default"),
        pytest.param({"containers": "log"}, ["log"], id="one chosen"),
        pytest.param({"containers": "log,init"}, ["init", "log"], id="in the order of the pod"),
        pytest.param({"skip-containers": "log"}, ["init", "app"], id="one left out"),
        pytest.param({"containers": "init,app", "skip-containers": "log"}, ["init", "app"], id="both lists"),
        pytest.param({"skip-containers": "log,app,init"}, [], id="all left out"),
    ],
)
def test_which_containers_get_env_and_volume(texts: dict[str, str], selected: list[str]) -> None:
    """The two lists choose among regular and init containers; whoever is left out has a note that says so."""
    found = situation(pod(texts, **THREE))
    assert [target.name for target in found.selected] == selected
    left_out = [name for name in ("init", "app", "log") if name not in selected]
    assert found.notes() == [(name, (Note("", Reason.NOT_SELECTED),)) for name in left_out]


@pytest.mark.parametrize("asks", ["true", "false"])
@pytest.mark.parametrize("added", [Added(), Added(containers=("podmeta-ambassador",))], ids=["new", "injected before"])
def test_the_ambassador_itself_is_never_selected_and_never_missed(asks: str, added: Added) -> None:
    """Asked for or named by the status, it gets neither env nor a note; else a container of that name is a user's."""
    whole = pod(
        {"ambassador": asks, "skip-containers": "log"}, containers=[app(), app("log"), app("podmeta-ambassador")]
    )
    found = situation(whole, added)
    ours = asks == "true" or added != Added()
    assert [target.name for target in found.selected] == ["app", *([] if ours else ["podmeta-ambassador"])]
    assert [name for name, _ in found.notes()] == ["log"]
    assert found.has("podmeta-ambassador")
    assert not situation(pod()).has("podmeta-ambassador")


def test_the_ambassador_is_no_name_for_the_lists() -> None:
    """podmeta/containers names the user's containers; the ambassador is not offered either."""
    whole = pod(
        {"ambassador": "true", "containers": "podmeta-ambassador"}, containers=[app(), app("podmeta-ambassador")]
    )
    assert [(p.value, p.accepted) for p in situation(whole).problems()] == [("podmeta-ambassador", "app")]


DEBUGGERS = [
    app("old"),
    app("bare"),
    app("of-app", targetContainerName="app"),
    app("of-log", targetContainerName="log"),
]


@pytest.mark.parametrize(
    ("texts", "selected"),
    [
        pytest.param({}, ["bare", "of-app", "of-log"], id="all new ones"),
        pytest.param({"containers": "app"}, ["bare", "of-app"], id="those of a chosen container, and those of none"),
        pytest.param({"skip-containers": "app"}, ["bare", "of-log"], id="not those of one left out"),
        pytest.param({"skip-containers": "bare"}, ["of-app", "of-log"], id="left out by its own name"),
    ],
)
def test_which_ephemeral_containers_get_something(texts: dict[str, str], selected: list[str]) -> None:
    """In a running pod only new ephemeral containers count, each going by the container that it debugs."""
    whole = pod(texts, **THREE, ephemeralContainers=DEBUGGERS)
    found = situation(whole, **DEBUG, oldObject=pod(**THREE, ephemeralContainers=DEBUGGERS[:1]))
    assert found.running
    assert [target.name for target in found.selected] == selected
    assert list(found.notes()) == []


def test_a_running_pods_other_containers_are_out_of_reach() -> None:
    """Nothing can be added to a regular container of a running pod, so it is not selected."""
    assert situation(pod(**THREE), **DEBUG).selected == ()


def test_asked_tells_the_pods_own_word_from_the_installers() -> None:
    """Keys are asked for as they are written, with a dash."""
    found = situation(pod({"ambassador-port": "9000"}))
    assert found.asked("ambassador-port")
    assert found.asked("inject")
    assert not found.asked("ambassador")


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        pytest.param(None, False, id="no resources"),
        pytest.param(Resources(), False, id="no limits"),
        pytest.param(Resources(limits=Quantities()), False, id="no such limit"),
        pytest.param(Resources(limits=Quantities(cpu="1")), False, id="another resource"),
        pytest.param(Resources(requests=Quantities(ephemeral_storage="1Gi")), False, id="a request"),
        pytest.param(Resources(limits=Quantities(ephemeral_storage="1Gi")), True, id="declared"),
        pytest.param(Resources(limits=Quantities(ephemeral_storage=1)), True, id="as a number"),
        pytest.param(Resources(limits=Quantities(ephemeral_storage="0")), False, id="zero is none"),
        pytest.param(Resources(limits=Quantities(ephemeral_storage=0)), False, id="zero as a number"),
        pytest.param(Resources(limits=Quantities(ephemeral_storage="0.0Mi")), False, id="zero with a unit"),
    ],
)
def test_what_counts_as_declared(resources: Resources | None, expected: bool) -> None:
    """A limit of that resource above zero; zero is none, as for the kubelet."""
    assert declared(resources, "limits", "ephemeral_storage") is expected


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (None, 0),
        ("0", 0),
        (0.0, 0),
        (2, 2),
        ("1", 1),
        ("+1", 1),
        ("1000m", 1),
        ("1.5", "1.5"),
        (0.25, "0.25"),
        ("250m", "0.25"),
        ("1.", 1),
        ("1000000u", 1),
        ("1000000000n", 1),
        ("1k", 1000),
        ("1M", 10**6),
        ("1G", 10**9),
        ("1T", 10**12),
        ("1P", 10**15),
        ("1E", 10**18),
        ("1Ki", 2**10),
        ("1Mi", 2**20),
        ("1Gi", 2**30),
        ("1Ti", 2**40),
        ("1Pi", 2**50),
        ("1Ei", 2**60),
        ("1e3", 1000),
        ("1E3", 1000),
        ("12e-1", "1.2"),
        (1e16, 10**16),
    ],
    ids=repr,
)
def test_what_a_quantity_amounts_to(quantity: Any, expected: int | str) -> None:
    """Every way in which Kubernetes writes a resource.Quantity, as a number."""
    assert amount(quantity) == Decimal(expected)


@pytest.mark.parametrize("text", ["", "m", "1 Gi", "1gi", "1K", "1mi", "--1", "1e", "one", "\uff11"], ids=repr)
def test_what_is_no_quantity_stays_as_it_is_written(text: str) -> None:
    """It is the API server's to refuse; here it is neither zero nor equal to anything else."""
    assert amount(text) == text
    assert declared(Resources(limits=Quantities(cpu=text)), "limits", "cpu")


def test_a_users_container_that_has_the_ambassadors_name_is_not_passed_over_in_silence() -> None:
    """A container that nobody of ours added is the user's: it gets its share, or a note says why not."""
    whole = pod({"volume": "false"}, containers=[app("podmeta-ambassador")])
    found = situation(whole)
    assert found.selected or notes(whole)


def test_what_an_installer_gets_without_a_word() -> None:
    """The defaults: deny, an image that is pinned, requests below limits, an unprivileged user."""
    defaults = Defaults(OPTIONS)
    assert defaults.deny_invalid
    assert defaults.kubernetes == 36
    assert defaults.ambassador_image == "registry.k8s.io/kubectl:v1.36.3"
    assert defaults.ambassador_user == 65532
    assert dict(defaults.ambassador_requests) == {"cpu": "10m", "memory": "64Mi"}
    assert dict(defaults.ambassador_limits) == {"cpu": "500m", "memory": "128Mi"}
    assert isinstance(defaults.options, Options)
    assert msgspec.structs.replace(defaults, options=OPTIONS) == defaults
    assert Door("namespace") is Door.NAMESPACE
