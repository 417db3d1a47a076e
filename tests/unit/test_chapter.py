"""examples/chapter/ and docs/chapter.md, as far as they need no cluster."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cluster.capture import PAGE, ROOT, masked, played, quoted
from webhook.cli.main import app

CHAPTER = ROOT / "examples" / "chapter"
SHOWN = "text\n```console\n$ one\n{}$ two\n```\nprose\n```console\n$ three\n3\n```\n"


def podmeta(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(params=sorted(CHAPTER.glob("*.yaml")), ids=lambda path: path.stem)
def example(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_beside_each_example_stands_what_it_becomes(example: Path, rewrite: bool) -> None:
    becomes = CHAPTER / "injected" / example.name
    text = podmeta("inject", "--namespace=default", "--filename", example)
    if rewrite:
        becomes.write_text(text)
    assert becomes.read_text() == text


def test_it_gets_all_that_it_asks_for_and_comes_back_to_the_byte(example: Path) -> None:
    podmeta("explain", "--exit-code", "--filename", example)
    assert podmeta("uninject", "--filename", CHAPTER / "injected" / example.name) == example.read_text()


def test_no_file_is_left_of_an_example_that_is_gone() -> None:
    assert {path.name for path in (CHAPTER / "injected").iterdir()} == {path.name for path in CHAPTER.glob("*.yaml")}


def test_what_is_written_by_hand_asks_for_nothing() -> None:
    for path in (CHAPTER / "by-hand").iterdir():
        assert podmeta("inject", "--filename", path) == path.read_text()


def test_the_page_shows_the_files_as_they_are(rewrite: bool) -> None:
    page = quoted(PAGE.read_text())
    if rewrite:
        PAGE.write_text(page)
    assert PAGE.read_text() == page
    for path in (*CHAPTER.glob("*.yaml"), *CHAPTER.glob("by-hand/*.yaml")):
        assert path.read_text() in page


def test_a_session_is_played_in_its_order_and_its_outputs_replaced() -> None:
    says = {"one": "new\n", "two": "", "three": "3\n"}
    commands: list[str] = []

    def run(command: str) -> str:
        commands.append(command)
        return says[command]

    assert played(SHOWN.format("old\n"), run) == SHOWN.format("new\n")
    assert commands == list(says)


def test_an_output_that_differs_in_what_varies_alone_stays() -> None:
    page = SHOWN.format("started 2026-11-25T01:32:28Z at 10.88.0.4\n")
    says = {"one": "started 2027-01-01T00:00:00Z at 10.88.0.77\n", "two": "", "three": "3\n"}
    assert played(page, lambda command: says[command]) == page
    assert masked("limit 6144\n") != masked("limit 6145\n")
