"""The annotations: what each may hold, and the Options that a pod's annotations make.

Rule: a value is parsed once, here. Below this module nobody sees a string that a user wrote, only frozen Options;
      and every problem of a pod is found, not the first.
Strategy: one row per annotation: key, parser, default, what it accepts. A parser returns a value and the faults that it
      found. Precedence per key: the pod, then the installer, then the row's default. A value that did not come from the
      pod is not `asked`: the injectors leave out what is impossible then, instead of refusing the pod.
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple

import msgspec

from webhook.inject import values
from webhook.inject.fields import Fault, File, Variable
from webhook.inject.reasons import Reason

PREFIX = "podmeta/"
INJECT = "podmeta/inject"
STATUS = "podmeta/status"
KUBECONFIG = "podmeta/kubeconfig"


class Options(msgspec.Struct, frozen=True):
    """What a pod asks for, after all precedence; the fields stand in the order of ANNOTATIONS."""

    inject: bool
    env: tuple[Variable, ...]
    env_prefix: str
    volume: bool
    volume_path: str
    volume_items: tuple[File, ...]
    ambassador: bool
    ambassador_port: int
    ambassador_access: Literal["read-only", "read-write"]
    ambassador_kubeconfig: bool
    containers: tuple[str, ...]
    skip_containers: tuple[str, ...]
    asked: frozenset[str] = frozenset()


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong with a pod's annotations: the key, the offending piece, what would be accepted."""

    reason: Reason
    key: str
    value: str
    accepted: str

    @property
    def hint(self) -> str:
        """What would mend it."""
        return self.accepted if self.accepted.startswith("did you mean") else f"accepted: {self.accepted}"

    def __str__(self) -> str:
        return f"{self.key}: {values.shown(self.value)}: {self.reason.sentence}; {self.hint}"


class Annotation(NamedTuple):
    """One row: `parse` turns the text into a value and faults; the text of `default` is parsed by it as well."""

    key: str
    parse: Callable[[str], tuple[Any, list[Fault]]]
    default: str
    accepts: str
    meaning: str


BOOLEAN = "`true` `false`"
ANNOTATIONS: tuple[Annotation, ...] = (
    Annotation("podmeta/inject", values.boolean, "false", BOOLEAN, "opt in / opt out"),
    Annotation(
        "podmeta/env",
        values.variables,
        "standard",
        "comma list of `standard`, `all`, `none`, `go`, `jvm`, `NAME` (catalogue), `-NAME`, `NAME=SELECTOR`",
        "which variables",
    ),
    Annotation("podmeta/env-prefix", values.prefix, "", "C identifier start", "put before every injected name"),
    Annotation("podmeta/volume", values.boolean, "true", BOOLEAN, "downwardAPI volume"),
    Annotation("podmeta/volume-path", values.mount_path, "/etc/downward", "absolute path", "mount path"),
    Annotation("podmeta/volume-items", values.files, "", "comma list of `FILE=SELECTOR`", "further files"),
    Annotation("podmeta/ambassador", values.boolean, "false", BOOLEAN, "`kubectl proxy` sidecar"),
    Annotation("podmeta/ambassador-port", values.port, "8001", "1-65535", "its port on 127.0.0.1"),
    Annotation(
        "podmeta/ambassador-access",
        values.access,
        "read-only",
        "`read-only` `read-write`",
        "which HTTP methods it lets through",
    ),
    Annotation("podmeta/ambassador-kubeconfig", values.boolean, "true", BOOLEAN, "kubeconfig file and `KUBECONFIG`"),
    Annotation(
        "podmeta/containers", values.names, "", "comma list of container names", "only these get env and volume"
    ),
    Annotation("podmeta/skip-containers", values.names, "", "comma list of container names", "these get none"),
)
WRITTEN = (STATUS, KUBECONFIG)  # by the webhook, never by a user
_KNOWN = {row.key: row for row in ANNOTATIONS}
# What an installer may set for a whole cluster: not who is injected, and not names of one pod's containers.
INSTALLABLE = tuple(row.key.removeprefix(PREFIX) for row in ANNOTATIONS[1:-2])


def attribute(key: str) -> str:
    """The field of Options that an annotation fills."""
    return key.removeprefix(PREFIX).replace("-", "_")


def defaults(installed: Mapping[str, str]) -> tuple[Options, list[Problem]]:
    """Options of a pod that says nothing. `installed`: key without prefix -> text, as the installer configured it."""
    problems = [
        Problem(Reason.UNKNOWN_KEY, key, text, ", ".join(INSTALLABLE))
        for key, text in installed.items()
        if key not in INSTALLABLE
    ]
    parsed: dict[str, Any] = {}
    for row in ANNOTATIONS:
        name = row.key.removeprefix(PREFIX)
        text = installed.get(name, row.default) if name in INSTALLABLE else row.default
        parsed[attribute(row.key)], faults = row.parse(text)
        problems += [Problem(fault.reason, name, fault.got, fault.accepted) for fault in faults]
    return Options(**parsed), problems


def parse(annotations: Iterable[tuple[str, str]], base: Options) -> tuple[Options, list[Problem]]:
    """A pod's `podmeta/` annotations over the installer's Options, which are not to be used if there are problems."""
    problems: list[Problem] = []
    changes: dict[str, Any] = {}
    for key, text in annotations:
        row = _KNOWN.get(key)
        if row is None:
            if key not in WRITTEN:
                problems.append(_unknown(key, text))
            continue
        value, faults = row.parse(text)
        if not faults:
            changes[attribute(key)] = value
        problems += [Problem(fault.reason, key, fault.got, fault.accepted) for fault in faults]
    options = msgspec.structs.replace(base, **changes, asked=frozenset(changes))
    return options, problems + _contradictions(options)


def _unknown(key: str, text: str) -> Problem:
    near = get_close_matches(key, _KNOWN, n=1)
    accepted = f"did you mean {near[0]}?" if near else ", ".join(_KNOWN)
    return Problem(Reason.UNKNOWN_KEY, key, text, accepted)


def _contradictions(options: Options) -> list[Problem]:
    both = sorted(set(options.containers) & set(options.skip_containers))
    problems = [
        Problem(Reason.CONFLICT, "podmeta/skip-containers", name, "a container that podmeta/containers does not name")
        for name in both
    ]
    asked = "ambassador_kubeconfig" in options.asked and options.ambassador_kubeconfig and options.ambassador
    if asked and not options.volume:
        accepted = '"false" here, or podmeta/volume: "true", since the kubeconfig is a file of the volume'
        problems.append(Problem(Reason.CONFLICT, "podmeta/ambassador-kubeconfig", "true", accepted))
    return problems
