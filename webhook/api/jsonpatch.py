"""JSON Patch, RFC 6902: the two operations that this project uses.

Rule: what is added is JSON text from the start, written once and copied from there on; it is never built up as data to
      be written at the end. A document is the texts of its operations with commas between them.
Strategy: a text that serves many containers has a HOLE where theirs belongs: `text.split(HOLE)` once, and
      `filling.join(parts)` for each.
"""

from collections.abc import Iterable
from json.encoder import encode_basestring
from typing import Any, Literal

import msgspec

HOLE = "\0"  # no JSON has this character in it: inside a string it would be written as \u0000


class Operation(msgspec.Struct, frozen=True):
    """One operation as data; `path` is a JSON Pointer (RFC 6901), `value` plain JSON data (absent for `remove`)."""

    op: Literal["add", "remove"]
    path: str
    value: Any = msgspec.UNSET


_encode = msgspec.json.Encoder().encode
quoted = encode_basestring  # a short text as JSON, as `as_json` does it in twice the time
_decode = msgspec.json.Decoder(tuple[Operation, ...]).decode


def escape(token: str) -> str:
    """A map key as one token of a JSON Pointer (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def as_json(value: Any) -> str:
    """Plain JSON data as text: compact, in its order."""
    return _encode(value).decode()


def add(path: str, value: str) -> str:
    """The text of one operation. `path` has no character that JSON would escape, `value` is JSON."""
    return f'{{"op":"add","path":"{path}","value":{value}}}'


def document(operations: Iterable[str]) -> bytes:
    """The patch document of the operations' texts: a JSON array."""
    return f"[{','.join(operations)}]".encode()


def decode(patch: bytes) -> tuple[Operation, ...]:
    """The operations of a patch document, as data."""
    return _decode(patch)
