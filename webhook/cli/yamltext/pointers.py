"""JSON Pointer and the two operations of JSON Patch on plain data.

Rule: RFC 6902 to the letter: an add needs its parent, and replaces the value of a key that is there.
Strategy: pure; every collection on the path is copied, everything else is shared with the value that came in.
Source: RFC 6901, RFC 6902 sections 4.1 and 4.2.
"""

from collections.abc import Iterable
from typing import Any, Protocol


class Operation(Protocol):
    """One operation: `op` is `add` or `remove`, `path` a JSON Pointer, `value` plain data (of `add`)."""

    @property
    def op(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def value(self) -> Any: ...


class PointerError(ValueError):
    """An operation that does not fit the value: the sentence names the operation and what there is instead."""


def tokens(pointer: str) -> list[str]:
    """The keys and indices of a JSON Pointer. PointerError: it does not begin with a slash."""
    if pointer and not pointer.startswith("/"):
        raise PointerError(f"{pointer!r} is not a JSON Pointer: it must be empty or begin with /")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def index_of(step: str, length: int) -> int | None:
    """A step as an index below `length`, None if it is not one (RFC 6901: digits without leading zeros)."""
    valid = step.isascii() and step.isdigit() and (step == "0" or step[0] != "0")
    return int(step) if valid and len(step) < 10 and int(step) < length else None


def apply(value: Any, operations: Iterable[Operation]) -> Any:
    """The value after the operations. PointerError: one of them has no place; nothing is changed then."""
    for operation in operations:
        if operation.op not in ("add", "remove"):
            raise PointerError(f"the operation {operation.op!r} is not one of add, remove")
        value = _applied(value, operation, tokens(operation.path))
    return value


def _applied(value: Any, operation: Operation, path: list[str]) -> Any:
    if not path:
        if operation.op == "remove":
            raise _no_place(operation, "the whole document cannot be removed")
        return operation.value
    step, rest = path[0], path[1:]
    match value:
        case dict():
            return _in_object(value, operation, step, rest)
        case list():
            return _in_array(value, operation, step, rest)
        case _:
            kind = "null" if value is None else type(value).__name__
            raise _no_place(operation, f"{step!r} is looked for in a value that is no collection ({kind})")


def _in_object(value: dict[str, Any], operation: Operation, key: str, rest: list[str]) -> dict[str, Any]:
    if key not in value and (rest or operation.op == "remove"):
        raise _no_place(operation, f"there is no key {key!r}")
    if rest:
        return {**value, key: _applied(value[key], operation, rest)}
    if operation.op == "remove":
        return {name: item for name, item in value.items() if name != key}
    return {**value, key: operation.value}


def _in_array(value: list[Any], operation: Operation, step: str, rest: list[str]) -> list[Any]:
    adds = operation.op == "add" and not rest
    index = len(value) if adds and step == "-" else index_of(step, len(value) + adds)
    if index is None:
        raise _no_place(operation, f"the array has {len(value)} items, none is {step!r}")
    if adds:
        return [*value[:index], operation.value, *value[index:]]
    if rest:
        return [*value[:index], _applied(value[index], operation, rest), *value[index + 1 :]]
    return [*value[:index], *value[index + 1 :]]


def _no_place(operation: Operation, why: str) -> PointerError:
    return PointerError(f"{operation.op} {operation.path}: {why}")
