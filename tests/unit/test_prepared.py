"""What is prepared once for all pods that say the same, what of a pod is not in it, and how much of it is held."""

import tracemalloc

import msgspec
import pytest

from tests.pods import DEFAULTS, JSON, app, container, injected, installed, notes, pod
from webhook.inject.fields import CATALOGUE, File, Literal, Place, Variable, parse_selector
from webhook.inject.prepared import LONGEST, REMEMBERED, Prepared, file_item, prepared
from webhook.inject.reasons import Reason
from webhook.inject.situation import Defaults
from webhook.inject.values import PIECES

Texts = tuple[tuple[str, str], ...]
ASKS = ("podmeta/inject", "true")


def again(annotations: Texts, defaults: Defaults = DEFAULTS) -> Prepared:
    """Asked for with annotations that are equal, and not the same objects, as in the next review."""
    return prepared(tuple([(bytes(k, "utf-8").decode(), bytes(v, "utf-8").decode()) for k, v in annotations]), defaults)


def env(*pieces: str) -> Texts:
    return (ASKS, ("podmeta/env", ",".join(pieces)))


def test_pods_that_say_the_same_are_prepared_once() -> None:
    """The very same value for equal annotations; another for other ones, and for other Defaults."""
    one = prepared(env("POD_IP"), DEFAULTS)
    assert again(env("POD_IP")) is one
    assert again(env("POD_IP"), msgspec.structs.replace(DEFAULTS)) is one
    assert again(env("POD_NAME")) is not one
    assert again(env("POD_IP"), installed(kubernetes=34)) != one


def test_what_the_webhook_wrote_says_nothing() -> None:
    """The status and the kubeconfig of a pod that was injected before are its own, so they are not part of it."""
    written = (("podmeta/kubeconfig", "apiVersion: v1"), ("podmeta/status", "{}"))
    assert prepared((*env("POD_IP"), *written), DEFAULTS) is prepared(env("POD_IP"), DEFAULTS)


def test_what_is_long_is_prepared_each_time() -> None:
    """Keys and texts count; up to the bound a pod is remembered, beyond it the value is equal and not kept."""
    asks = (("podmeta/inject", "true"), ("podmeta/skip-containers", ""))
    room = LONGEST - sum(len(key) + len(text) for key, text in asks)
    kept, long = ((asks[0], (asks[1][0], "c" * length)) for length in (room, room + 1))
    assert again(kept) is prepared(kept, DEFAULTS)
    assert again(long) is not prepared(long, DEFAULTS)
    assert again(long) == prepared(long, DEFAULTS)


def test_what_is_said_seldom_makes_room() -> None:
    """However many different things are said, so many are held, the oldest go first."""
    first = prepared(env("A=metadata.uid"), DEFAULTS)
    for number in range(REMEMBERED):
        prepared(env(f"B{number}=metadata.uid"), DEFAULTS)
    assert again(env("A=metadata.uid")) is not first
    assert again(env("A=metadata.uid")) == first


def filled(key: str, piece: str) -> Texts:
    """As many pieces as a list may have and as there is room for in what is remembered."""
    room = LONGEST - sum(map(len, (*ASKS, key)))
    text = ",".join(piece.format(number) for number in range(PIECES))[:room]
    return (ASKS, (key, text.rpartition(",")[0]))


@pytest.mark.parametrize(
    ("key", "piece"),
    [
        ("podmeta/env", "v{}=limits.cpu"),
        ("podmeta/env", "{}"),
        ("podmeta/env", "a"),
        ("podmeta/env", "-{}"),
        ("podmeta/env", "v{}="),
        ("podmeta/volume-items", "{}=limits.cpu"),
        ("podmeta/volume-items", "{}"),
    ],
)
def test_an_entry_is_small_whatever_it_says(key: str, piece: str) -> None:
    """So that all of them together hold no more than the module says."""
    annotations = filled(key, piece)
    prepared(annotations, DEFAULTS)
    tracemalloc.start()
    try:
        kept = prepared(annotations, installed(kubernetes=30))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept.options
    assert held * REMEMBERED < 10_000_000


def test_mistakes_are_prepared_as_well() -> None:
    """Every problem, in the order of the annotations."""
    found = prepared((("podmeta/env", "NOPE"), ("podmeta/volume", "maybe")), DEFAULTS)
    assert [problem.key for problem in found.problems] == ["podmeta/env", "podmeta/volume"]


# the environment


