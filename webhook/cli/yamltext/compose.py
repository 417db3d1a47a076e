"""YAML text to a tree.

Rule: the tree says what kubectl would send and where each piece of it stands; a text that kubectl reads in another way
      than its author (a key twice, content behind `...`) is refused.
Strategy: ruamel.yaml gives events with positions, in its YAML 1.1 mode: the grammar of go-yaml v2, but for tabs.
      Dashes, colons and the real end of block values are found in the text around them.
"""

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml import events as ev
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from webhook.cli.yamltext.nodes import Child, Node, Tree, UnreadableError, merged
from webhook.cli.yamltext.scalars import SURROGATE, key_text, resolve, to_json
from webhook.cli.yamltext.scanner import KubernetesScanner

SPACE = re.compile(r"(?:[ \t\r\n\ufeff]|#[^\r\n]*)*")  # white space and comments
_COLON = re.compile(r"[ \t]*:")
# A bomb of aliases: go-yaml stops at a ratio of 10 % for documents above 4,000,000 values; nobody writes a tenth of it.
MAX_VALUES = 400_000
# What ruamel's commonest complaints mean to somebody who edits a manifest.
_SENTENCES = {
    "expected '<document start>'": "the document has ended above: the indentation is wrong, or `---` is missing",
    "expected <block end>": "this line does not fit the lines above it: check its indentation",
    "mapping values are not allowed": "`: ` is not allowed here: quote the value, or check the indentation",
    "sequence entries are not allowed": "`- ` is not allowed here: begin a new line for it, or quote the value",
    "could not find expected ':'": "`: ` is missing behind this key",
    "expected the node content, but found '<stream end>'": "the text ends before this value does",
    "found character '\\t'": "a tab must not indent, only spaces",
}


def compose(text: str) -> Tree:
    """The tree of one YAML document. UnreadableError: what is wrong, and where."""
    # kubectl reads by lines and ends the last one too, which decides the value of a block scalar at the end.
    whole = text if text.endswith("\n") else text + "\n"
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)
    yaml.Scanner = KubernetesScanner
    try:
        root = _Composer(text, yaml.parse(whole)).document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableError(_sentence(error), mark.index if mark else 0) from error
    except ReaderError as error:
        raise UnreadableError(
            f"the character #x{error.character:04x} is not allowed in YAML", error.position
        ) from error
    except YAMLError as error:
        raise UnreadableError(str(error), 0) from error
    except RecursionError:
        raise UnreadableError("it is nested too deeply", 0) from None
    return Tree(root)


def _sentence(error: MarkedYAMLError) -> str:
    problem = error.problem or ""
    for begin, sentence in _SENTENCES.items():
        if problem.startswith(begin):
            return sentence
    return " ".join(part.strip() for part in (error.context, problem) if part)


