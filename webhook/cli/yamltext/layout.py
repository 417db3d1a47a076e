"""How a document is laid out: its lines, and the habits of its author.

Rule: nothing here decides what is written, only where it may stand and in which style.
Strategy: a text is addressed by offsets. A change that adds or removes whole lines works from the end of a line to the
      end of a line, the break before it included, so that a file without a last line break needs no special case.
"""

from collections import Counter
from functools import cached_property
from itertools import pairwise

from webhook.cli.yamltext.nodes import Child, Node, Tree, walk
from webhook.cli.yamltext.write import Flow, Style


class Layout:
    """The lines and the style of one document's text."""

    def __init__(self, text: str, tree: Tree, *, literals: bool = True) -> None:
        self.literals = literals
        self.text = text
        self.tree = tree
        first = text.find("\n")
        self.newline = "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"

    def line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """Before the line's break."""
        end = self.text.find("\n", offset)
        end = len(self.text) if end < 0 else end
        return end - 1 if end > offset and self.text[end - 1] == "\r" else end

    def end_of_line_before(self, offset: int) -> int | None:
        """The end of the line before the one of `offset`; None on the first."""
        start = self.line_start(offset)
        if not start:
            return None
        return start - 2 if self.text[start - 2 : start] == "\r\n" else start - 1

    def column(self, offset: int) -> int:
        return offset - self.line_start(offset)

    def indent(self, offset: int) -> str:
        """The white space that begins the line of `offset`."""
        line = self.text[self.line_start(offset) : self.line_end(offset)]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def begins_line(self, offset: int) -> bool:
        return not self.text[self.line_start(offset) : offset].strip(" \t")

    def blank_until_break(self, offset: int) -> bool:
        """Nothing but white space or a comment follows on the line."""
        rest = self.text[offset : self.line_end(offset)].lstrip(" \t")
        return not rest or rest.startswith("#")

    def multiline(self, node: Node) -> bool:
        return "\n" in self.text[node.body : node.end]

    def end_with_comments(self, child: Child) -> int:
        """The end of the last line of a block entry: of comments below it too, if they are indented like the entry or
        deeper, and deeper than whatever comes next, and no blank line is between.
        """
        end = own = self.line_end(child.end)
        column = self.column(child.start)
        comments: list[tuple[int, int]] = []
        following = 0
        while (start := self.text.find("\n", end) + 1) and start < len(self.text):
            end = self.line_end(start)
            line = self.text[start:end].strip()
            if line.startswith("#"):
                comments.append((len(self.indent(start)), end))
            elif line:
                following = len(self.indent(start))
                break
            else:
                comments.append((-1, end))
        for indent, line_end in comments:
            if indent < column or indent <= following:
                break
            own = line_end
        return own

    def block_style(self, node: Node) -> Style:
        """The style for what is added to a block collection: that of its own entries, else the document's commonest."""
        steps = self._habits | dict(reversed([step for child in node.children for step in self._steps(child)]))
        return Style(**steps, literals=self.literals)

    def flow_style(self, node: Node) -> Flow:
        """The style for what is added to a flow collection."""
        colon = next((self._colon(child) for child in node.children if child.after > 0), self._flow_colon)
        json = self.tree.json or any(self.text.startswith('"', child.start) for child in node.children if child.key)
        if not json:
            return Flow(json=False)
        pretty = self.tree.json and self.tree.root is not None and self.multiline(self.tree.root)
        gaps = [self.text[a.end : b.start] for a, b in pairwise(node.children)]
        comma = "," if any(gap == "," for gap in gaps) or (not gaps and not colon.endswith(" ")) else ", "
        return Flow(json=True, comma=comma, colon=colon, unit=self._unit if pretty else None)

    def _colon(self, child: Child) -> str:
        return ":" if self.text[child.after : child.node.start] == "" else ": "

    @cached_property
    def _flow_colon(self) -> str:
        flows = (node for node in walk(self.tree.root) if node.flow) if self.tree.root else ()
        return next((self._colon(child) for node in flows for child in node.children if child.after > 0), ": ")

    @cached_property
    def _unit(self) -> str:
        """One step of indentation of a JSON text."""
        root = self.tree.root
        first = self.indent(root.children[0].start) if root and root.children else ""
        return first.removeprefix(self.indent(root.start)) or "  " if root else "  "

    @cached_property
    def _habits(self) -> dict[str, int]:
        nodes = (node for node in walk(self.tree.root) if not node.flow) if self.tree.root else ()
        counts = Counter(step for node in nodes for child in node.children for step in self._steps(child))
        return dict(step for step, _ in reversed(counts.most_common()))

    def _steps(self, child: Child) -> list[tuple[str, int]]:
        """What an entry tells about the author's style: a field of Style and its value."""
        node = child.node
        if node.flow or not node.children or self.line_start(node.start) != self.line_start(node.body):
            return []
        step = self.column(node.body) - self.column(child.start)
        if child.key is not None:
            return [(node.kind, step)]
        return [("item", step)] if self.line_start(node.body) == self.line_start(child.start) else []
