"""A document's tree after operations: what of it stays where it is in the text, what goes, and what is new.

Rule: a part that no operation touches keeps its node, and with it its text. Who used an anchor before an operation
      changed it still means what it meant.
Strategy: collections on the path of an operation become branches, lists of entries that either stand in the text or are
      new. Where the tree has aliases, every collection becomes one, and an alias (or a merge) whose target no longer
      gives its value is written out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from webhook.cli.yamltext.nodes import Child, Node, merged, walk
from webhook.cli.yamltext.pointers import Operation, apply, index_of, tokens


class UnplaceableError(Exception):
    """The text is written in a way that this editor does not change."""


@dataclass(slots=True)
class Fresh:
    """A value that has no place in the text yet."""

    value: Any


@dataclass(slots=True)
class Entry:
    """`child`: where it stands, None if it is new. `inherited`: a merge brings it in, so that it needs no place."""

    key: str | None
    child: Child | None
    item: "Item"
    inherited: bool = False


@dataclass(slots=True)
class Branch:
    """A collection with its entries, in order. `merges`: its `<<` keys that stay."""

    node: Node
    entries: list[Entry]
    merges: list[Child]


Item = Node | Branch | Fresh


def grafted(root: Node, operations: Iterable[Operation]) -> Item:
    """The tree after operations that are known to fit its value."""
    item: Item = root
    for operation in operations:
        item = _operate(item, operation, tokens(operation.path))
    if any(node.kind == "alias" or any(child.merge for child in node.children) for node in walk(root)):
        item = _open_all(item)
        _settle(item, _places(item))
    return item


def plain(item: Item) -> Any:
    """The item as plain data."""
    match item:
        case Branch(node=Node(kind="mapping"), entries=entries):
            return {entry.key: plain(entry.item) for entry in entries}
        case Branch(entries=entries):
            return [plain(entry.item) for entry in entries]
        case Node() | Fresh():
            return item.value


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: unlike in Python, true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _operate(item: Item, operation: Operation, path: list[str]) -> Item:
    if not path:
        return Fresh(operation.value)
    if isinstance(item, Fresh) or (isinstance(item, Node) and item.kind == "alias"):
        rest = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)
        return Fresh(apply(item.value, [_Moved(operation.op, rest, operation.value)]))
    branch = _open(item) if isinstance(item, Node) else item
    if len(path) == 1:
        _change(branch, operation, path[0])
    else:
        entry = branch.entries[_find(branch, path[0])]
        entry.item = _operate(entry.item, operation, path[1:])
        entry.inherited = False
    return branch


@dataclass(frozen=True, slots=True)
class _Moved:
    op: str
    path: str
    value: Any


def _change(branch: Branch, operation: Operation, step: str) -> None:
    entries = branch.entries
    if operation.op == "remove":
        del entries[_find(branch, step)]
    elif branch.node.kind == "sequence":
        at = len(entries) if step == "-" else index_of(step, len(entries) + 1)
        entries.insert(len(entries) if at is None else at, Entry(None, None, Fresh(operation.value)))
    elif step in (entry.key for entry in entries):
        entry = entries[_find(branch, step)]
        entry.item, entry.inherited = Fresh(operation.value), False
    else:
        entries.append(Entry(step, None, Fresh(operation.value)))


def _find(branch: Branch, step: str) -> int:
    if branch.node.kind == "sequence":
        index = index_of(step, len(branch.entries))
        return -1 if index is None else index
    return next(at for at, entry in enumerate(branch.entries) if entry.key == step)


def _open(node: Node) -> Branch:
    """A collection as a branch: the entries that stand in it, then those that merges bring in."""
    standing = [child for child in node.children if not child.merge]
    merges = [child for child in node.children if child.merge]
    entries = [Entry(child.key, child, child.node) for child in standing]
    if merges:
        own = {child.key for child in standing}
        entries += [
            Entry(key, None, Fresh(value), inherited=True) for key, value in node.value.items() if key not in own
        ]
    return Branch(node, entries, merges)


def _open_all(item: Item) -> Item:
    if isinstance(item, Node) and item.children:
        item = _open(item)
    if isinstance(item, Branch):
        for entry in item.entries:
            entry.item = _open_all(entry.item)
    return item


def _places(item: Item) -> dict[Node, Item]:
    """The nodes that are still in the text, and what has become of them."""
    match item:
        case Node():
            return {item: item}
        case Branch(node=node, entries=entries):
            return {node: item} | {key: value for entry in entries for key, value in _places(entry.item).items()}
        case Fresh():
            return {}


def _settle(item: Item, places: dict[Node, Item]) -> None:
    """Aliases and merges that no longer give the value that is wanted are written out; those that do are kept."""
    if not isinstance(item, Branch):
        return
    if item.merges:
        _settle_merges(item, places)
    for entry in item.entries:
        old = entry.child.node if entry.child else None
        if old and old.target and not isinstance(entry.item, Branch):
            place = places.get(old.target)
            kept = place is not None and same(plain(place), plain(entry.item))
            entry.item = old if kept else Fresh(plain(entry.item))
        _settle(entry.item, places)


def _settle_merges(branch: Branch, places: dict[Node, Item]) -> None:
    given: dict[str, Any] = {}
    lost = False
    for source in (source for child in branch.merges for source in merged(child.node)):
        place = places.get(source) if source.anchored else source
        lost = lost or place is None
        given |= plain(place) if place is not None else {}
    wanted = {entry.key for entry in branch.entries}
    if lost or not given.keys() <= wanted:
        branch.merges = []
        for entry in branch.entries:
            entry.inherited = False
        return
    for entry in branch.entries:
        entry.inherited = not entry.child and entry.key in given and same(given[entry.key], plain(entry.item))
