"""JSON Patch documents: the two operations, in bytes."""

import json

import msgspec
import pytest

from webhook.api.jsonpatch import HOLE, Operation, add, as_json, decode, document, escape
from webhook.inject.prepared import NAME


@pytest.mark.parametrize(
    ("key", "token"),
    [
        pytest.param("podmeta/status", "podmeta~1status", id="slash"),
        pytest.param("a~b", "a~0b", id="tilde"),
        pytest.param("~1", "~01", id="tilde before slash, not twice"),
        pytest.param("~/~", "~0~1~0", id="both"),
        pytest.param("plain", "plain", id="nothing to escape"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_key_becomes_one_token(key: str, token: str) -> None:
    """RFC 6901, section 3: `~` is `~0` and `/` is `~1`, and reading it back gives the key."""
    assert escape(key) == token
    assert token.replace("~1", "/").replace("~0", "~") == key


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(1, "1", id="number"),
        pytest.param(None, "null", id="null"),
        pytest.param({"b": "é", "a": ({},)}, '{"b":"é","a":[{}]}', id="compact, in its order, UTF-8, tuples as arrays"),
        pytest.param('"\\\n', '"\\"\\\\\\n"', id="escaped"),
    ],
)
def test_data_as_text(value: object, text: str) -> None:
    """The same text for the same data."""
    assert as_json(value) == text


@pytest.mark.parametrize("character", [HOLE, NAME], ids=repr)
def test_a_hole_is_no_character_of_any_json(character: str) -> None:
    """Inside a string it is escaped, so a text can be split there whatever stands in it."""
    assert character not in as_json({character: [character, f"a{character}b"]})


def test_a_document_in_bytes() -> None:
    """op, path and value in this order, the operations in theirs: a patch is applied from its start."""
    texts = [add("/b", "1"), add("/a", as_json({"é": None}))]
    whole = '[{"op":"add","path":"/b","value":1},{"op":"add","path":"/a","value":{"é":null}}]'
    assert document(texts) == document(iter(texts)) == whole.encode()


def test_no_operation_is_an_empty_array() -> None:
    """Even nothing is a valid document."""
    assert document(()) == b"[]"


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param((), id="none"),
        pytest.param((Operation("add", "/a~1b/-", {"b": ["é", None, 1.5]}), Operation("add", "/a", None)), id="add"),
        pytest.param((Operation("remove", "/a"),), id="remove has no value"),
    ],
)
def test_a_document_is_read_as_it_was_written(operations: tuple[Operation, ...]) -> None:
    """The operations come back as data, in their order."""
    whole = msgspec.json.encode(operations)
    assert decode(whole) == operations
    assert [list(operation) for operation in json.loads(whole)] == [
        ["op", "path"] if operation.op == "remove" else ["op", "path", "value"] for operation in operations
    ]
