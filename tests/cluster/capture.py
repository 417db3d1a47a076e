"""A page that shows what happens: its commands are run, and what they print is what stands there.

Rule: nobody types an output. In a block of the language `console` a line that begins with `$ ` is a command, and what
      follows is what it printed. A YAML block below a link to a file of examples/ is that file.
Strategy: the page is its own golden; `pytest --rewrite` writes it. What differs from run to run is masked on both sides
      before they are compared, and an output that differs in nothing else is left as it stands, so that a page written
      anew shows only what changed.
"""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "chapter.md"
PATIENCE = 150  # seconds for one command
_SESSION = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (?P<command>.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)
_FILE = re.compile(r"(\(\.\./(examples/[^)]+)\):\n\n```yaml\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
VARYING = {
    r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b": "UID",
    r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z": "TIME",
    r" +\d+ [A-Z][a-z]{2} [ \d]\d \d\d:\d\d annotations": " SIZE DATE annotations",  # they hold a time, its zeros cut
    r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d": "DATE",
    r"\b10\.88\.\d+\.\d+\b": "POD_IP",
    r'("resourceVersion": )"\d+"': r'\1"NUMBER"',
    r"\bv1\.\d+\.\d+\b": "VERSION",
    r" +\d+m?s\b": " AGE",
    r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b": "-GENERATED",  # the letters that apimachinery's rand makes names of
}


def masked(text: str) -> str:
    """The text without what is another one in each run."""
    for pattern, word in VARYING.items():
        text = re.sub(pattern, word, text)
    return text


def played(page: str, run: Callable[[str], str]) -> str:
    """The page after its commands were run, from top to bottom."""

    def answered(found: re.Match[str]) -> str:
        command, before = found["command"], found["output"]
        after = run(command)
        return f"$ {command}\n{before if masked(before) == masked(after) else after}"

    return _SESSION.sub(lambda session: _COMMAND.sub(answered, session[0]), page)


def quoted(page: str) -> str:
    """The page with the files that it shows as they are now."""
    return _FILE.sub(lambda found: found[1] + (ROOT / found[2]).read_text(), page)


def shell(command: str, environment: Mapping[str, str]) -> str:
    """What a person sees who types it in a checkout."""
    done = subprocess.run(
        [
            "timeout",
            str(PATIENCE),
            "bash",
            "-c",
            command,
        ],  # some wait for what never comes where one before them failed
        cwd=ROOT,
        env=os.environ | environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,  # a refusal is an answer too
    )
    return done.stdout if done.stdout.endswith("\n") or not done.stdout else done.stdout + "\n"
