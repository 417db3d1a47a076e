"""The second way to change a document: load it with ruamel.yaml, change the data, dump it.

Rule: used only where the first way (weave.py) cannot place a change. Comments, quotes and order survive, spacing not.
Strategy: the collections on an operation's path are copied before they change, so that an alias elsewhere keeps its
      value. The caller compares the result; whatever ruamel reads in another way than kubectl is found there.
"""

import copy
import io
import warnings
from collections.abc import Iterable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from webhook.cli.yamltext.layout import Layout
from webhook.cli.yamltext.pointers import Operation, tokens
from webhook.cli.yamltext.scalars import literal, quoted, written
from webhook.cli.yamltext.write import Style

_NO_FOLDING = 2**31 - 1


def round_trip(layout: Layout, operations: Iterable[Operation]) -> str | None:
    """The document's new text; None if ruamel cannot make it."""
    style = layout.block_style(layout.tree.root) if layout.tree.root else Style()
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _NO_FOLDING
    yaml.indent(mapping=style.mapping, sequence=style.sequence + style.item, offset=style.sequence)
    yaml.explicit_start = "---" in (line[:3] for line in layout.text.splitlines())
    out = io.StringIO()
    try:
        with warnings.catch_warnings(action="ignore"):  # an anchor that is set twice is legal
            data = yaml.load(layout.text)
        for operation in operations:
            data = _changed(data, operation, tokens(operation.path))
        yaml.dump(data, out)
    except (YAMLError, LookupError, TypeError, ValueError, AttributeError):
        return None
    return out.getvalue().replace("\n", layout.newline)


def _changed(data: Any, operation: Operation, path: list[str]) -> Any:
    if not path:
        return _styled(operation.value)
    data = copy.copy(data)
    key: Any = path[0] if not isinstance(data, list) else len(data) if path[0] == "-" else int(path[0])
    if len(path) > 1:
        data[key] = _changed(data[key], operation, path[1:])
    elif operation.op == "remove":
        del data[key]
    elif isinstance(data, list):
        data.insert(key, _styled(operation.value))
    else:
        data[key] = _styled(operation.value)
    return data


def _styled(value: Any) -> Any:
    """New data with the quotes that keep a string a string for a reader of YAML 1.1."""
    match value:
        case dict():
            return {key: _styled(item) for key, item in value.items()}
        case list():
            return [_styled(item) for item in value]
        case str() if literal(value):
            return LiteralScalarString(value)
        case str() if written(value) == quoted(value):
            return DoubleQuotedScalarString(value)
        case _:
            return value
