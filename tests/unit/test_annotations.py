"""The annotation table: what a pod, its installer and the defaults make of each key, and every problem at once."""

from typing import Any

import msgspec
import pytest

from tests.pods import OPTIONS, app, decided, installed, pod, problems
from webhook.inject.annotations import ANNOTATIONS, Options, Problem, attribute, defaults, parse
from webhook.inject.fields import STANDARD
from webhook.inject.mutate import Rejected
from webhook.inject.reasons import Reason

KEYS = [row.key for row in ANNOTATIONS]
ALL_KEYS = (
    "podmeta/inject, podmeta/env, podmeta/env-prefix, podmeta/volume, podmeta/volume-path, podmeta/volume-items, "
    "podmeta/ambassador, podmeta/ambassador-port, podmeta/ambassador-access, podmeta/ambassador-kubeconfig, "
    "podmeta/containers, podmeta/skip-containers"
)
INSTALLABLE = (
    "env, env-prefix, volume, volume-path, volume-items, "
    "ambassador, ambassador-port, ambassador-access, ambassador-kubeconfig"
)

# key without prefix, a text other than the default, the value that it means, one bad text, its reason and piece
ROWS: list[tuple[str, str, Any, str, Reason, str, str]] = [
    ("inject", "true", True, "yes", Reason.BAD_BOOLEAN, "yes", '"true" or "false"'),
    ("env", "none", (), "none,", Reason.BAD_LIST, "none,", "pieces between commas, none of them empty"),
    ("env-prefix", "K8S_", "K8S_", "8S", Reason.BAD_ENV_NAME, "8S", "letters, digits and _, not a digit first"),
    ("volume", "false", False, "off", Reason.BAD_BOOLEAN, "off", '"true" or "false"'),
    ("volume-path", "/pod", "/pod", "pod", Reason.BAD_PATH, "pod", "an absolute path below /"),
    ("volume-items", "a=metadata.uid", "a", "a", Reason.BAD_FILE, "a", "FILE=SELECTOR"),
    ("ambassador", "true", True, "TRUE", Reason.BAD_BOOLEAN, "TRUE", '"true" or "false"'),
    ("ambassador-port", "9000", 9000, "0", Reason.BAD_PORT, "0", "a number from 1 to 65535"),
    ("ambassador-access", "read-write", "read-write", "rw", Reason.BAD_CHOICE, "rw", "read-only or read-write"),
    ("ambassador-kubeconfig", "false", False, "no", Reason.BAD_BOOLEAN, "no", '"true" or "false"'),
    ("containers", "app", ("app",), "app,app", Reason.DUPLICATE, "app", "each name once"),
    ("skip-containers", "app", ("app",), ",", Reason.BAD_LIST, ",", "pieces between commas"),
]
INSTALLED = [row for row in ROWS if row[0] not in ("inject", "containers", "skip-containers")]


def _value(options: Options, name: str) -> Any:
    value = getattr(options, attribute(f"podmeta/{name}"))
    return value[0].path if name == "volume-items" and value else value


def test_the_rows_of_this_test_are_the_rows_of_the_table() -> None:
    """A new annotation needs a row here."""
    assert [f"podmeta/{row[0]}" for row in ROWS] == KEYS


