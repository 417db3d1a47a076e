"""First door: the pure engine, on the bytes that the API server sent. It also writes the goldens when asked to."""

import json

from tests.stories import DEFAULTS, DENIED, HERE, OPTIONAL, REQUIRED, STORIES, Story, applied, dumped, loaded, visible
from webhook.api.review import AdmissionRequest, decode
from webhook.inject.mutate import Outcome, Patched, Rejected, Skipped, decide
from webhook.inject.question import question


def outcome(story: Story) -> Outcome:
    request = decode(story.review)
    assert isinstance(request, AdmissionRequest)
    return decide(question(request, story.door), DEFAULTS)


def test_there_are_at_least_thirty_stories() -> None:
    assert len(STORIES) >= 30


def test_every_directory_is_whole(story: Story, rewrite: bool) -> None:
    """A stale or partial directory fails: a golden without its review, or a file nobody reads."""
    names = {path.name for path in story.folder.iterdir()}
    made = {"patch.json", "pod.yaml", "explain.txt"} if rewrite else set()
    assert names | made >= REQUIRED, REQUIRED - names
    assert names <= REQUIRED | OPTIONAL, names - REQUIRED - OPTIONAL


def test_nothing_but_stories_lies_beside_them() -> None:
    assert {path.name for path in HERE.iterdir() if path.is_file()} <= {"README.md"}


def test_engine_makes_the_golden(story: Story, rewrite: bool) -> None:
    """The patch and the pod after it are the recorded ones, byte for byte."""
    result = outcome(story)
    operations = json.loads(result.patch) if isinstance(result, Patched) else []
    after = applied(story.request["object"], operations)
    pod = DENIED if isinstance(result, Rejected) else dumped(visible(after))
    patch = json.dumps(operations, indent=2, ensure_ascii=False) + "\n"
    if rewrite:
        story.write("patch.json", patch)
        story.write("pod.yaml", pod)
    assert story.read("patch.json") == patch
    assert story.read("pod.yaml") == pod
    if pod != DENIED:
        assert loaded(pod) == visible(after), "the YAML loses something of the pod"


def test_every_golden_obeys_the_law_of_idempotence(story: Story) -> None:
    """The pod after the patch, asked again, gets nothing more (the API server reinvokes webhooks)."""
    result = outcome(story)
    if not isinstance(result, Patched):
        return
    review = json.loads(story.review)
    review["request"]["object"] = applied(review["request"]["object"], json.loads(result.patch))
    again = decode(json.dumps(review).encode())
    assert isinstance(again, AdmissionRequest)
    assert isinstance(decide(question(again, story.door), DEFAULTS), Skipped)
