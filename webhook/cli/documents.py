"""Manifests as the user wrote them: files of many documents, each with its text, its value and its lines.

Rule: a value is what kubectl would send for that text, and the texts of a file's documents put together are the file.
Strategy: cut at `---` lines as kubectl does (apimachinery, YAMLReader); what stands before the first one, comments and
      directives, belongs to the first document. A piece that is JSON may hold several objects, any other is one
      document. Both are read once into trees that keep the place of every value.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from webhook.cli.yamltext.compose import compose
from webhook.cli.yamltext.jsontree import json_trees
from webhook.cli.yamltext.nodes import Node, Tree, UnreadableError, merged
from webhook.cli.yamltext.pointers import index_of, tokens

BOM = "\ufeff"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_PREFIX = re.compile(r"[ \t]*(?:#.*)?\r?\n?|%.*\n?")  # lines that may stand before `---`
_END = re.compile(r"\.\.\.(?:[ \t].*)?\r?\n?")
_JSON_BEGINS = re.compile(r'\{\s*(?:"|\})')


class DocumentError(Exception):
    """A document that cannot be read or changed. `index` counts from 0, `line` from 1; the text names both from 1."""

    def __init__(self, source: str, index: int, line: int, message: str) -> None:
        super().__init__(f"{source}:{line}: document {index + 1}: {message}")
        self.source = source
        self.index = index
        self.line = line
        self.message = message


@dataclass(frozen=True)
class Document:
    """One document of a file.

    `source`: the file as the user named it, `-` for standard input. `index`: its place in the file, from 0.
    `line`: the file's line where its content starts, from 1. `text`: its exact slice of the file.
    `value`: plain data (dict, list, str, int, float, bool, None), None if it is empty. It may share parts: read only.
    `tree`, `first_line`: where each value stands in the text without a byte order mark, and the line it begins at.
    """

    source: str
    index: int
    line: int
    text: str
    value: Any
    tree: Tree = field(repr=False, compare=False)
    first_line: int = field(repr=False, compare=False)


def read(source: str, text: str) -> tuple[Document, ...]:
    """All documents of a file. DocumentError: the first one that cannot be read."""
    documents: list[Document] = []
    line = 1
    for piece in _pieces(text):
        for part, tree in _parse(source, len(documents), line, piece):
            documents.append(_document(source, len(documents), line, part, tree))
            line += part.count("\n")
    return tuple(documents)


def line_of(document: Document, pointer: str) -> int:
    """The file's line, from 1, of the key or dash of the value at a JSON Pointer (RFC 6901): where it is written, if an
    alias or a merge brings it in; of its nearest parent, if there is none.
    """
    node, offset = document.tree.root, None
    for token in tokens(pointer):
        found = _step(node, token) if node else None
        if not found:
            break
        node, offset = found
    return document.line if offset is None else _line(document.first_line, _bare(document.text), offset)


def _step(node: Node, token: str) -> tuple[Node, int] | None:
    node = node.target or node
    if node.kind == "sequence":
        index = index_of(token, len(node.children))
        return None if index is None else (node.children[index].node, node.children[index].start)
    for child in node.children:
        if child.key == token:
            return child.node, child.start
    for child in node.children:
        if child.merge:
            for source in reversed(merged(child.node)):
                if found := _step(source, token):
                    return found
    return None


def _pieces(text: str) -> Iterator[str]:
    """The text cut before each `---` line, or earlier, where comments and directives lead to that line."""
    begin, offset = 0, 0
    lead: int | None = 0  # since where there has been nothing but what may stand before `---`
    for match in _LINE.finditer(text):
        line = match[0].removeprefix(BOM) if offset == 0 else match[0]
        if line.startswith("---"):
            cut = offset if lead is None else lead
            if cut > begin:
                yield text[begin:cut]
                begin = cut
            lead = None
        elif _END.fullmatch(line):
            lead = match.end()
        elif lead is not None and not _PREFIX.fullmatch(line):
            lead = None
        offset = match.end()
    if begin < len(text):
        yield text[begin:]


def _parse(source: str, index: int, line: int, piece: str) -> Iterator[tuple[str, Tree]]:
    """The documents of a piece: several only in a stream of JSON."""
    bare = _bare(piece)
    try:
        content = _content(bare)
        trees = _json(bare, content) if bare.startswith("{", content) else [compose(bare)]
    except UnreadableError as error:
        raise DocumentError(source, index, _line(line, bare, error.offset), error.message) from error
    if len(trees) == 1:
        yield piece, trees[0]
        return
    lead = len(piece) - len(bare)
    starts = [lead + tree.root.start for tree in trees[1:] if tree.root]
    for begin, end in pairwise([0, *starts, len(piece)]):
        part = piece[begin:end]  # parsed again, so that offsets count from its own begin
        yield part, json_trees(_bare(part), 0 if begin else content)[0]


def _content(text: str) -> int:
    """The offset of the first character that is neither before `---` nor a comment.

    kubectl: `We only allow comments and spaces following the yaml doc separator, otherwise we'll return an error`.
    """
    for match in _LINE.finditer(text):
        rest = match[0][3:].strip()
        if match[0].startswith("---"):
            if rest and not rest.startswith("#"):
                raise UnreadableError("only a comment may follow `---` on its line", match.start())
        elif not _PREFIX.fullmatch(match[0]):
            return match.end() - len(match[0].lstrip())
    return len(text)


def _json(text: str, content: int) -> list[Tree]:
    """What begins with a brace is JSON; or YAML if it is not, as kubectl tries one after the other."""
    try:
        return json_trees(text, content)
    except UnreadableError:
        if _JSON_BEGINS.match(text, content) and not _is_yaml(text):
            raise
        return [compose(text)]


def _is_yaml(text: str) -> bool:
    try:
        compose(text)
    except UnreadableError:
        return False
    return True


def _check_separator(text: str) -> None:
    """kubectl: `We only allow comments and spaces following the yaml doc separator`."""
    for match in _LINE.finditer(text):
        rest = match[0][3:].strip()
        if match[0].startswith("---") and rest and not rest.startswith("#"):
            raise UnreadableError("only a comment may follow `---` on its line", match.start())
        if not _PREFIX.fullmatch(match[0]):
            return


def _document(source: str, index: int, line: int, text: str, tree: Tree) -> Document:
    bare = _bare(text)
    marker = next((match.start() for match in _LINE.finditer(bare) if match[0].startswith("---")), 0)
    start = tree.root.start if tree.root else marker
    value = tree.root.value if tree.root else None
    return Document(source, index, _line(line, bare, start), text, value, tree, line)


def _bare(text: str) -> str:
    return text.removeprefix(BOM)


def _line(first: int, text: str, offset: int) -> int:
    return first + text.count("\n", 0, offset)
