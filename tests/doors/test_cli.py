"""Third door: the command line, offline, on the recorded review itself."""

import json

from typer.testing import CliRunner, Result

from tests.doors.test_asgi import answered
from tests.stories import Story, loaded, visible
from webhook.cli.main import app
from webhook.inject.question import Door
from webhook.server.app import Application

MARK = "\nWhat the API server prints:\n"


def podmeta(story: Story, *arguments: str) -> Result:
    every = ["--all"] if story.door is Door.NAMESPACE else []
    return CliRunner().invoke(app, [*arguments, *every, "-f", "-"], input=story.review, catch_exceptions=False)


def test_inject_gives_the_golden_pod(story: Story) -> None:
    """`podmeta inject` of the review holds the golden pod; a refused pod prints nothing and exits 1."""
    result = podmeta(story, "inject", "-o", "json")
    if story.denied:
        assert (result.exit_code, result.stdout) == (1, "")
        assert "podmeta/" in result.stderr
    else:
        assert result.exit_code == 0, result.stderr
        assert visible(json.loads(result.stdout)["request"]["object"]) == loaded(story.read("pod.yaml"))


def test_inject_again_changes_nothing(story: Story) -> None:
    """The output, injected again, is the same bytes; where nothing is added the input's bytes come back."""
    if story.denied:
        return
    once = podmeta(story, "inject").stdout
    if not story.patched:
        assert once.encode() == story.review
    every = ["--all"] if story.door is Door.NAMESPACE else []
    assert CliRunner().invoke(app, ["inject", *every, "-f", "-"], input=once).stdout == once


def test_uninject_gives_the_review_back(story: Story) -> None:
    """What was injected comes out again, to the byte."""
    patch = json.loads(story.read("patch.json"))
    if not any(operation["path"].endswith("podmeta~1status") for operation in patch) or _partly(story):
        return
    once = podmeta(story, "inject").stdout
    assert CliRunner().invoke(app, ["uninject", "-f", "-"], input=once).stdout.encode() == story.review


def _partly(story: Story) -> bool:
    """The pod came with a status of its own: a later round added to it."""
    return "podmeta/status" in (story.request["object"]["metadata"].get("annotations") or {})


def test_explain_reads_as_recorded(story: Story, application: Application, rewrite: bool) -> None:
    """explain.txt: the table, and the sentences that the API server passes on to the user."""
    table = podmeta(story, "explain").stdout
    response = answered(story, application)
    said = [f"Warning: {text}" for text in response.get("warnings", ())]
    said += [f"Error: {response['status']['message']}"] if not response["allowed"] else []
    text = table + (MARK + "\n".join(said) + "\n" if said else "")
    if rewrite:
        story.write("explain.txt", text)
    assert story.read("explain.txt") == text