def test_a_pod_that_says_nothing_has_the_defaults() -> None:
    """The defaults of the contract, none of them asked for by the pod."""
    assert parse((), OPTIONS) == (OPTIONS, [])
    assert msgspec.structs.asdict(OPTIONS) == {
        "inject": False,
        "env": STANDARD,
        "env_prefix": "",
        "volume": True,
        "volume_path": "/etc/downward",
        "volume_items": (),
        "ambassador": False,
        "ambassador_port": 8001,
        "ambassador_access": "read-only",
        "ambassador_kubeconfig": True,
        "containers": (),
        "skip_containers": (),
        "asked": frozenset(),
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_pods_annotation_wins_over_the_default_and_counts_as_asked(row: tuple[Any, ...]) -> None:
    """The value is taken over, nothing else changes, and the key is known to come from the pod."""
    name, text, value, *_ = row
    options, found = parse([(f"podmeta/{name}", text)], OPTIONS)
    assert found == []
    assert _value(options, name) == value != _value(OPTIONS, name)
    assert options.asked == {attribute(f"podmeta/{name}")}
    field = attribute(f"podmeta/{name}")
    unchanged = msgspec.structs.replace(options, asked=frozenset(), **{field: getattr(OPTIONS, field)})
    assert unchanged == OPTIONS


@pytest.mark.parametrize("row", INSTALLED, ids=lambda row: row[0])
def test_the_pod_wins_over_the_installer_and_the_installer_over_the_default(row: tuple[Any, ...]) -> None:
    """Precedence for every key; what only the installer said is not asked for by the pod."""
    name, text, value, *_ = row
    default_text = next(a.default for a in ANNOTATIONS if a.key == f"podmeta/{name}")
    base, found = defaults({name: text})
    assert found == []
    assert _value(base, name) == value
    assert base.asked == frozenset()
    if default_text:
        options, found = parse([(f"podmeta/{name}", default_text)], base)
        assert found == []
        assert _value(options, name) == _value(OPTIONS, name)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_bad_annotation_is_named_by_key_piece_and_accepted_form(row: tuple[Any, ...]) -> None:
    """The Problem and its sentence name the key, the offending piece, the reason and what would be accepted."""
    name, _, _, bad, reason, piece, accepted = row
    (problem,) = parse([(f"podmeta/{name}", bad)], OPTIONS)[1]
    assert (problem.reason, problem.key, problem.value) == (reason, f"podmeta/{name}", piece)
    assert problem.accepted.startswith(accepted)
    assert str(problem) == f"podmeta/{name}: {piece!r}: {reason.sentence}; accepted: {problem.accepted}"


@pytest.mark.parametrize("row", INSTALLED, ids=lambda row: row[0])
def test_a_bad_default_of_the_installer_is_named_too(row: tuple[Any, ...]) -> None:
    """An installer's value goes through the same parser; its key is named as the installer wrote it."""
    name, _, _, bad, reason, piece, accepted = row
    (problem,) = defaults({name: bad})[1]
    assert (problem.reason, problem.key, problem.value) == (reason, name, piece)
    assert problem.accepted.startswith(accepted)


@pytest.mark.parametrize("name", ["inject", "containers", "skip-containers", "status", "podmeta/env", "nonsense"])
def test_what_an_installer_may_not_set(name: str) -> None:
    """Who is injected, and names of one pod's containers, are no business of a whole cluster."""
    options, found = defaults({name: "true"})
    assert options == OPTIONS
    assert found == [Problem(Reason.UNKNOWN_KEY, name, "true", INSTALLABLE)]


@pytest.mark.parametrize(
    ("key", "accepted"),
    [
        ("podmeta/enviroment", "did you mean podmeta/env?"),
        ("podmeta/ambasador", "did you mean podmeta/ambassador?"),
        ("podmeta/volumepath", "did you mean podmeta/volume-path?"),
        ("podmeta/Inject", "did you mean podmeta/inject?"),
        ("podmeta/" + "q" * 40, ALL_KEYS),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_or_with_all(key: str, accepted: str) -> None:
    """A slip is suggested right; where nothing is near, every key is listed."""
    (problem,) = parse([(key, "x")], OPTIONS)[1]
    assert problem == Problem(Reason.UNKNOWN_KEY, key, "x", accepted)
    hint = accepted if accepted.startswith("did") else f"accepted: {accepted}"
    assert str(problem) == f"{key}: 'x': no such annotation; {hint}"


@pytest.mark.parametrize("key", ["podmeta/status", "podmeta/kubeconfig"])
def test_what_the_webhook_itself_writes_is_no_unknown_key(key: str) -> None:
    """A pod that was injected before carries our own annotations; they are not parsed here and change nothing."""
    assert parse([(key, "x")], OPTIONS) == (OPTIONS, [])


def test_all_problems_of_a_pod_are_reported_together() -> None:
    """One answer names every bad annotation, in the order in which they stand, then what they contradict."""
    texts = {f"podmeta/{name}": bad for name, _, _, bad, *_ in ROWS} | {"podmeta/x": "y"}
    found = parse(texts.items(), OPTIONS)[1]
    assert [(p.key, p.reason) for p in found] == [
        *((f"podmeta/{name}", reason) for name, _, _, _, reason, *_ in ROWS),
        ("podmeta/x", Reason.UNKNOWN_KEY),
    ]


def test_several_problems_in_one_value_are_all_reported() -> None:
    """A list with two bad pieces is two problems under one key."""
    found = parse([("podmeta/env", "AAA,BBB")], OPTIONS)[1]
    assert [(p.key, p.value) for p in found] == [("podmeta/env", "AAA"), ("podmeta/env", "BBB")]


def test_a_container_cannot_be_both_chosen_and_left_out() -> None:
    """Each name that stands in both lists is a contradiction of its own, in alphabetical order."""
    found = parse([("podmeta/containers", "b,a,c"), ("podmeta/skip-containers", "a,d,b")], OPTIONS)[1]
    accepted = "a container that podmeta/containers does not name"
    assert found == [
        Problem(Reason.CONFLICT, "podmeta/skip-containers", "a", accepted),
        Problem(Reason.CONFLICT, "podmeta/skip-containers", "b", accepted),
    ]


CONFLICT = Problem(
    Reason.CONFLICT,
    "podmeta/ambassador-kubeconfig",
    "true",
    '"false" here, or podmeta/volume: "true", since the kubeconfig is a file of the volume',
)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param(("true", "false", "true"), [CONFLICT], id="asked for, without the volume"),
        pytest.param(("true", "true", "true"), [], id="with the volume"),
        pytest.param(("true", "false", "false"), [], id="not wanted"),
        pytest.param(("false", "false", "true"), [], id="without the ambassador"),
        pytest.param(("true", "false", None), [], id="only by default"),
        pytest.param(("true", None, "true"), [], id="the volume by default"),
    ],
)
def test_a_kubeconfig_needs_the_volume(texts: tuple[str | None, ...], expected: list[Problem]) -> None:
    """The kubeconfig is a file: asking for it and refusing the volume in one pod contradict each other."""
    keys = ("podmeta/ambassador", "podmeta/volume", "podmeta/ambassador-kubeconfig")
    asks = [(key, text) for key, text in zip(keys, texts, strict=True) if text is not None]
    assert parse(asks, OPTIONS)[1] == expected


def test_a_kubeconfig_that_the_pod_asks_for_where_the_installer_has_no_volume_is_not_lost_in_silence() -> None:
    """The pod asked for a file of a volume that it does not get: a problem or a note says so, never nothing."""
    outcome = decided(pod({"ambassador": "true", "ambassador-kubeconfig": "true"}), installed({"volume": "false"}))
    said = [p.reason for p in outcome.problems] if isinstance(outcome, Rejected) else outcome.reasons
    assert {Reason.CONFLICT, Reason.NO_VOLUME} & set(said)


def test_a_value_that_cannot_be_read_contradicts_nothing() -> None:
    """A malformed boolean is one problem, not also a contradiction that the pod never wrote."""
    asks = {"podmeta/ambassador": "true", "podmeta/volume": "ture", "podmeta/ambassador-kubeconfig": "true"}
    found = parse(asks.items(), OPTIONS)[1]
    assert [(problem.key, problem.reason) for problem in found] == [("podmeta/volume", Reason.BAD_BOOLEAN)]


def test_the_containers_lists_may_each_name_different_containers() -> None:
    """Choosing one and leaving out another is no contradiction."""
    assert parse([("podmeta/containers", "a"), ("podmeta/skip-containers", "b")], OPTIONS)[1] == []


@pytest.mark.parametrize("key", ["containers", "skip-containers"])
def test_an_unknown_container_is_an_error_that_lists_the_pods_own(key: str) -> None:
    """Every name that the pod does not have is refused, with the names that it has."""
    asks = pod({key: "app,web,db"}, containers=[app(), app("log")], initContainers=[app("init")])
    accepted = "init, app, log"
    assert problems(asks) == (
        Problem(Reason.UNKNOWN_CONTAINER, f"podmeta/{key}", "web", accepted),
        Problem(Reason.UNKNOWN_CONTAINER, f"podmeta/{key}", "db", accepted),
    )


def test_a_long_value_is_cut_in_the_sentence_but_whole_in_the_problem() -> None:
    """The sentence stays readable; whoever wants the value has it."""
    (problem,) = parse([("podmeta/volume", "x" * 500)], OPTIONS)[1]
    assert problem.value == "x" * 500
    assert str(problem) == f'podmeta/volume: \'{"x" * 59}…\': not a boolean; accepted: "true" or "false"'


def test_a_key_and_its_field_have_one_name() -> None:
    """podmeta/volume-path fills the field volume_path."""
    assert [attribute(key) for key in KEYS] == list(Options.__struct_fields__)[:-1]
