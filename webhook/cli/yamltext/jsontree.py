r"""JSON text to trees.

Rule: a file that kubectl takes for JSON (it begins with a brace) is JSON, any number of objects after one another,
      with or without white space between them; a key twice is an error, as in strict decoding.
Strategy: descent over the text with the string scanner of the standard library, so that positions are exact, tabs are
      white space and `\ud83d\ude00` is one character, none of which holds for a YAML reader.
Source: RFC 8259; NewYAMLOrJSONDecoder of k8s.io/apimachinery, pkg/util/yaml.
"""

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # public by its name, not in typeshed
from typing import Any

from webhook.cli.yamltext.nodes import Child, Node, Tree, UnreadableError
from webhook.cli.yamltext.scalars import SURROGATE, to_json

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(
    r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![0-9A-Za-z.+-])|(?:true|false|null)(?![0-9A-Za-z])"
)


def json_trees(text: str, begin: int) -> list[Tree]:
    """The objects of a JSON stream that begins at an offset. UnreadableError: it is not one, and where that shows."""
    trees: list[Tree] = []
    offset = _skip(text, begin)
    try:
        while offset < len(text):
            if text[offset] != "{":
                raise UnreadableError("expected a JSON object", offset)
            root = _value(text, offset)
            trees.append(Tree(root, json=True))
            offset = _skip(text, root.end)
    except RecursionError:
        raise UnreadableError("it is nested too deeply", offset) from None
    return trees


def _skip(text: str, offset: int) -> int:
    match = _SPACE.match(text, offset)
    return match.end() if match else offset


def _value(text: str, start: int) -> Node:
    first = text[start : start + 1]
    if first == "{":
        return _object(text, start)
    if first == "[":
        return _array(text, start)
    if first == '"':
        value, end = _string(text, start)
        return Node("scalar", start, start, end, value)
    match = _SCALAR.match(text, start)
    if not match:
        found = repr(first) if first else "the end of the text"
        raise UnreadableError(f"expected a JSON value, found {found}", start)
    try:
        return Node("scalar", start, start, match.end(), to_json(json.loads(match[0])))
    except ValueError:  # 1e999, or more digits than Python turns into a number
        raise UnreadableError("the number is too large", start) from None


def _string(text: str, start: int) -> tuple[str, int]:
    try:
        value, end = scanstring(text, start + 1, True)
    except json.JSONDecodeError as error:
        raise UnreadableError(error.msg, error.pos) from None
    if SURROGATE.search(value):
        raise UnreadableError("an escape in it is half a character (a surrogate)", start)
    return value, end


def _array(text: str, start: int) -> Node:
    children: list[Child] = []
    at = _skip(text, start + 1)
    while not (text.startswith("]", at) and not children):
        node = _value(text, at)
        children.append(Child(None, node.start, -1, node))
        at = _skip(text, node.end)
        if text.startswith("]", at):
            break
        at = _skip(text, _expect(text, at, ",", "`,` or `]`"))
    value = [child.node.value for child in children]
    return Node("sequence", start, start, at + 1, value, flow=True, children=tuple(children))


def _object(text: str, start: int) -> Node:
    children: list[Child] = []
    value: dict[str, Any] = {}
    at = _skip(text, start + 1)
    while not (text.startswith("}", at) and not children):
        if not text.startswith('"', at):
            raise UnreadableError("expected a key in double quotes", at)
        key, end = _string(text, at)
        if key in value:
            raise UnreadableError(f"the key {key!r} is already set in this object", at)
        after = _expect(text, _skip(text, end), ":", "`:`")
        node = _value(text, _skip(text, after))
        value[key] = node.value
        children.append(Child(key, at, after, node))
        at = _skip(text, node.end)
        if text.startswith("}", at):
            break
        at = _skip(text, _expect(text, at, ",", "`,` or `}`"))
    return Node("mapping", start, start, at + 1, value, flow=True, children=tuple(children))


def _expect(text: str, at: int, sign: str, words: str) -> int:
    if not text.startswith(sign, at):
        raise UnreadableError(f"expected {words}", at)
    return at + 1
