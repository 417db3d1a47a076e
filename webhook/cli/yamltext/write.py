"""Plain data to text: block YAML by the line, flow YAML and JSON by the piece.

Rule: what is written reads back as the same data for every reader, and looks as if the file's author had written it.
Strategy: a Style holds what an author decides about blocks, a Flow what he decides about braces; both are measured in
      the document (layout.py). Strings are quoted only where they must be.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from webhook.cli.yamltext.scalars import literal, quoted, written


@dataclass(frozen=True, slots=True)
class Style:
    """Columns: of a mapping below its key, of a sequence's dash below its key, of an item behind its dash.

    `literals`: whether a text of several lines may be a block; else it is quoted, on one line.
    """

    mapping: int = 2
    sequence: int = 0
    item: int = 2
    literals: bool = True


@dataclass(frozen=True, slots=True)
class Flow:
    """How flow collections are written. `unit`: one step of indentation, None for all on one line."""

    json: bool
    comma: str = ", "
    colon: str = ": "
    unit: str | None = None


def scalar(value: Any, string: Callable[[str], str]) -> str:
    """A scalar or an empty collection on one line. TypeError: the value is not plain data."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return string(value)
        case dict():
            return "{}"
        case list():
            return "[]"
        case _:
            raise TypeError(f"{type(value).__name__} is not plain data")


def block(value: dict[str, Any] | list[Any], column: int, style: Style) -> list[str]:
    """A collection that is not empty as lines, its keys or dashes at `column`."""
    if isinstance(value, dict):
        return [line for key, item in value.items() for line in entry(key, item, column, style)]
    return [line for item in value for line in entry(None, item, column, style)]


def entry(key: str | None, value: Any, column: int, style: Style) -> list[str]:
    """One entry of a block collection as lines; `key` None: an item of a sequence."""
    head, lines = behind(value, column, style, dash=key is None)
    mark = "-" if key is None else written(key) + ":"
    return [" " * column + mark + head, *lines]


def behind(value: Any, column: int, style: Style, *, dash: bool) -> tuple[str, list[str]]:
    """What follows a dash or colon that belongs to `column`: the rest of its line, and the lines after it."""
    deeper = column + (style.item if dash else style.mapping)
    if isinstance(value, str) and style.literals and (found := literal(value)):
        header, texts = found
        return " " + header, [" " * deeper + text if text else "" for text in texts]
    if not isinstance(value, (dict, list)) or not value:
        return " " + scalar(value, written), []
    if dash:
        first, *rest = block(value, deeper, style)
        return first[column + 1 :], rest
    return "", block(value, column + style.sequence if isinstance(value, list) else deeper, style)


def inline(value: Any, flow: Flow, newline: str = "\n", indent: str = "") -> str:
    """A value in flow style. `indent`: of the line on which it begins, where it takes several."""
    string = quoted if flow.json else partial(written, flow=True)
    if not isinstance(value, (dict, list)) or not value:
        return scalar(value, string)
    deeper = indent + (flow.unit or "")
    texts = [
        (string(key) + flow.colon if key is not None else "") + inline(item, flow, newline, deeper)
        for key, item in (value.items() if isinstance(value, Mapping) else ((None, item) for item in value))
    ]
    first, last = "{}" if isinstance(value, dict) else "[]"
    if flow.unit is None:
        return first + flow.comma.join(texts) + last
    return first + newline + deeper + f",{newline}{deeper}".join(texts) + newline + indent + last
