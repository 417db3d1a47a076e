"""Laws of reading and editing, on documents in styles that nobody would choose and everybody meets."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webhook.api.jsonpatch import Operation, escape
from webhook.cli import edits
from webhook.cli.documents import read
from webhook.cli.edits import apply, edit
from webhook.cli.yamltext.scalars import resolve

Draw = Callable[[st.SearchStrategy[Any]], Any]
KEYS = st.sampled_from(["name", "env", "spec", "a/b", "x~y", "podmeta/env", "yes", "1", "# no", "two words", "é"])
# Strings that some reader of YAML takes for something else, or that only some quotes can carry.
STRANGE = ["", "yes", "FALSE", "null", "~", "8001", "1e3", "0x1", "12:30", "0o7", "1_0", "2001-01-01", "=", "<<", ".5"]
STRANGE += ["- a", "a: b", "a:", "a #b", "#", "{a}", "[a", "a, b", "*a", "&a", "%a", "@a", "-", "?", "|", "---", "..."]
STRANGE += [" a", "a ", "'", '"', "a\\b", '{"a": 1}', "it's", "a\tb", "\u2028", "\x07", "\ufeff", "😀"]
STRANGE += ["metadata.labels['a']", "--port=1", "--- a", "http://127.0.0.1:80/", "$(POD_IP)"]
LINES = [
    "a\nb",
    "a\nb\n",
    "a\n\n\n",
    "\na",
    " a\nb",
    "a\n  b\n\tc\n",
    "# a\nb: c\n",
    "a \nb\n",
    "\n",
    "a\r\nb",
    "---\na",
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
SCALARS = st.one_of(
    st.sampled_from(STRANGE), TEXT, st.integers(-99, 99), st.booleans(), st.none(), st.sampled_from([0.5, 1e-9])
)
VALUES = st.recursive(
    st.one_of(SCALARS, st.sampled_from(LINES)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | TEXT, inner, max_size=3),
    max_leaves=6,
)
WRITABLE = SCALARS.filter(lambda scalar: not isinstance(scalar, str) or scalar.isprintable())
COMMENTS = st.sampled_from(["", "", "", "  # why", " # - a: [", "\t# tab"])


@dataclass
class Author:
    """Writes a random document and knows what it means. `flow`, `shared`: whether it may have braces and anchors."""

    draw: Draw
    flow: bool = True
    shared: bool = True
    anchors: dict[str, Any] = field(default_factory=dict)
    count: int = 0
    literal: bool = False  # the last line belongs to a literal block, which an indented comment would too

    def chance(self, part: int) -> bool:
        return bool(self.draw(st.integers(1, part)) == part)

    def document(self) -> tuple[str, Any]:
        lines, value = self.mapping(0, 3) if self.draw(st.booleans()) else self.sequence(0, 3)
        lines = [*self.between(0), *lines, *self.between(0)]
        if self.draw(st.booleans()):
            lines = ["---" + self.draw(COMMENTS), *lines]
        newline = self.draw(st.sampled_from(["\n", "\n", "\r\n"]))
        text = newline.join(lines) + self.draw(st.sampled_from([newline, newline, ""]))
        return self.draw(st.sampled_from(["", "", "", "\ufeff"])) + text, value

    def between(self, column: int) -> list[str]:
        """Comments and blank lines, indented by taste."""
        indents = st.sampled_from([0] if self.literal else [0, column, column, column + 2])
        kinds = st.one_of(st.just(""), indents.map(lambda indent: " " * indent + "# note"))
        return self.draw(st.lists(kinds, max_size=2)) if self.chance(3) else []

    def mapping(self, column: int, depth: int) -> tuple[list[str], dict[str, Any]]:
        step, dash = self.draw(st.sampled_from([2, 2, 4, 1])), self.draw(st.sampled_from([0, 2]))
        lines: list[str] = []
        value: dict[str, Any] = {}
        bases = [name for name, base in self.anchors.items() if isinstance(base, dict)]
        if self.shared and bases and self.chance(4):
            name = self.draw(st.sampled_from(bases))
            lines.append(" " * column + f"<<: *{name}")
            value |= self.anchors[name]
        for key in self.draw(st.lists(KEYS, min_size=1, max_size=3, unique=True)):
            lines += self.between(column) if lines else []
            head, below, item = self.behind(column + step, column + dash, depth - 1)
            lines += [" " * column + self.string(key) + ":" + head, *below]
            value[key] = item
        return lines, value

    def sequence(self, column: int, depth: int) -> tuple[list[str], list[Any]]:
        width = self.draw(st.sampled_from([2, 2, 4]))
        lines: list[str] = []
        value: list[Any] = []
        for _ in range(self.draw(st.integers(1, 3))):
            lines += self.between(column) if lines else []
            if depth and self.draw(st.booleans()):
                inner, item = self.draw(st.sampled_from([self.mapping, self.sequence]))(column + width, depth - 1)
                lines += [" " * column + "-" + " " * (width - 1) + inner[0].lstrip(" "), *inner[1:]]
            else:
                head, below, item = self.behind(column + width, column + width, 0)
                head = head.replace("\t", " ")  # where there is no value, a tab would indent what might follow
                lines += [" " * column + "-" + head, *below]
            value.append(item)
        return lines, value

    def behind(self, column: int, dash: int, depth: int) -> tuple[str, list[str], Any]:
        """What follows a colon or dash: the rest of the line, the lines below, and the value."""
        self.literal = False
        if self.shared and self.anchors and self.chance(5):
            name = self.draw(st.sampled_from(sorted(self.anchors)))
            return f" *{name}" + self.draw(COMMENTS), [], self.anchors[name]
        self.count += 1
        anchor = f"a{self.count}" if self.shared and self.chance(4) else ""
        mark = f" &{anchor}" if anchor else ""
        head, below, value = self.plain_behind(column, dash, depth)
        if anchor:
            self.anchors[anchor] = value
        return mark + head, below, value

    def plain_behind(self, column: int, dash: int, depth: int) -> tuple[str, list[str], Any]:
        comment = self.draw(COMMENTS)
        kinds = ["scalar", "scalar", "literal", "braces", "null"]
        match self.draw(st.sampled_from([*kinds, "mapping", "sequence"] if depth else kinds)):
            case "mapping":
                lines, value = self.mapping(column, depth)
                return comment, [*self.between(column), *lines], value
            case "sequence":
                items, several = self.sequence(dash, depth)
                return comment, [*self.between(dash), *items], several
            case "literal":
                return self.block_scalar(column, comment)
            case "braces" if self.flow:
                first, *rest = (text := self.braces(2, column))[0].split("\n")
                return " " + first + (comment if not rest else ""), rest, text[1]
            case "braces":
                return f" []{comment}", [], []
            case kind:
                scalar = None if kind == "null" else self.draw(WRITABLE)
                return ("" if kind == "null" else " " + self.scalar(scalar)) + comment, [], scalar

    def block_scalar(self, column: int, comment: str) -> tuple[str, list[str], str]:
        self.literal = True
        texts = ["x", *self.draw(st.lists(st.sampled_from(["a", "  b", "", "# c", "d: e"]), max_size=3))]
        return (
            f" |{comment}",
            [" " * column + text if text else "" for text in texts],
            "\n".join(texts).rstrip("\n") + "\n",
        )

    def braces(self, depth: int, column: int) -> tuple[str, Any]:
        """A flow collection on one line or several."""
        many = self.draw(st.booleans())
        end = "\n" + " " * column if many else ""
        join = f",\n{' ' * (column + 2)}" if many else self.draw(st.sampled_from([", ", ","]))
        start = f"\n{' ' * (column + 2)}" if many else self.draw(st.sampled_from(["", " "]))
        if self.draw(st.booleans()):
            keys = self.draw(st.lists(KEYS, max_size=3, unique=True))
            pairs = [(key, self.brace_item(depth, column + 2)) for key in keys]
            items = [f"{self.string(key)}: {text}" for key, (text, _) in pairs]
            value: Any = {key: value for key, (_, value) in pairs}
            brackets = "{}"
        else:
            found = [self.brace_item(depth, column + 2) for _ in range(self.draw(st.integers(0, 3)))]
            items, value, brackets = [text for text, _ in found], [value for _, value in found], "[]"
        if not items:
            return brackets, value
        trail = "," if self.chance(4) else ""
        if many and self.draw(st.booleans()):
            join = f", # note\n{' ' * (column + 2)}"
        return brackets[0] + start + join.join(items) + trail + end + brackets[1], value

    def brace_item(self, depth: int, column: int) -> tuple[str, Any]:
        if depth and self.chance(3):
            return self.braces(depth - 1, column)
        value = self.draw(WRITABLE)
        return self.scalar(value), value

    def scalar(self, value: Any) -> str:
        return self.string(value) if isinstance(value, str) else json.dumps(value)

    def string(self, text: str) -> str:
        simple = text.isascii() and text.isalpha() and resolve(text) == text
        styles = ["plain", "plain", "double", "single"] if simple else ["double", "single"]
        match self.draw(st.sampled_from(styles)):
            case "single":
                return "'" + text.replace("'", "''") + "'"
            case "double":
                return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
            case _:
                return text


@st.composite
def documents(draw: Draw, *, flow: bool = True, shared: bool = True) -> tuple[str, Any]:
    return Author(draw, flow, shared).document()


def collections(value: Any, pointer: str = "") -> list[tuple[str, Any]]:
    """Every collection in the value, with its pointer."""
    if not isinstance(value, (dict, list)):
        return []
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    return [(pointer, value)] + [
        found for key, item in pairs for found in collections(item, f"{pointer}/{escape(str(key))}")
    ]


@st.composite
def additions(draw: Draw, value: Any, *, empty: bool = True, again: bool = True) -> list[Operation]:
    """Operations that fit the value. `empty`: also into empty collections; `again`: also on keys that are there."""
    operations: list[Operation] = []
    for _ in range(draw(st.integers(1, 4))):
        places = [place for place in collections(value) if empty or place[1]]
        pointer, target = draw(st.sampled_from(places))
        if isinstance(target, dict):
            keys = (KEYS | TEXT).filter(lambda key: again or key not in target)  # noqa: B023 - used at once
            last = escape(draw(keys))
        else:
            last = draw(st.one_of(st.integers(0, len(target)).map(str), st.just("-")))
        operations.append(Operation("add", f"{pointer}/{last}", draw(VALUES)))
        value = apply(value, operations[-1:])
    return operations


@pytest.fixture(autouse=True)
def _no_round_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    """The laws hold for the first way of editing; the second one must not hide its faults."""

    def refuse(*_: object) -> None:
        pytest.fail("fell back to a round trip")

    monkeypatch.setattr(edits, "round_trip", refuse)


def law(examples: int = 300) -> Callable[[Callable[..., None]], Callable[..., None]]:
    slow = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=slow)


@law()
@given(documents())
def test_a_document_means_what_its_author_meant(written: tuple[str, Any]) -> None:
    text, value = written
    (document,) = read("f", text)
    assert document.value == value


@law()
@given(st.lists(documents(), max_size=4), st.sampled_from(["", "# lead\n", "%YAML 1.1\n---\n", "---\n---\n# note\n"]))
def test_the_texts_of_the_documents_are_the_file(several: list[tuple[str, Any]], lead: str) -> None:
    bare = [part.removeprefix("\ufeff") for part, _ in several]
    text = lead + "".join(f"{part}\n" if part.startswith("---") else f"---\n{part}\n...\n" for part in bare)
    assert "".join(document.text for document in read("f", text)) == text


@law(600)
@given(st.data())
def test_an_edited_document_reads_as_the_patched_value(data: st.DataObject) -> None:
    text, value = data.draw(documents())
    operations = data.draw(additions(value))
    (document,) = read("f", text)
    (after,) = read("f", edit(document, operations))
    assert after.value == apply(document.value, operations)


@law()
@given(st.data())
def test_adding_keeps_every_line_in_its_order(data: st.DataObject) -> None:
    text, value = data.draw(documents(flow=False, shared=False))
    operations = data.draw(additions(value, empty=False, again=False))
    (document,) = read("f", text)
    changed = edit(document, operations)
    before, after = ([line.strip("\ufeff- \r") for line in each.split("\n")] for each in (text, changed))
    lines = iter(after)  # a dash of a list in a list may have another item on its line now, hence no dashes
    assert all(line in lines for line in before)


@law()
@given(st.data())
def test_removing_what_was_added_gives_the_bytes_back(data: st.DataObject) -> None:
    text, value = data.draw(documents(shared=False))
    operations = data.draw(additions(value, again=False))
    (document,) = read("f", text)
    (after,) = read("f", edit(document, operations))
    undo: list[Operation] = []
    for operation in operations:
        path = operation.path
        if path.endswith("/-"):
            target = dict(collections(value))[path[:-2]]
            path = f"{path[:-2]}/{len(target)}" if isinstance(target, list) else path
        undo.insert(0, Operation("remove", path))
        value = apply(value, [operation])
    assert edit(after, undo) == text
