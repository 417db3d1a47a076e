"""The recorded stories: one directory each under tests/cases/.

Rule: a directory is whole or the run fails. review.json is what a real kube-apiserver sent; patch.json, pod.yaml and
      explain.txt are what podmeta made of it, so that a reviewer can read what changed.
Strategy: found by listing. `pytest --rewrite tests/doors/test_engine.py` rewrites the last three.
"""

import copy
import json
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.kube.cases import CASES, Case, all_cases
from webhook.inject.annotations import defaults
from webhook.inject.question import Door
from webhook.inject.situation import Defaults

HERE = CASES
REQUIRED = {"manifest.yaml", "review.json", "patch.json", "pod.yaml", "explain.txt"}
OPTIONAL = {"setup.yaml", "case.yaml", "source.yaml"}
DENIED = "# denied: no pod is stored\n"
DEFAULTS = Defaults(defaults({})[0])


@dataclass(frozen=True)
class Story:
    """One case and its goldens; what is read of it is read once."""

    case: Case

    @property
    def slug(self) -> str:
        return self.case.slug

    @property
    def folder(self) -> Path:
        return self.case.directory

    @cached_property
    def review(self) -> bytes:
        return self.case.review.read_bytes()

    @cached_property
    def request(self) -> dict[str, Any]:
        request: dict[str, Any] = json.loads(self.review)["request"]
        return request

    @property
    def door(self) -> Door:
        return Door(self.case.special.door)

    @property
    def path(self) -> str:
        """The webhook's HTTP path for this story."""
        return "/mutate/namespace" if self.door is Door.NAMESPACE else "/mutate"

    @property
    def denied(self) -> bool:
        return self.read("pod.yaml") == DENIED

    @property
    def patched(self) -> bool:
        return self.read("patch.json") != "[]\n"

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)


STORIES = [Story(case) for case in all_cases()]


def applied(pod: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
    """RFC 6902 `add`, written independently of the code under test."""
    whole = copy.deepcopy(pod)
    for operation in operations:
        assert operation["op"] == "add", operation
        *parents, last = [t.replace("~1", "/").replace("~0", "~") for t in operation["path"].split("/")[1:]]
        at: Any = whole
        for token in parents:
            at = at[int(token)] if isinstance(at, list) else at[token]
        value = copy.deepcopy(operation["value"])
        if isinstance(at, list):
            index = len(at) if last == "-" else int(last)
            assert 0 <= index <= len(at), operation
            at.insert(index, value)
        else:
            at[last] = value
    return whole


def visible(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod without managedFields: half of its lines, and the API server's own bookkeeping."""
    return {**pod, "metadata": {key: value for key, value in pod["metadata"].items() if key != "managedFields"}}


def dumped(value: Any) -> str:
    """YAML for a reviewer: keys as they came, long strings whole."""
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()


def loaded(text: str) -> Any:
    return YAML(typ="safe").load(text)
