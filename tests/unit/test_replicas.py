"""Laws of replicas: whatever comes, the answer is that of reading the body; and never more is kept than the budget."""

import gc
import json
import re
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kube.cases import all_cases
from tests.pods import DEFAULTS
from tests.stories import Story
from webhook.api.pod import Pod, PodSpec
from webhook.api.review import AdmissionRequest, decode
from webhook.inject.mutate import decide
from webhook.inject.question import Door, question
from webhook.server.memory import SHARE
from webhook.server.replicas import KINDRED, Replicas
from webhook.server.review import Review, Reviewer

BUDGET = 16 << 20
DECIDE = partial(decide, defaults=DEFAULTS)
STORIES = [Story(case) for case in all_cases()]
CREATED = [story for story in STORIES if story.request["operation"] == "CREATE"]
TOKEN = re.compile(rb"(?<=kube-api-access-)[a-z0-9]{5}")
LATER = "1999-12-31T23:59:59Z"
thorough = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])


def sent(slug: str, change: Callable[[dict[str, Any]], object] = lambda _: None) -> bytes:
    """The review of a story as kube-apiserver sends it, on one line; `change` does something to its request."""
    review = json.loads(next(story for story in STORIES if story.slug == slug).review)
    change(review["request"])
    return json.dumps(review, separators=(",", ":"), ensure_ascii=False).encode()


def replica(body: bytes, number: int) -> bytes:
    """Another pod of the same workload."""
    request = json.loads(body)["request"]
    uid = f"{number:08x}{request['uid'][8:]}"
    body = body.replace(f'"uid":"{request["uid"]}"'.encode(), f'"uid":"{uid}"'.encode(), 1)
    body = re.sub(rb'(?<="time":"2026-)..', b"%02d" % (number % 12 + 1), body)
    return TOKEN.sub(b"%05d" % number, body)


def named(body: bytes, old: str, new: str) -> bytes:
    """With another name of the pod, in the two places where kube-apiserver writes it."""
    assert body.count(f'"name":"{old}","namespace"'.encode()) == 2
    return body.replace(f'"name":"{old}","namespace"'.encode(), f'"name":"{new}","namespace"'.encode())


def warm(body: bytes, door: Door = Door.POD) -> Reviewer:
    """A reviewer that has seen two of these."""
    reviewer = Reviewer(DECIDE, BUDGET)
    assert [reviewer.review(replica(body, number), door).replica for number in (1, 2)] == [False, False]
    return reviewer


def same(reviewer: Reviewer, body: bytes | bytearray, door: Door = Door.POD) -> Review:
    """The review, whose answer must be the one of a reviewer that remembers nothing."""
    plain, found = Reviewer(DECIDE, 0).review(body, door), reviewer.review(body, door)
    assert (found.status, found.body, found.answer, found.uid) == (plain.status, plain.body, plain.answer, plain.uid)
    if found.request and plain.request:
        bare = msgspec.structs.replace(plain.request, object=None, old_object=None)
        assert msgspec.structs.replace(found.request, object=None, old_object=None) == bare
    return found


@pytest.mark.parametrize("story", CREATED, ids=lambda story: story.slug)
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_every_created_pod_has_replicas(story: Story, kind: type[bytes | bytearray]) -> None:
    """All that kube-apiserver ever sent us, as one piece of bytes or as several pieces put together."""
    body = sent(story.slug)
    assert same(warm(body, story.door), kind(replica(body, 3)), story.door).replica


def test_a_pod_with_a_name_has_replicas_of_other_names() -> None:
    """Its name is in the log's line and in a denial."""
    body = sent("many-problems")
    name = json.loads(body)["request"]["name"]
    other = same(warm(body), named(replica(body, 3), name, "x" * len(name)))
    assert (other.replica, other.request and other.request.name) == (True, "x" * len(name))
    assert b"xxx" in other.body


