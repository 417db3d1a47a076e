"""JSON Patch, RFC 6902: the two operations that this project uses."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec


class Operation(msgspec.Struct, frozen=True):
    """One operation; `path` is a JSON Pointer (RFC 6901), `value` plain JSON data (absent for `remove`)."""

    op: Literal["add", "remove"]
    path: str
    value: Any = msgspec.UNSET


_encode = msgspec.json.Encoder().encode


def escape(token: str) -> str:
    """A map key as one token of a JSON Pointer (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def encode(operations: Iterable[Operation]) -> bytes:
    """The patch document: a JSON array of operations, the same bytes for the same operations."""
    return _encode(list(operations))
