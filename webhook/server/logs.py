"""The log: one JSON object a line on stdout, one line a review.

Rule: a line names things and reasons. No value of an annotation or variable, nothing of a Secret and no body is ever
      in it; so the message of an exception, which may quote what it choked on, is left out, and its frames are not.
Strategy: a line is made by msgspec and waits in a buffer that the event loop empties; below the level nothing is worked
      out. Text for people is structlog's. The core does not log: this reads the Review afterwards.
"""

import logging
import os
import time
import traceback
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable, Mapping

import msgspec

from webhook.server.answer import FAILED, MALFORMED
from webhook.server.body import Refusal
from webhook.server.review import Review

LEVELS = ("debug", "info", "warning", "error")
FLUSH_EVERY = 0.1  # seconds; what a killed process can lose. A warning goes out at once, with all before it.
STDOUT = 1

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Lines:
    """The output, buffered: a write per line would cost as much as the line."""

    def __init__(self, descriptor: int = STDOUT) -> None:
        self._descriptor = descriptor
        self._waiting: list[bytes] = []
        self._loop: AbstractEventLoop | None = None
        self._timer: TimerHandle | None = None

    def attach(self, loop: AbstractEventLoop | None) -> None:
        """The loop that empties the buffer from now on; None: every line goes out at once."""
        self.flush()
        self._loop = loop

    def info(self, line: bytes) -> None:
        """A line that can wait."""
        self._waiting.append(line)
        if self._loop is None:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(FLUSH_EVERY, self.flush)

    def warning(self, line: bytes) -> None:
        """A line that cannot."""
        self._waiting.append(line)
        self.flush()

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        content = b"".join([line + b"\n" for line in self._waiting])
        self._waiting.clear()
        while content:
            try:
                content = content[os.write(self._descriptor, content) :]
            except OSError:
                return  # nobody reads the log any more; reviews go on


class Clock:
    """Time stamps; the part down to the second is made once a second."""

    def __init__(self) -> None:
        self._second, self._text = 0, ""

    def stamp(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second, self._text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._text}.{int((now - second) * 1000):03d}Z"


class ReviewLine(msgspec.Struct, omit_defaults=True):
    """What is said of a review, in this order; msgspec is twice as fast with it as with keywords."""

    uid: str | None
    door: str
    namespace: str | None
    name: str | None
    outcome: str
    reason: str
    reasons: tuple[str, ...]
    containers: str
    dry_run: bool = msgspec.field(name="dryRun")
    ms: float
    remembered: bool
    message: str | None = None
    traceback: object = None


Fields = Mapping[str, object] | ReviewLine
Form = Callable[[str, str, str, Fields], bytes]  # time, level, event, fields: a line


class Log:
    """What is said, a line an event, into the buffer. `levels`: those at which anything is."""

    def __init__(self, lines: Lines, level: str = "info", form: str = "json") -> None:
        self.lines = lines
        self.levels = frozenset(LEVELS[LEVELS.index(level) :])
        self._form = _text() if form == "console" else _json
        self._clock = Clock()

    def info(self, event: str, **fields: object) -> None:
        self.say("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self.say("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        self.say("error", event, fields)

    def say(self, level: str, event: str, fields: Fields) -> None:
        """From `warning` on it goes out at once."""
        if level in self.levels:
            line = self._form(self._clock.stamp(), level, event, fields)
            (self.lines.info if level == "info" else self.lines.warning)(line)


def _json(stamp: str, level: str, event: str, fields: Fields) -> bytes:
    head = f'{{"time":"{stamp}","level":"{level}","event":'.encode() + _encode(event)
    return head + b"," + _encode(fields)[1:] if fields else head + b"}"


def _text() -> Form:
    # structlog brings rich with it: 5 MiB, of no use to a service in a cluster.
    from structlog.dev import ConsoleRenderer  # noqa: PLC0415

    render = ConsoleRenderer(colors=os.isatty(STDOUT))

    def text(stamp: str, level: str, event: str, fields: Fields) -> bytes:
        said = {"timestamp": stamp, "level": level, "event": event, **msgspec.to_builtins(fields, enc_hook=str)}
        return str(render(None, level, said)).encode()

    return text


def configure(level: str, form: str, lines: Lines) -> Log:
    """The log, with what libraries log by way of the standard library in it."""
    log = Log(lines, level, form)
    logging.basicConfig(handlers=[Bridge(log)], level=logging.WARNING, force=True)
    return log


class Bridge(logging.Handler):
    """What uvicorn and asyncio report, in our form."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        level = "error" if record.levelno >= logging.ERROR else "warning"
        self._log.say(level, record.getMessage().strip(), {"logger": record.name, **frames(error)})


def frames(error: BaseException | None) -> Mapping[str, object]:
    """Where an exception came from, without its message; causes before consequences."""
    found = []
    while error is not None:
        stack = traceback.extract_tb(error.__traceback__)
        lines = [f"{frame.filename}:{frame.lineno} in {frame.name}: {frame.line}" for frame in stack]
        found.append({"exception": type(error).__qualname__, "frames": lines})
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return {"traceback": found[::-1]} if found else {}


class ReviewLog:
    """Observers for Application."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def reviewed(self, review: Review, seconds: float) -> None:
        """The line of a review."""
        answer, request = review.answer, review.request
        ordinary = answer.outcome not in (FAILED, MALFORMED)
        if ordinary and "info" not in self._log.levels:
            return
        line = ReviewLine(
            review.uid,
            review.door.value,
            request.namespace if request else None,
            request.name if request else None,
            answer.outcome,
            answer.reason,
            answer.reasons,
            answer.containers,
            bool(request and request.dry_run),
            round(seconds * 1000, 3),
            review.remembered,
        )
        if ordinary:
            self._log.say("info", "review", line)
        elif answer.outcome == MALFORMED:
            line.message = review.message
            self._log.say("warning", "review", line)
        else:
            line.traceback = frames(review.error)["traceback"]
            self._log.say("error", "review", line)

    def refused(self, refusal: Refusal, path: str) -> None:
        """The line of a request that was no review."""
        self._log.warning("request refused", path=path, code=refusal.code, message=refusal.message)

    def reloaded(self, problems: list[str]) -> None:
        """The line of a certificate that was read again."""
        if problems:
            self._log.error("certificate refused, the old one stays", problems=problems)
        else:
            self._log.info("certificate read again")
