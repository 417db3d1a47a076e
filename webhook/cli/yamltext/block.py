"""Entries of a block collection: where lines come in, and which ones go.

Rule: an entry owns its lines, the comments that are indented into it, and nothing else. A comment above an entry stays
      above it, whatever comes in before.
Strategy: lines are put in and cut from the end of the line before. Only the first entry may share its line with what
      stands before it (`- name: a`); there the text is moved on the line itself.
"""

from collections.abc import Callable

from webhook.cli.yamltext.graft import Branch, Entry, plain
from webhook.cli.yamltext.layout import Layout
from webhook.cli.yamltext.nodes import Child, Node
from webhook.cli.yamltext.splice import Splices
from webhook.cli.yamltext.write import entry as entry_lines


class BlockChange:
    """The changes of one block collection; `header`: the offset behind what it belongs to."""

    def __init__(self, layout: Layout, splices: Splices, node: Node, header: int) -> None:
        self.layout = layout
        self.splices = splices
        self.node = node
        self.header = header

    def make(self, branch: Branch, inside: Callable[[Entry, Node], None]) -> None:
        """At least one entry stays; `inside` makes the changes within one that does."""
        staying = {entry.child for entry in branch.entries if entry.child} | set(branch.merges)
        fresh: list[Entry] = []
        for entry in branch.entries:
            if entry.child:
                self._insert(self._before(entry.child), fresh)
                fresh = []
                inside(entry, self.node)
            elif not entry.inherited:
                fresh.append(entry)
        self._insert(self.node.children[-1], fresh)
        self._cut(staying)  # behind what comes in at the same offset

    def _cut(self, staying: set[Child]) -> None:
        layout, children = self.layout, self.node.children
        going = [child for child in children if child not in staying]
        heir = next(child for child in children if child in staying)
        if going and going[0].start < heir.start and not layout.begins_line(going[0].start):
            self.splices.replace(going[0].start, heir.start)
            going = [child for child in going if child.start > heir.start]
        for child in going:
            end = layout.line_end(child.end)
            if child.start < heir.start and layout.end_of_line_before(children[0].start) is None:
                # From the first line of the text on there is no break before a line, but one behind it.
                self.splices.replace(layout.line_start(child.start), end + len(layout.newline))
            else:
                self.splices.replace(layout.end_of_line_before(child.start) or 0, end)

    def _before(self, child: Child) -> Child | None:
        at = self.node.children.index(child)
        return self.node.children[at - 1] if at else None

    def _insert(self, before: Child | None, fresh: list[Entry]) -> None:
        """New entries behind the entry `before`, or as the first ones."""
        if not fresh:
            return
        layout, node = self.layout, self.node
        column, style = layout.column(node.body), layout.block_style(node)
        lines = [line for entry in fresh for line in entry_lines(entry.key, plain(entry.item), column, style)]
        if before or (self.header < node.body and layout.begins_line(node.body)):
            at = layout.end_with_comments(before) if before else layout.line_end(self.header)
            self.splices.insert(at, "".join(layout.newline + line for line in lines))
        else:
            text = "".join(line + layout.newline for line in lines)
            self.splices.insert(node.body, text.lstrip(" ") + " " * column)
