"""The stories of tests/cases as data: what each directory holds and how its pod is made.

Rule: a case needs no code. What is special about it stands in its case.yaml, and a key that this module does not know
      is an error, so that a slip of the pen cannot turn into a case that tests something else.
Strategy: the way a pod is made is one of a handful of things that people do with kubectl; README.md there says which.
"""

from enum import Enum
from pathlib import Path
from typing import Any, Literal, Self

import msgspec
from ruamel.yaml import YAML

CASES = Path(__file__).parents[1] / "cases"


class CaseError(Exception):
    """A directory of tests/cases that cannot be used; the text names it and says what is wrong."""


class Debug(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`kubectl debug POD --image=IMAGE --container=CONTAINER [--target=TARGET]`."""

    pod: str
    target: str | None = None
    container: str = "debugger"
    image: str = "busybox:1.37"


class Special(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """case.yaml: nothing of it is needed for a pod that `kubectl apply` makes."""

    create: bool = False
    dry_run: bool = False
    from_: str | None = msgspec.field(default=None, name="from")
    as_: Literal["node"] | None = msgspec.field(default=None, name="as")
    debug: Debug | None = None
    later_webhook: tuple[dict[str, Any], ...] = ()
    door: Literal["pod", "namespace"] = "pod"


class Way(Enum):
    """How the pod comes to be."""

    APPLY = "kubectl apply"
    CREATE = "kubectl create"
    DRY_RUN = "kubectl apply --dry-run=server"
    JOB_FROM = "kubectl create job --from"
    NODE = "a mirror pod that a node's kubelet creates"
    DEBUG = "kubectl debug"


class Case(msgspec.Struct, frozen=True):
    """One directory. Its name is the slug, and the namespace that its pod is made in."""

    directory: Path
    special: Special

    @classmethod
    def load(cls, directory: Path) -> Self:
        if not (directory / "manifest.yaml").is_file():
            raise CaseError(f"{directory.name}: there is no manifest.yaml")
        path = directory / "case.yaml"
        try:
            (said,) = read_yaml(path) if path.exists() else [{}]
            special = msgspec.convert(said, Special)
        except ValueError as error:  # msgspec's, or not exactly one document
            raise CaseError(f"{directory.name}/case.yaml: {error}") from None
        case = cls(directory, special)
        case.way  # noqa: B018 - raises where two ways are asked for
        return case

    @property
    def slug(self) -> str:
        return self.directory.name

    @property
    def manifest(self) -> Path:
        return self.directory / "manifest.yaml"

    @property
    def source(self) -> Path | None:
        """Where a story begins with an injected pod: the pod before, of which `podmeta inject` makes manifest.yaml."""
        path = self.directory / "source.yaml"
        return path if path.exists() else None

    @property
    def setup(self) -> Path | None:
        """What is there before the pod comes."""
        path = self.directory / "setup.yaml"
        return path if path.exists() else None

    @property
    def review(self) -> Path:
        return self.directory / "review.json"

    @property
    def operation(self) -> str:
        return "UPDATE" if self.special.debug else "CREATE"

    @property
    def way(self) -> Way:
        special = self.special
        asked = {
            Way.CREATE: special.create,
            Way.DRY_RUN: special.dry_run,
            Way.JOB_FROM: special.from_ is not None,
            Way.NODE: special.as_ == "node",
            Way.DEBUG: special.debug is not None,
        }
        ways = [way for way, wanted in asked.items() if wanted]
        if len(ways) > 1:
            raise CaseError(f"{self.slug}/case.yaml: a pod is made in one way: {', '.join(way.value for way in ways)}?")
        return ways[0] if ways else Way.APPLY


def read_yaml(path: Path) -> list[Any]:
    """The documents of a file, without those that are empty."""
    return [document for document in YAML(typ="safe").load_all(path) if document is not None]


def all_cases() -> list[Case]:
    """Every directory of tests/cases, by name."""
    return [Case.load(path) for path in sorted(CASES.iterdir()) if path.is_dir()]


def named(slugs: list[str]) -> list[Case]:
    """The cases of these names; an unknown one is an error that names those that there are."""
    cases = {case.slug: case for case in all_cases()}
    unknown = sorted(set(slugs) - set(cases))
    if unknown:
        raise CaseError(f"no such case: {', '.join(unknown)}; there are: {', '.join(cases)}")
    return [cases[slug] for slug in slugs]
