"""The result is a pod: valid by the schema that a real kube-apiserver publishes, made strict."""

import json

import pytest
from hypothesis import given

from tests.kube.schema import problems
from tests.laws.strategies import pods
from tests.pods import JSON, decided
from tests.pods import applied as patched_by
from tests.stories import STORIES, Story, applied
from webhook.inject.mutate import Patched
from webhook.inject.question import Door


@pytest.mark.parametrize("story", [s for s in STORIES if s.patched], ids=lambda s: s.slug)
def test_every_story_ends_in_a_valid_pod(story: Story) -> None:
    assert problems(applied(story.request["object"], json.loads(story.read("patch.json")))) == []


@given(pods())
def test_injection_makes_no_pod_less_valid(whole: JSON) -> None:
    """Whatever the schema has to say of the pod afterwards, it had to say before."""
    outcome = decided(whole, door=Door.NAMESPACE)
    if isinstance(outcome, Patched):
        said = {problem.partition(": ")[2] for problem in problems(whole)}
        assert {problem.partition(": ")[2] for problem in problems(patched_by(whole, outcome.patch))} <= said
