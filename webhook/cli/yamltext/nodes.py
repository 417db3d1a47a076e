"""The tree of a document: every value beside the places in the text that stand for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal


class UnreadableError(ValueError):
    """The text cannot be read: the sentence, and the offset in the text that it is about."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value. `start`: of its anchor or tag if it has any; `body`: of the value itself, which for a collection is
    its first key, dash or bracket; `end`: behind its last character (comments and blank lines are not part of it).

    `value`: plain data, aliases and merges resolved. `target`: of an alias, what it stands for.
    """

    kind: Literal["scalar", "mapping", "sequence", "alias"]
    start: int
    body: int
    end: int
    value: Any
    flow: bool = False
    children: tuple["Child", ...] = ()
    target: "Node | None" = None
    anchored: bool = False
    weight: int = 1  # how many values it is when aliases are written out


@dataclass(frozen=True, slots=True, eq=False)
class Child:
    """An entry of a collection. `key`: None in a sequence, and for a merge (`<<`). `start`: of the key or the dash;
    `after`: behind the colon or the dash, -1 where there is none on the key's line (`? key`, `{key}`).
    """

    key: str | None
    start: int
    after: int
    node: Node
    merge: bool = False

    @property
    def end(self) -> int:
        return max(self.after, self.node.end)


@dataclass(frozen=True, slots=True)
class Tree:
    """A document's root (None: there is nothing in it) and whether it is JSON, so that what is added is JSON too."""

    root: Node | None
    json: bool = False


def walk(node: Node) -> Iterator[Node]:
    """The node and all nodes written inside it, in the order of the text."""
    yield node
    for child in node.children:
        yield from walk(child.node)


def merged(node: Node) -> list[Node]:
    """The mappings that the value of a `<<` key brings in, the strongest last."""
    match node.kind:
        case "alias" if node.target is not None:
            return merged(node.target) if node.target.kind == "mapping" else []
        case "sequence":
            return [source for child in reversed(node.children) for source in merged(child.node)]
        case "mapping":
            return [node]
        case _:
            return []