class _Composer:
    """Builds nodes from events, bottom up."""

    def __init__(self, text: str, events: Iterator[Any]) -> None:
        self._text = text
        self._events = events
        self._anchors: dict[str, Node | None] = {}

    def document(self) -> Node | None:
        root = None
        for event in self._events:
            if isinstance(event, ev.DocumentStartEvent):
                if root is not None:
                    raise UnreadableError("another document begins here without `---`", event.start_mark.index)
                root = self._node(next(self._events))
        if root is None or (root.kind == "scalar" and root.value is None):
            return None
        if root.weight > MAX_VALUES:
            raise UnreadableError("its aliases stand for too many values", root.start)
        return root

    def _node(self, event: Any) -> Node:
        if isinstance(event, ev.AliasEvent):
            return self._alias(event)
        if event.anchor:
            self._anchors[event.anchor] = None
        if isinstance(event, ev.ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, ev.MappingStartEvent):
            node = self._mapping(event)
        else:
            node = self._sequence(event)
        if event.anchor and self._anchors[event.anchor] is None:  # else it is set again inside, and the last one counts
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        if event.anchor not in self._anchors:
            raise UnreadableError(f"there is no anchor &{event.anchor} before this alias", start)
        target = self._anchors[event.anchor]
        if target is None:
            raise UnreadableError(f"the anchor &{event.anchor} contains itself", start)
        return Node("alias", start, start, end, target.value, target=target, weight=target.weight)

    def _scalar(self, event: Any) -> Node:
        start, end = event.start_mark.index, min(event.end_mark.index, len(self._text))
        if SURROGATE.search(event.value):
            raise UnreadableError("an escape in it is half a character (a surrogate)", start)
        if event.style in ("|", ">"):
            end = self._block_end(start, end)
        return Node("scalar", start, start, end, _json(_value(event), start), anchored=bool(event.anchor))

    def _block_end(self, start: int, end: int) -> int:
        """The end of a block scalar's last line; blank lines below it belong to it only if its header has a `+`."""
        text = self._text[start:end]
        header = text.partition("\n")[0].partition("#")[0]
        return start + len(text.removesuffix("\n").removesuffix("\r") if "+" in header else text.rstrip())

    def _sequence(self, event: Any) -> Node:
        start, body = event.start_mark.index, event.end_mark.index
        flow = bool(event.flow_style)
        # The mark stands before the first dash, behind it where the sequence is not indented, or behind the bracket.
        body = body if self._text.startswith("-", body) and not flow else body - 1
        children: list[Child] = []
        end = body
        while not isinstance(item := next(self._events), ev.SequenceEndEvent):
            node = self._node(item)
            dash = node.start if flow else body if not children else self._skip(end)
            children.append(Child(None, dash, -1 if flow else dash + 1, node))
            end = children[-1].end
        return Node(
            kind="sequence",
            start=start,
            body=body,
            end=item.end_mark.index if flow else end,
            value=[child.node.value for child in children],
            flow=flow,
            children=tuple(children),
            anchored=bool(event.anchor),
            weight=1 + sum(child.node.weight for child in children),
        )

    def _mapping(self, event: Any) -> Node:
        start, body = event.start_mark.index, event.end_mark.index
        flow = bool(event.flow_style)
        braced = flow and self._text.startswith("{", body - 1)  # [key: value] has no braces
        value: dict[str, Any] = {}
        children: list[Child] = []
        keys: set[str] = set()
        while not isinstance(key := next(self._events), ev.MappingEndEvent):
            children.append(self._entry(key, value, keys))
        return Node(
            kind="mapping",
            start=start,
            body=body - 1 if braced else children[0].start if flow else body,
            end=key.end_mark.index if braced else children[-1].end,
            value=value,
            flow=flow,
            children=tuple(children),
            anchored=bool(event.anchor),
            weight=1 + sum(child.node.weight for child in children),
        )

    def _entry(self, event: Any, value: dict[str, Any], keys: set[str]) -> Child:
        """One key and its value, put into `value`. go-yaml lets whatever stands last win, keys and merges alike."""
        name = self._node(event)
        after = self._after(name)
        node = self._node(next(self._events))
        if node.kind == "scalar" and node.start == node.end:  # nothing is written, and ruamel's mark may be anywhere
            place = after if after >= 0 else name.end
            node = Node("scalar", place, place, place, None)
        if _is_merge(event):
            sources = merged(node)
            if not sources and node.value != []:
                raise UnreadableError("`<<` needs a mapping, or a list of mappings", name.start)
            for source in sources:
                value.update(source.value)
            return Child(None, name.start, after, node, merge=True)
        if name.kind in ("mapping", "sequence") or (name.target and name.target.kind != "scalar"):
            raise UnreadableError("a key must be a string, not a collection", name.start)
        try:
            key = str(name.value) if name.target else key_text(_value(event))
        except ValueError as error:
            raise UnreadableError(str(error), name.start) from error
        if key in keys:
            raise UnreadableError(f"the key {key!r} is already set in this mapping", name.start)
        keys.add(key)
        value[key] = node.value
        return Child(key, name.start, after, node)

    def _after(self, name: Node) -> int:
        """Behind the colon of a key, -1 where it is not written in the simple way."""
        before = name.start - 1
        while before >= 0 and self._text[before] in " \t":
            before -= 1
        colon = _COLON.match(self._text, name.end)
        return -1 if not colon or (before >= 0 and self._text[before] == "?") else colon.end()

    def _skip(self, offset: int) -> int:
        match = SPACE.match(self._text, offset)
        return match.end() if match else offset


def _is_merge(event: Any) -> bool:
    return isinstance(event, ev.ScalarEvent) and event.value == "<<" and bool(event.implicit[0])


def _value(event: Any) -> Any:
    if event.implicit == (False, True):  # in quotes, or a block, and without a tag
        return event.value
    try:
        return resolve(event.value, None if event.ctag is None else str(event.ctag))
    except ValueError as error:
        raise UnreadableError(str(error), event.start_mark.index) from error


def _json(value: Any, offset: int) -> Any:
    try:
        return to_json(value)
    except ValueError as error:
        raise UnreadableError(str(error), offset) from error
