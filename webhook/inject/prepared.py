"""What follows from a pod's annotations and the installer's Defaults alone, prepared once for all pods that say it.

Rule: nothing else of a pod is in it: no container, no name, no variable, no figure. Remembered or made anew, it is the
      same value, so an answer does not depend on which pods came before.
Strategy: a cluster's pods say few different things about podmeta, so whatever need not be done for each of them is done
      here: Options, the hash of the configuration, the JSON of all that no container changes. A pod is then compared
      with it, and its own names and places go into the holes.
"""

from functools import lru_cache
from typing import NamedTuple

import msgspec

from webhook.api.jsonpatch import HOLE, add, quoted
from webhook.inject.annotations import WRITTEN, Options, Problem, parse
from webhook.inject.fields import FILES, ResourceFieldRef, Source, Variable
from webhook.inject.reasons import Reason
from webhook.inject.situation import Defaults, Note
from webhook.inject.status import fingerprint
from webhook.inject.texts import NAME, env_var, file_item, mount

# Whoever writes pods can fill this: with as many mistakes as there is room for it holds 9 MB (measured), and the pods
# of others are prepared each time.
REMEMBERED = 64
LONGEST = 512  # characters of annotations; a pod that says more is prepared each time


class Item(msgspec.Struct, frozen=True):
    """One thing to add to a list of the pod: its name, as podmeta/status has it, and its JSON."""

    name: str
    json: str


class Block(msgspec.Struct, frozen=True):
    """Variables that stand together in front of a container's own.

    `array`: their JSON for a container that has none. `adds`: the operations for another, split where its path belongs.
    Either has a NAME where the container's name belongs.
    """

    names: tuple[str, ...]
    array: str
    adds: tuple[str, ...]

    @classmethod
    def of(cls, items: tuple[Item, ...]) -> "Block":
        """The variables in that order."""
        adds = [add(f"{HOLE}/env/{index}", item.json) for index, item in enumerate(items)]
        array = ",".join([item.json for item in items])
        return cls(tuple([item.name for item in items]), f"[{array}]", tuple(",".join(adds).split(HOLE)))

    def of_container(self, name: str) -> "Block":
        """With the container's name where it belongs."""
        text = quoted(name)[1:-1]
        adds = tuple([part.replace(NAME, text) for part in self.adds])
        return Block(self.names, self.array.replace(NAME, text), adds)


class Figure(NamedTuple):
    """A variable that shows a request or limit: `limits` or `requests`, and which field of Quantities.

    What is to be known where the container does not declare it: if the pod does, for all of them, and if nobody does.
    """

    kind: str
    resource: str
    pod: Note
    nobody: Note


class Entry(msgspec.Struct, frozen=True):
    """A variable as it is injected, under its whole name. `obstacle`: why no container of this cluster gets it.

    `needs`: the field of Quantities whose limit is to be declared.
    """

    item: Item
    source: Source
    needs: str | None
    obstacle: Reason | None
    figure: Figure | None

    @classmethod
    def of(cls, variable: Variable, prefix: str, kubernetes: int) -> "Entry":
        """`kubernetes`: the cluster's minor version."""
        name, source = variable.name if variable.fixed else prefix + variable.name, variable.source
        obstacle = Reason.TOPOLOGY if variable.since > kubernetes else None
        needs = variable.needs and _field(variable.needs)
        return cls(Item(name, env_var(name, source)), source, needs, obstacle, _figure(name, source))


class Environment(msgspec.Struct, frozen=True):
    """The variables of a container that has none of its own. `named`: the container's name is in one of them.

    `undeclared`: what is to be known of all figures where nothing is declared.
    `whole`: all of them, for a container whose own names are none of `names`; None where it depends on more than that.
    """

    entries: tuple[Entry, ...]
    names: frozenset[str]
    figures: tuple[Figure, ...]
    undeclared: tuple[Note, ...]
    named: bool
    whole: Block | None

    @classmethod
    def of(cls, entries: tuple[Entry, ...]) -> "Environment":
        """The variables in that order."""
        names = frozenset([entry.item.name for entry in entries])
        figures = tuple([entry.figure for entry in entries if entry.figure])
        named = any(NAME in entry.item.json for entry in entries)
        items = tuple([entry.item for entry in entries if not entry.needs and not entry.obstacle])
        whole = Block.of(items) if len(items) == len(entries) == len(names) else None
        return cls(entries, names, figures, tuple([figure.nobody for figure in figures]), named, whole)


class Prepared(msgspec.Struct, frozen=True, cache_hash=True):  # _sheet asks for it at every pod
    """`config`: the hash in podmeta/status. `path`: the directories down to the volume; `mounted`: the JSON of a mount
    there, split where the volume's name belongs. `files`: the items of the volume, split where `container_name` does.

    With `problems`, nothing else of it is to be used for a patch.
    """

    defaults: Defaults
    options: Options
    problems: tuple[Problem, ...]
    config: str
    environment: Environment
    path: tuple[str, ...]
    mounted: tuple[str, ...]
    files: tuple[str, ...]

    def environment_with(self, more: tuple[Variable, ...]) -> Environment:
        """The environment with further variables behind those of podmeta/env."""
        if not more:
            return self.environment
        return Environment.of((*self.environment.entries, *_entries(more, self.options, self.defaults)))


def prepared(annotations: tuple[tuple[str, str], ...], defaults: Defaults) -> Prepared:
    """What follows from a pod's `podmeta/` annotations."""
    asks = tuple([pair for pair in annotations if pair[0] not in WRITTEN])
    said = sum([len(key) + len(text) for key, text in asks])
    return _remembered(asks, defaults) if said <= LONGEST else _prepare(asks, defaults)


def _prepare(asks: tuple[tuple[str, str], ...], defaults: Defaults) -> Prepared:
    options, problems = parse(asks, defaults.options)
    shaping = (
        msgspec.structs.replace(options, asked=frozenset()),
        msgspec.structs.replace(defaults, deny_invalid=True),
    )
    return Prepared(
        defaults,
        options,
        tuple(problems),
        fingerprint(*shaping),
        Environment.of(_entries(options.env, options, defaults)),
        directories(options.volume_path),
        tuple(mount(HOLE, options.volume_path).split(HOLE)),
        tuple(",".join(map(file_item, (*FILES, *options.volume_items))).split(HOLE)),
    )


_remembered = lru_cache(REMEMBERED)(_prepare)


def _entries(variables: tuple[Variable, ...], options: Options, defaults: Defaults) -> tuple[Entry, ...]:
    return tuple([Entry.of(variable, options.env_prefix, defaults.kubernetes) for variable in variables])


def _figure(name: str, source: Source) -> Figure | None:
    """None also for huge pages: the kubelet has no stand-in for them (defaultPodLimitsForDownwardAPI)."""
    if not isinstance(source, ResourceFieldRef):
        return None
    kind, _, resource = source.resource.partition(".")
    if resource.startswith("hugepages-"):
        return None
    reasons = (Reason.REQUEST_ZERO,) * 2 if kind == "requests" else (Reason.POD_LIMIT, Reason.NODE_ALLOCATABLE)
    return Figure(kind, _field(resource), *[Note(name, reason) for reason in reasons])


def _field(resource: str) -> str:
    """The field of Quantities for a resource."""
    return resource.replace("-", "_")


def directories(path: str) -> tuple[str, ...]:
    """The names on the way down to a path, of Windows as well."""
    return tuple([part for part in path.replace("\\", "/").split("/") if part not in ("", ".")])