@pytest.mark.parametrize(
    ("pieces", "defaults", "whole", "named"),
    [
        pytest.param("standard", DEFAULTS, True, False, id="nothing depends on the container"),
        pytest.param("none", DEFAULTS, True, False, id="nothing at all"),
        pytest.param("POD_IP,CONTAINER_NAME", DEFAULTS, True, True, id="a name that is filled in"),
        pytest.param("POD_IP,go", DEFAULTS, False, False, id="a limit that it needs"),
        pytest.param("POD_IP,NODE_ZONE", installed(kubernetes=34), False, False, id="what the cluster lacks"),
        pytest.param("POD_IP,NODE_ZONE", installed(kubernetes=35), True, False, id="what the cluster has"),
    ],
)
def test_when_a_container_gets_all_at_once(pieces: str, defaults: Defaults, whole: bool, named: bool) -> None:
    """Where it depends on nothing but the names that the container has."""
    environment = prepared(env(pieces), defaults).environment
    assert (environment.whole is not None) is whole
    assert environment.named is named


def test_two_variables_of_one_name_are_not_whole() -> None:
    """The user's own may be called as the ambassador's: then one of them has to give way."""
    ready = prepared(env("POD_IP", "AMBASSADOR_URL=metadata.uid"), DEFAULTS)
    url = Variable("AMBASSADOR_URL", Literal("http://127.0.0.1:8001"))
    assert ready.environment.whole is not None
    assert ready.environment_with((url,)).whole is None


def test_a_block_of_variables() -> None:
    """As a list, and as operations whose path is still to come."""
    block = prepared(env("POD_IP", "CONTAINER_NAME"), DEFAULTS).environment.whole
    assert block is not None
    block = block.of_container('a"\u00e9')
    assert block.names == ("POD_IP", "CONTAINER_NAME")
    ip = '{"name":"POD_IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}'
    name = '{"name":"CONTAINER_NAME","value":"a\\"\u00e9"}'
    assert block.array == f"[{ip},{name}]"
    assert "/x".join(block.adds) == (
        f'{{"op":"add","path":"/x/env/0","value":{ip}}},{{"op":"add","path":"/x/env/1","value":{name}}}'
    )


def test_the_ambassadors_variables_stand_behind_the_others() -> None:
    """None of them: the environment itself."""
    ready = prepared(env("POD_IP"), DEFAULTS)
    assert ready.environment_with(()) is ready.environment
    longer = ready.environment_with((CATALOGUE["POD_NAME"],))
    assert longer.whole is not None
    assert longer.whole.names == ("POD_IP", "POD_NAME")


# the files


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ("metadata.uid", '{"path":"f","fieldRef":{"fieldPath":"metadata.uid"}}'),
        ("limits.cpu:1m", '{"path":"f","resourceFieldRef":{\0"resource":"limits.cpu","divisor":"1m"}}'),
    ],
)
def test_a_file_has_a_hole_where_it_names_its_container(selector: str, text: str) -> None:
    """Only a resourceFieldRef does."""
    found = parse_selector(selector, Place.VOLUME)
    assert file_item(File("f", found)) == text


@pytest.mark.parametrize("name", ["app", 'a"b', "\u00e9\u2028", "\\", "\0", "\1", "{container}", ""], ids=repr)
def test_whatever_a_container_is_called_its_name_arrives(name: str) -> None:
    """The API server refuses most such names, after us: they must neither break the patch nor get lost."""
    texts = {"env": "CONTAINER_NAME,POD_IP,L=limits.cpu"}
    for own in ({}, {"env": [{"name": "X"}]}, {"env": [{"name": "POD_IP"}]}):
        after = injected(pod(texts, containers=[app(name, **own), app("other")]))
        entries = {entry["name"]: entry for entry in container(after, name)["env"]}
        assert entries["CONTAINER_NAME"]["value"] == name
        items = after["spec"]["volumes"][0]["downwardAPI"]["items"]
        named = {item["resourceFieldRef"].get("containerName") for item in items if "resourceFieldRef" in item}
        assert named == {name or None}


def test_a_pod_does_not_see_what_was_prepared_for_another() -> None:
    """The same annotations, another pod: notes and variables are those of its own containers."""
    texts = {"env": "POD_IP,CONTAINER_MEMORY_LIMIT_KIBIBYTES", "volume": "false"}
    lacking: JSON = pod(texts)
    declaring: JSON = pod(texts, containers=[app("web", resources={"limits": {"memory": "1Gi"}})])
    missing = [("app", "CONTAINER_MEMORY_LIMIT_KIBIBYTES", Reason.NODE_ALLOCATABLE, False)]
    assert [notes(whole) for whole in (lacking, declaring, lacking)] == [missing, [], missing]
