"""Operations of a JSON Patch on a manifest's text.

Rule: what is not part of the change keeps every byte: comments, order, quotes, anchors, indentation, line breaks. What
      comes out reads as exactly what the patch gives; where that cannot be had, nothing is written and it is said.
Strategy: apply the operations to the document's tree (graft.py), put the difference into the text (weave.py), read the
      result and compare. If it differs, or the style cannot take the change, dump with ruamel (roundtrip.py) and
      compare again.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from webhook.cli.documents import BOM, Document, DocumentError, line_of, read
from webhook.cli.yamltext.graft import UnplaceableError, grafted, same
from webhook.cli.yamltext.layout import Layout
from webhook.cli.yamltext.pointers import Operation, PointerError, apply
from webhook.cli.yamltext.roundtrip import round_trip
from webhook.cli.yamltext.weave import woven

__all__ = ["Operation", "PointerError", "apply", "diff", "edit"]

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class _Prefixed:
    op: str
    path: str
    value: Any


def edit(document: Document, operations: Sequence[Operation], prefix: str = "") -> str:
    """The document's text after the operations. Their paths begin at `prefix`: the Pod or template in the document.

    DocumentError: an operation has no place in the document, or the text cannot be changed without changing more.
    """
    if not operations:
        return document.text
    moved = [_Prefixed(each.op, prefix + each.path, each.value) for each in operations]
    try:
        wanted = apply(document.value, moved)
    except PointerError as error:
        raise _error(document, prefix, str(error)) from error
    for text in _attempts(document, moved):
        if text is not None and _reads_as(text, wanted):
            return text
    raise _error(
        document,
        prefix,
        "this cannot be changed without changing more; accepted: YAML without `?` keys, tags and anchors",
    )


def _attempts(document: Document, operations: list[_Prefixed]) -> Iterator[str | None]:
    mark = BOM if document.text.startswith(BOM) else ""
    text = document.text.removeprefix(BOM)
    root = document.tree.root
    if root is None:
        return
    with suppress(UnplaceableError):
        # An indented comment that follows would become part of a literal block: then without such blocks.
        for literals in (True, False):
            layout = Layout(text, document.tree, literals=literals)
            yield mark + woven(layout, grafted(root, operations))
    again = round_trip(Layout(text, document.tree), operations)
    yield None if again is None else mark + again


def _reads_as(text: str, wanted: Any) -> bool:
    try:
        documents = read("-", text)
    except DocumentError:
        return False
    return len(documents) == 1 and same(documents[0].value, wanted)


def _error(document: Document, prefix: str, message: str) -> DocumentError:
    return DocumentError(document.source, document.index, line_of(document, prefix), message)


def diff(before: str, after: str, source: str) -> str:
    """A unified diff of two texts of the file `source`, that `patch` takes; empty if they are the same."""
    lines = difflib.unified_diff(
        _LINE.findall(before),
        _LINE.findall(after),
        fromfile=source,
        tofile=source,
        fromfiledate="before",
        tofiledate="after",
    )
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)
