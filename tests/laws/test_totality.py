"""Laws of totality: whatever a user or a client sends, there is an answer and no exception."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from tests.laws.strategies import JSON, anything, pods
from tests.pods import DEFAULTS, PODS, asked, decided, installed, pod, review
from webhook.api.review import AdmissionRequest, Malformed, decode
from webhook.inject.annotations import ANNOTATIONS, Annotation, Options, Problem, defaults, parse
from webhook.inject.explain import explain
from webhook.inject.fields import Fault, Place, parse_selector
from webhook.inject.mutate import Patched, Rejected, Skipped, decide
from webhook.inject.question import Door, question
from webhook.inject.reasons import Reason
from webhook.inject.status import Status, load
from webhook.inject.values import shown

# text as JSON can carry it: half a surrogate pair is no character
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
pieces = st.lists(texts | st.sampled_from(["all", "POD_IP", "-", "=", "A=metadata.name", "'", "['", ":"]), max_size=4)
values = texts | pieces.map(",".join) | pieces.map("".join)
keys = st.sampled_from([row.key for row in ANNOTATIONS] + ["podmeta/status", "podmeta/kubeconfig"])


@given(st.dictionaries(keys | texts.map("podmeta/".__add__), values, max_size=6), st.sampled_from(Door), st.booleans())
def test_any_text_in_an_annotation_has_an_answer(said: dict[str, str], door: Door, deny: bool) -> None:
    """decide and explain never raise, and each fault names its key and what would be accepted."""
    whole = pod(said)
    defaults = installed(deny_invalid=deny)
    outcome = decided(whole, defaults, door)
    explanation = explain(asked(whole, door), defaults)
    if isinstance(outcome, Rejected):
        assert deny
        assert explanation.reason is Reason.INVALID
        assert [row.reason for row in explanation.rows] == [problem.reason for problem in outcome.problems]
        for problem in outcome.problems:
            assert problem.key in whole["metadata"]["annotations"] or problem.reason is Reason.CONFLICT
            sentence = str(problem)
            assert sentence.startswith(f"{problem.key}: ")
            assert problem.reason.sentence in sentence


@given(st.sampled_from(ANNOTATIONS), values)
def test_a_value_is_good_or_has_faults(row: Annotation, text: str) -> None:
    """A parser never raises; a good value can be parsed over the defaults, a bad one comes with its reason."""
    value, faults = row.parse(text)
    assert all(isinstance(fault.reason, Reason) and fault.accepted for fault in faults)
    assert all(fault.got in text for fault in faults)
    hash(value)


@given(st.dictionaries(texts, values, max_size=4))
def test_any_configuration_of_an_installer_has_an_answer(said: dict[str, str]) -> None:
    """Options come back beside every problem."""
    options, problems = defaults(said)
    assert isinstance(options, Options)
    assert all(isinstance(problem, Problem) and problem.key in said for problem in problems)
    assert parse((), options)[0] == options


@given(values, st.sampled_from(Place))
def test_a_selector_is_legal_at_its_place_or_a_fault(text: str, place: Place) -> None:
    """What is accepted is spelled as it was written, and never at a place where it is not legal."""
    found = parse_selector(text, place)
    if isinstance(found, Fault):
        assert found.got == text
    else:
        assert place in found.places
        assert text in (str(found), str(found).rpartition(":")[0])


@given(texts)
def test_what_an_error_shows_is_one_short_line(text: str) -> None:
    """No control character reaches a terminal, no value fills the screen."""
    line = shown(text * 5)
    assert line.isprintable()
    assert len(line) <= 60 * len("\\U0010ffff") + 2


@given(
    anything, anything, st.sampled_from(["CREATE", "UPDATE", "DELETE"]), st.sampled_from(["", "ephemeralcontainers"])
)
@example({"metadata": {"annotations": {"podmeta/inject": "true"}}, "spec": {"containers": [{}, {}]}}, {}, "CREATE", "")
@example({"metadata": {"annotations": {"podmeta/inject": "true"}}, "spec": {"containers": None}}, None, "CREATE", "")
def test_any_json_as_pod_has_an_answer(whole: Any, old: Any, operation: str, subresource: str) -> None:
    """A body that is JSON is Malformed or decided; nothing raises, and a patch is JSON."""
    body = review(whole, oldObject=old, operation=operation, subResource=subresource)
    request = decode(body)
    if isinstance(request, Malformed):
        assert request.message
        return
    for door in Door:
        asks = question(request, door)
        explain(asks, DEFAULTS)
        match decide(asks, DEFAULTS):
            case Patched(patch):
                assert json.loads(patch)
            case Skipped(reason) | Rejected((Problem(reason), *_)):
                assert reason in Reason


@given(anything)
def test_any_json_as_review_has_an_answer(whole: object) -> None:
    """Whatever JSON comes as a body, it is a request or Malformed."""
    assert isinstance(decode(json.dumps(whole).encode()), (AdmissionRequest, Malformed))


@given(st.binary(max_size=200))
def test_any_bytes_have_an_answer(body: bytes) -> None:
    """So do bytes that are no JSON at all."""
    assert isinstance(decode(body), Malformed)


@given(st.data(), st.integers(0, 400))
def test_a_review_cut_or_damaged_anywhere_has_an_answer(data: st.DataObject, at: int) -> None:
    """A single byte that is lost or changed is never an exception."""
    body = review(pod())
    cut = body[: at % len(body)]
    damaged = cut + data.draw(st.binary(max_size=2)) + body[len(cut) + 1 :]
    assert isinstance(decode(cut), Malformed)
    assert isinstance(decode(damaged), (AdmissionRequest, Malformed))


@given(anything)
def test_any_json_about_another_resource_is_a_request(whole: Any) -> None:
    """A review about something that is not shaped like a pod reaches the decision, which names it."""
    request = decode(review(whole, resource={**PODS, "group": "example.com", "resource": "widgets"}))
    assert isinstance(request, AdmissionRequest)
    assert decide(question(request, Door.POD), DEFAULTS) == Skipped(Reason.NOT_A_POD)


@given(texts | anything.map(json.dumps))
def test_any_text_is_a_status_or_none(text: str) -> None:
    """Reading the record never raises."""
    assert isinstance(load(text), (Status, type(None)))


@given(pods(debuggers=True, garbage=True), st.sampled_from(Door))
def test_an_explanation_agrees_with_the_decision(whole: JSON, door: Door) -> None:
    """The same Plan, read once more: the reason and the injected items are those of the patch."""
    outcome = decided(whole, door=door)
    explanation = explain(asked(whole, door), DEFAULTS)
    injected = [row.item for row in explanation.rows if row.verdict == "injected" and row.item != "envFrom"]
    match outcome:
        case Patched(patch):
            assert explanation.reason is Reason.INJECTED
            assert all(item in patch.decode() for item in injected)
        case Skipped(reason):
            assert explanation.reason is reason
            assert not injected
        case Rejected(problems):
            assert len(explanation.rows) == len(problems)
            assert not explanation.clean
    assert all(row.reason for row in explanation.rows if row.verdict != "injected")