@pytest.mark.parametrize("slug", ["seed-ambassador", "debug-target"])
def test_of_a_replica_only_the_service_account_is_known(slug: str) -> None:
    """Foresight asks about its rights; the pods of the first body are not kept."""
    reviewer, body = Reviewer(DECIDE, BUDGET), sent(slug, lambda request: request.pop("requestSubResource", None))
    request = json.loads(body)["request"]
    uid, account = request["uid"].encode(), request["object"]["spec"]["serviceAccountName"]
    *_, third = [same(reviewer, body.replace(uid, b"%x%s" % (number, uid[1:]))) for number in range(3)]
    assert third.request
    assert (third.replica, third.request.old_object) == (True, None)
    assert third.request.object == Pod(spec=PodSpec(service_account_name=account))


def test_the_other_door_has_replicas_of_its_own() -> None:
    reviewer = warm(sent("deployment"))
    assert [same(reviewer, replica(sent("deployment"), n), Door.NAMESPACE).replica for n in (3, 4, 5)] == [0, 1, 1]


def add_container(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda request: request["object"]["spec"]["containers"].append({"name": name, "image": "app:1"})


def mount_elsewhere(request: dict[str, Any]) -> None:
    """A volume and a mount that are named as the token's, with another end."""
    spec = request["object"]["spec"]
    spec["volumes"].append({"name": "kube-api-access-zzzzz", "emptyDir": {}})
    spec["containers"][0]["volumeMounts"].append({"name": "kube-api-access-zzzzz", "mountPath": "/etc"})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(add_container("kube-api-access-abcde"), id="a container named like a token's volume"),
        pytest.param(mount_elsewhere, id="two tokens"),
        pytest.param(lambda request: request.pop("uid"), id="no uid"),
        pytest.param(lambda request: request.update(uid="UPPER"), id="a uid that is none of kube-apiserver's"),
        pytest.param(lambda request: request.update(kind=request.pop("kind")), id="fields in another order"),
    ],
)
def test_a_body_that_is_not_plain_is_read(change: Callable[[dict[str, Any]], object]) -> None:
    """Nothing of it is kept, or what is kept has no hole where something hangs on it."""
    body = sent("deployment", change)
    reviewer = Reviewer(DECIDE, BUDGET)
    for number in (1, 1, 1, 2, 2, 3, 3):
        same(reviewer, TOKEN.sub(b"%05d" % number, body))
        same(reviewer, TOKEN.sub(b"%05d" % number, body, count=1))


def test_a_key_that_comes_twice_counts_the_last_time() -> None:
    """Of the uid, a hole is the first; the second one is what the API server reads."""
    body = sent("deployment")
    body = body[:-2] + b',"uid":"11111111-2222-3333-4444-555555555555"}}'
    reviewer = Reviewer(DECIDE, BUDGET)
    first = json.loads(sent("deployment"))["request"]["uid"].encode()
    for number in range(4):
        assert not same(reviewer, body.replace(first, b"%x%s" % (number, first[1:]))).replica


def test_values_that_compete_are_no_hole() -> None:
    """Where two managers wrote at two times, another pod has to have them both."""
    body = sent("deployment", lambda request: request["object"]["metadata"]["managedFields"].append({"time": LATER}))
    reviewer = Reviewer(DECIDE, BUDGET)
    tokens = [TOKEN.sub(b"%05d" % number, body) for number in range(4)]
    assert [same(reviewer, one).replica for one in tokens] == [False, False, True, True]
    assert not same(reviewer, tokens[0].replace(LATER.encode(), LATER.replace("1999", "1998").encode())).replica


VALUES = (
    b'"',
    b"\\",
    b"\n",
    b"\x00",
    b"\xff",
    b"\xc3\xa9",
    b"{",
    b"]",
    b",",
    b" ",
    b"podmeta-",
    b"A",
    b"0",
    b":",
    b"-----",
    b'","',
)
BODIES = {slug: sent(slug) for slug in ("inject-yes", "deployment", "native-sidecars", "many-problems", "istio")}
WARM: dict[str, Reviewer] = {}


