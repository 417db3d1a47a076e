"""JSON Patch documents: the two operations, in bytes."""

import pytest

from webhook.api.jsonpatch import Operation, encode, escape


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
    ("operation", "text"),
    [
        pytest.param(Operation("add", "/a", 1), b'[{"op":"add","path":"/a","value":1}]', id="add"),
        pytest.param(Operation("add", "/a", None), b'[{"op":"add","path":"/a","value":null}]', id="add null"),
        pytest.param(Operation("remove", "/a"), b'[{"op":"remove","path":"/a"}]', id="remove has no value"),
        pytest.param(
            Operation("add", "/a", ({"b": "é"},)),
            '[{"op":"add","path":"/a","value":[{"b":"é"}]}]'.encode(),
            id="UTF-8, tuples as arrays",
        ),
    ],
)
def test_an_operation_in_bytes(operation: Operation, text: bytes) -> None:
    """op, path and value in this order, nothing else."""
    assert encode([operation]) == text


def test_operations_keep_their_order() -> None:
    """A patch is applied from its start; encoding never sorts, whatever iterable the operations come from."""
    paths = ["/b", "/a", "/c"]
    assert encode(Operation("remove", path) for path in paths) == (
        b'[{"op":"remove","path":"/b"},{"op":"remove","path":"/a"},{"op":"remove","path":"/c"}]'
    )


def test_no_operation_is_an_empty_array() -> None:
    """Even nothing is a valid document."""
    assert encode(()) == b"[]"
