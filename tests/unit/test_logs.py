"""The log: one line a review, in JSON, and nothing in it that is not the operator's business."""

import asyncio
import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.pods import DEFAULTS, app, pod, review
from webhook.inject.mutate import Outcome, decide
from webhook.inject.question import Door, Question
from webhook.server.body import EMPTY
from webhook.server.logs import Lines, Log, ReviewLog, configure
from webhook.server.review import Reviewer

PRIVATE = "hunter2-is-nobodys-business"


class Reader:
    """A log, and what was written to it."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.read_end, False)
        self.log = self.configured("info")

    def configured(self, level: str, form: str = "json") -> Log:
        return configure(level, form, Lines(self.write_end))

    def text(self) -> str:
        try:
            return os.read(self.read_end, 1 << 20).decode()
        except BlockingIOError:
            return ""

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def reader() -> Iterator[Reader]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    found = Reader()
    yield found
    root.handlers[:], root.level = handlers, level
    os.close(found.read_end)
    os.close(found.write_end)


def reviewer() -> Reviewer:
    return Reviewer(lambda asked: decide(asked, DEFAULTS), 1 << 20)


def test_the_line_of_a_review(reader: Reader) -> None:
    log, reviews = ReviewLog(reader.log), reviewer()
    body = review(pod({"env": "POD_IP"}), name="web", dryRun=True)
    log.reviewed(reviews.review(body, Door.POD), 0.0001234)
    log.reviewed(reviews.review(body, Door.POD), 0.1)
    log.reviewed(reviews.review(body, Door.POD), 1.5)
    first, _, third = reader.all()
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "info",
        "event": "review",
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "door": "pod",
        "namespace": "shop",
        "name": "web",
        "outcome": "patched",
        "reason": "injected",
        "reasons": ["injected"],
        "containers": "app",
        "dryRun": True,
        "ms": 0.123,
        "remembered": False,
    }
    assert (third["ms"], third["remembered"]) == (1500.0, True)


def buggy(_: Question) -> Outcome:
    raise ValueError(f"cannot digest {PRIVATE}") from KeyError(PRIVATE)


def test_no_value_reaches_the_log(reader: Reader) -> None:
    """Of an annotation, a variable, a body, not even by way of an exception's message."""
    secret_pod = pod(
        {"env": PRIVATE, "volume-path": PRIVATE, "example.com/other": PRIVATE},
        containers=[app(env=[{"name": "PASSWORD", "value": PRIVATE}], command=[PRIVATE])],
    )
    log, reviews = ReviewLog(reader.log), reviewer()
    bodies = [
        review(secret_pod),
        review(secret_pod)[:-5],
        PRIVATE.encode(),
        b'{"apiVersion": 1, "x": "%b"}' % PRIVATE.encode(),
    ]
    for body in bodies:
        log.reviewed(reviews.review(body, Door.POD), 0.1)
    log.reviewed(Reviewer(buggy, 0).review(review(secret_pod), Door.POD), 0.1)
    text = reader.text()
    assert len(text.splitlines()) == len(bodies) + 1
    assert PRIVATE not in text
    assert "hunter" not in text


def test_a_bug_is_logged_with_its_frames_and_its_causes(reader: Reader) -> None:
    ReviewLog(reader.log).reviewed(Reviewer(buggy, 0).review(review(pod()), Door.POD), 0.1)
    (line,) = reader.all()
    assert (line["level"], line["outcome"], line["uid"]) == ("error", "failed", "705ab4f5-6393-11e8-b7cc-42010a800002")
    assert [found["exception"] for found in line["traceback"]] == ["KeyError", "ValueError"]
    assert any(" in buggy: raise ValueError(" in frame for frame in line["traceback"][1]["frames"])


def test_a_malformed_review_says_why(reader: Reader) -> None:
    ReviewLog(reader.log).reviewed(reviewer().review(b"{}", Door.POD), 0.1)
    (line,) = reader.all()
    assert (line["level"], line["outcome"], line["uid"], line["name"]) == ("warning", "malformed", None, None)
    assert "is not understood" in line["message"]


def test_refusals_and_reloads(reader: Reader) -> None:
    log = ReviewLog(reader.log)
    log.refused(EMPTY, "/mutate")
    log.reloaded([])
    log.reloaded(["why"])
    refused, good, bad = reader.all()
    assert (refused["level"], refused["code"], refused["path"]) == ("warning", 400, "/mutate")
    assert (good["level"], bad["level"], bad["problems"]) == ("info", "error", ["why"])


def test_from_warning_on_an_ordinary_review_is_not_even_looked_at(reader: Reader) -> None:
    log, reviews = ReviewLog(reader.configured("warning")), reviewer()
    ordinary = reviews.review(review(pod()), Door.POD)
    log.reviewed(ordinary, float("nan"))  # would be worked out: round() of it, and JSON has no form for it
    log.reviewed(reviews.review(b"{}", Door.POD), 0.1)
    assert [line["outcome"] for line in reader.all()] == ["malformed"]


def test_text_for_people(reader: Reader) -> None:
    log = reader.configured("info", "console")
    log.info("listening", webhook="https://x")
    ReviewLog(log).reviewed(reviewer().review(review(pod(), name="web", dryRun=True), Door.POD), 0.1)
    first, second = reader.text().splitlines()
    assert "[info     ] listening" in first
    assert "webhook=https://x" in first
    assert "[info     ] review" in second
    assert "dryRun=True" in second


def test_what_libraries_log_has_our_form(reader: Reader) -> None:
    logging.getLogger("asyncio").error("it broke", exc_info=OSError(PRIVATE))
    logging.getLogger("uvicorn.error").warning("odd %s", "thing")
    logging.getLogger("uvicorn.error").info("not of interest")
    error, warning = reader.all()
    assert (error["level"], error["logger"], error["traceback"][0]["exception"]) == ("error", "asyncio", "OSError")
    assert (warning["level"], warning["event"]) == ("warning", "odd thing")


def test_ordinary_lines_wait_and_a_warning_takes_them_along(reader: Reader) -> None:
    """In order: what came first stands first."""

    async def main() -> tuple[str, str, str]:
        log = reader.log
        log.lines.attach(asyncio.get_running_loop())
        log.info("one")
        nothing = reader.text()
        log.warning("two")
        both = reader.text()
        log.info("three")
        log.lines.attach(None)
        return nothing, both, reader.text()

    nothing, both, rest = asyncio.run(main())
    assert nothing == ""
    assert [json.loads(line)["event"] for line in both.splitlines()] == ["one", "two"]
    assert json.loads(rest)["event"] == "three"


def test_the_loop_empties_the_buffer_by_itself(reader: Reader) -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        written = asyncio.Event()
        loop.add_reader(reader.read_end, written.set)
        reader.log.lines.attach(loop)
        reader.log.info("one")
        await asyncio.wait_for(written.wait(), 10)
        loop.remove_reader(reader.read_end)
        reader.log.lines.attach(None)
        return reader.text()

    assert json.loads(asyncio.run(main()))["event"] == "one"


def test_nobody_reading_the_log_stops_no_review() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    lines = Lines(write_end)
    lines.warning(b"lost")
    lines.info(b"lost")
    os.close(write_end)