@thorough
@given(st.sampled_from(sorted(BODIES)), st.integers(0), st.sampled_from(VALUES), st.booleans())
def test_whatever_is_written_over_a_body_the_answer_is_that_of_reading_it(
    slug: str, where: int, value: bytes, hole: bool
) -> None:
    """At any place, or in a hole: as many bytes as before, so that the length does not give it away."""
    door = next(story for story in STORIES if story.slug == slug).door
    reviewer = WARM.get(slug) or WARM.setdefault(slug, warm(BODIES[slug], door))
    body = bytearray(replica(BODIES[slug], 3))
    found = reviewer._replicas.find(body, door)
    assert found
    places = [place for first, others in found.holes for place in (first, *others)] if hole else [slice(0, len(body))]
    place = places[where % len(places)]
    start = place.start + where // len(places) % max(1, place.stop - place.start - len(value))
    body[start : start + len(value)] = value
    same(reviewer, body, door)


def test_a_value_must_be_the_same_in_all_its_holes() -> None:
    body = replica(sent("deployment"), 3)
    reviewer = warm(sent("deployment"))
    assert not same(reviewer, TOKEN.sub(b"other", body, count=1)).replica
    assert same(reviewer, TOKEN.sub(b"other", body)).replica


def test_what_is_kept_for_nothing_is_not_kept_for_ever() -> None:
    """Pods of a StatefulSet differ in a label: after some of them none is kept, until one that is has a replica."""
    reviewer, body = Reviewer(DECIDE, BUDGET), sent("statefulset")
    held = []
    for number in range(10, 10 + 3 * KINDRED):
        other = replica(body, number).replace(b'pod-index":"0"', b'pod-index":"%02d"' % number)
        assert not same(reviewer, other).replica
        held.append(reviewer._replicas.held)
    assert held[0] == 0  # decided
    assert held[1] < held[KINDRED] == held[-1]
    last = replica(body, 3).replace(b'pod-index":"0"', b'pod-index":"11"')
    assert same(reviewer, last).replica
    fresh = [replica(body, number).replace(b'pod-index":"0"', b'pod-index":"77"') for number in (5, 6)]
    assert [same(reviewer, one).replica for one in fresh] == [False, True]
    (kindred,) = reviewer._replicas._kindred.values()
    assert len(kindred.kept) == KINDRED


def longer(number: int) -> bytes:
    """The body with that many more bytes."""
    return sent("deployment").replace(b'"podmeta/inject"', b'"%s":"","podmeta/inject"' % (b"x" * number))


def test_what_was_used_last_stays() -> None:
    """Of many lengths, where there is room for few, the one that has replicas."""
    replicas = Replicas(SHARE * len(longer(30)))
    for number in range(30):
        kept(replicas, longer(number))
        assert replicas.find(longer(0), Door.POD)
    assert not replicas.find(longer(1), Door.POD)


def kept(replicas: Replicas, body: bytes) -> None:
    request = decode(body)
    assert isinstance(request, AdmissionRequest)
    answer = Reviewer(DECIDE, 0).review(body, Door.POD).answer
    replicas.keep(body, request, question(request, Door.POD), answer)


@thorough
@given(st.lists(st.integers(0, 40), max_size=60), st.integers(0, 300_000))
def test_it_never_holds_more_than_its_budget(sizes: list[int], budget: int) -> None:
    """And knows what it holds; what was used last stays."""
    replicas = Replicas(budget)
    for number, size in enumerate(sizes):
        body = replica(longer(size), number)
        if replicas.find(body, Door.POD) is None:
            kept(replicas, body)
        assert replicas.held <= budget
    assert replicas.held == sum(kindred.cost for kindred in replicas._kindred.values())


def test_a_body_that_is_too_large_is_not_kept() -> None:
    body = sent("deployment")
    for budget, held in ((SHARE * len(body) - 1, False), (SHARE * len(body) + SHARE, True)):
        replicas = Replicas(budget)
        kept(replicas, body)
        assert bool(replicas.held) is held


def test_the_cost_is_what_python_takes() -> None:
    """Hundreds of bodies, measured; the estimate may be higher, never lower."""
    replicas, bodies = Replicas(1 << 30), [longer(number) for number in range(300)]
    kept(replicas, bodies[0])
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    held = replicas.held
    for one in bodies[1:]:
        kept(replicas, one)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before <= replicas.held - held <= 1.1 * (after - before)
