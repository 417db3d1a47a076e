"""The annotation podmeta/status: exactly what was added where.

Rule: it is the only record of what is ours. `uninject` takes out what it names and nothing else.
Strategy: JSON whose maps have sorted keys; a second round of injection adds to it and never takes away from it.
"""

import hashlib
from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec

from webhook.api.jsonpatch import as_json


class Added(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """By container name: env names and mount paths. By name: volumes, containers, annotations."""

    env: dict[str, tuple[str, ...]] = {}
    volume_mounts: dict[str, tuple[str, ...]] = {}
    volumes: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()

    def merged(self, other: "Added") -> "Added":
        """The union, first this one's entries."""
        if self == NOTHING:
            return other
        return Added(
            _union(self.env, other.env),
            _union(self.volume_mounts, other.volume_mounts),
            _joined(self.volumes, other.volumes),
            _joined(self.containers, other.containers),
            _joined(self.annotations, other.annotations),
        )


NOTHING = Added()


class Status(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`version` of podmeta, `config`: a hash of everything that shaped this pod's injection."""

    version: str
    config: str
    added: Added


class Form(NamedTuple):
    """The text of a first Status, as JSON writes it into another JSON, where all containers got the same.

    What stands between the names: `more`, `again`, `comma` between two of a kind, the others around them.
    """

    begin: str
    more: str
    then: str
    again: str
    after: str
    comma: str
    end: str

    @classmethod
    def of(cls, version: str, config: str, variables: tuple[str, ...], path: str) -> "Form | None":
        """None where a path has the marks in it that stand for names here."""
        added = Added(dict.fromkeys(_MARKS, variables), dict.fromkeys(_MARKS, (path,)), _MARKS)
        one, other = (as_json(as_json(mark)[1:-1])[1:-1] for mark in _MARKS)
        pieces = as_json(dump(Status(version, config, added))).replace(other, one).split(one)
        return cls(*pieces) if len(pieces) == len(cls._fields) else None

    def filled(self, containers: Collection[str], volumes: Collection[str]) -> str:
        """With names in which JSON escapes nothing."""
        names, mounted = sorted(set(containers)), self.comma.join(volumes)
        return f"{self.begin}{self.more.join(names)}{self.then}{self.again.join(names)}{self.after}{mounted}{self.end}"


_MARKS = ("\1", "\2")  # in alphabetical order, as names are
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(Status).decode


def dump(status: Status) -> str:
    """The annotation's text."""
    return _encode(status).decode()


def load(text: str) -> Status | None:
    """The Status in an annotation's text, None where it is not one."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def fingerprint(*parts: Any) -> str:
    """Twelve hexadecimal digits that change when any of the parts does."""
    return hashlib.sha256(_encode(parts)).hexdigest()[:12]


def _joined(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*one, *other]))


def _union(one: dict[str, tuple[str, ...]], other: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: _joined(one.get(name, ()), other.get(name, ())) for name in {**one, **other}}
