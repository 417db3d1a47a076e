"""Changes of a text, collected against its old offsets and made at once.

Rule: no character outside a change is touched, and no two changes touch the same one.
Strategy: they are sorted by offset; those at one offset keep the order in which they were asked for.
"""

from webhook.cli.yamltext.graft import UnplaceableError


class Splices:
    def __init__(self) -> None:
        self._changes: list[tuple[int, int, str]] = []

    def insert(self, at: int, text: str) -> None:
        self._changes.append((at, at, text))

    def replace(self, start: int, end: int, text: str = "") -> None:
        self._changes.append((start, end, text))

    def applied(self, text: str) -> str:
        """The new text. UnplaceableError: two changes overlap."""
        parts: list[str] = []
        done = 0
        for start, end, new in sorted(self._changes, key=lambda change: change[0]):
            if start < done or end < start:
                raise UnplaceableError("two changes meet in one place")
            parts += [text[done:start], new]
            done = end
        return "".join([*parts, text[done:]])
