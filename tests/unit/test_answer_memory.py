"""Laws of the memory: it changes no byte of any answer, and it never holds more than its budget."""

import gc
import sys
import tracemalloc
from functools import partial

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.laws.strategies import JSON, requests
from tests.pods import DEFAULTS, app, asked, pod, review
from webhook.inject.mutate import Outcome, decide
from webhook.inject.question import Door, Question
from webhook.server.answer import Answer
from webhook.server.memory import ENTRY, SHARE, SIGHTINGS, Memory, Sightings, cost
from webhook.server.review import Reviewer

BUDGET = 16 << 20
DECIDE = partial(decide, defaults=DEFAULTS)
quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
streams = st.lists(st.tuples(requests(garbage=True), st.sampled_from(Door)), min_size=1, max_size=6)


@quick
@given(streams)
def test_with_and_without_it_the_bytes_are_the_same(stream: list[tuple[tuple[JSON, JSON], Door]]) -> None:
    """Nothing remembered, everything, and so little that most is forgotten; each request sent three times."""
    without, with_it, forgetful = Reviewer(DECIDE, 0), Reviewer(DECIDE, BUDGET), Reviewer(DECIDE, 2 * SHARE * ENTRY)
    for number, ((found, request), door) in enumerate(stream * 3):
        body = review(found, **{**request, "uid": f"uid-{number}", "name": f"pod-{number}"})
        plain = without.review(body, door)
        assert not plain.remembered
        assert plain.error is None
        for reviewer in (with_it, forgetful):
            other = reviewer.review(body, door)
            assert (other.status, other.body) == (plain.status, plain.body)
            assert other.answer == plain.answer


@quick
@given(streams)
def test_two_questions_have_one_key_if_and_only_if_they_are_one(stream: list[tuple[tuple[JSON, JSON], Door]]) -> None:
    questions = [asked(found, door, **request) for (found, request), door in stream]
    for one in questions:
        for other in questions:
            assert (Memory.key(one) == Memory.key(other)) is (one == other)


def test_the_third_pod_of_a_workload_is_remembered() -> None:
    decisions: list[Question] = []

    def counting(question: Question) -> Outcome:
        decisions.append(question)
        return DECIDE(question)

    reviewer = Reviewer(counting, BUDGET)
    first, second, third = (reviewer.review(review(pod(), uid=uid), Door.POD) for uid in ("one", "two", "three"))
    assert [one.remembered for one in (first, second, third)] == [False, False, True]
    assert len(decisions) == 2
    assert first.body.replace(b'"one"', b'"three"') == third.body
    assert not reviewer.review(review(pod()), Door.NAMESPACE).remembered


def test_what_is_asked_once_pushes_nothing_out() -> None:
    """A memory for few answers keeps those of a workload, however many pods come of which there is no other."""
    reviewer = Reviewer(DECIDE, 2 * SHARE * 4000)
    assert [reviewer.review(review(pod()), Door.POD).remembered for _ in range(3)] == [False, False, True]
    for number in range(200):
        assert not reviewer.review(review(pod(containers=[app(f"once-{number}")])), Door.POD).remembered
    assert reviewer.review(review(pod()), Door.POD).remembered
    for number in range(200):
        other = review(pod(containers=[app(f"twice-{number}")]))
        assert [reviewer.review(other, Door.POD).remembered for _ in range(3)] == [False, False, True]
    assert not reviewer.review(review(pod()), Door.POD).remembered


@quick
@given(streams)
def test_who_was_seen_is_seen_again(stream: list[tuple[tuple[JSON, JSON], Door]]) -> None:
    """Of two equal Questions the second is never new."""
    sightings = Sightings()
    for (found, request), door in stream:
        sightings.again(asked(found, door, **request))
    for (found, request), door in stream:
        assert sightings.again(asked(found, door, **request))


def test_other_names_are_new_and_an_older_sighting_gives_way() -> None:
    sightings = Sightings()
    pods = [pod(), pod(containers=[app("web")]), pod(containers=[app(), app("web")])]
    assert [sightings.again(asked(one, namespace=n)) for n in ("a", "b") for one in pods] == [False] * 6
    for number in range(16 * SIGHTINGS):
        sightings.again(asked(pod(), namespace=f"n{number}"))
    assert [sightings.again(asked(one, namespace="a")) for one in pods] == [False] * 3


def made(number: int, size: int = 1000) -> Answer:
    return Answer("patched", "injected", ("injected",), f"container-{number}", bytes(size))


@quick
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4000)), max_size=60), st.integers(0, 50_000))
def test_it_never_holds_more_than_its_budget(uses: list[tuple[int, int]], budget: int) -> None:
    """And knows what it holds: the sum of what is still there."""
    memory = Memory(budget)
    for number, size in uses:
        if memory.get(bytes([number])) is None:
            memory.put(bytes([number]), made(number, size))
        assert memory.held <= budget
    there = [(bytes([n]), answer) for n in range(21) if (answer := memory.get(bytes([n])))]
    assert (len(there), sum(cost(*entry) for entry in there)) == (len(memory), memory.held)


def test_what_was_used_last_stays() -> None:
    memory = Memory(SHARE * cost(b"0", made(0)))
    for number in range(SHARE):
        memory.put(bytes([number]), made(number))
    assert memory.get(b"\0")
    memory.put(bytes([SHARE]), made(SHARE))
    gone = [number for number in range(SHARE + 1) if memory.get(bytes([number])) is None]
    assert gone == [1]


def test_no_entry_pushes_out_all_the_others() -> None:
    memory = Memory(8000 * SHARE)
    memory.put(b"small", made(0))
    memory.put(b"large answer", made(0, 8000))
    memory.put(bytes(8000), made(0, 1))
    assert (len(memory), memory.get(b"small")) == (1, made(0))


def test_the_cost_is_what_python_takes() -> None:
    """A thousand entries, measured; the estimate may be higher, never lower."""
    memory = Memory(BUDGET)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(1000):
        memory.put(number.to_bytes(1500, "big"), made(number))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(memory) == 1000
    assert after - before <= memory.held <= 1.2 * (after - before)


def test_a_question_that_is_larger_in_memory_than_on_the_wire_leaves_nothing_behind() -> None:
    """`{},` becomes a struct of a hundred bytes; what stays are bytes, and their number is known."""
    question = asked(pod(containers=[{"name": "app", "env": [{}] * 50_000}]))
    references = sys.getrefcount(question)
    memory, key = Memory(BUDGET), Memory.key(question)
    memory.put(key, made(0))
    assert sys.getrefcount(question) == references
    assert memory.held >= len(key)
