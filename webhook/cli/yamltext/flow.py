"""Entries of a flow collection, in YAML and in JSON: commas, and lines where the author has them.

Rule: an entry that stood on its own line leaves with its line; one that comes in between entries on their own lines
      gets its own line, indented as they are; on a shared line nothing moves but what is on it.
Strategy: an entry comes in behind the comma (or bracket) before it, or, as the last one, behind the last entry.
"""

from collections.abc import Callable
from dataclasses import replace

from webhook.cli.yamltext.compose import SPACE
from webhook.cli.yamltext.graft import Branch, Entry, UnplaceableError, plain
from webhook.cli.yamltext.layout import Layout
from webhook.cli.yamltext.nodes import Child, Node
from webhook.cli.yamltext.splice import Splices
from webhook.cli.yamltext.write import Flow, inline


def fill_flow(layout: Layout, node: Node, parent: Node | None, value: object) -> str:
    """The text of a flow collection that was empty until now."""
    flow = layout.flow_style(parent or node)
    if parent and not layout.multiline(parent):
        flow = replace(flow, unit=None)
    return inline(value, flow, layout.newline, layout.indent(node.body))


class FlowChange:
    """The changes of one flow collection that is not empty."""

    def __init__(self, layout: Layout, splices: Splices, node: Node, _header: int) -> None:
        if layout.text[node.body] not in "{[":
            raise UnplaceableError("a pair in brackets without braces")
        self.layout = layout
        self.splices = splices
        self.node = node
        self.children = node.children
        self.commas = [self._comma(child.end) for child in self.children]

    def make(self, branch: Branch, inside: Callable[[Entry, Node], None]) -> None:
        """Either entries come in, or some go and one stays; `inside` makes the changes within one that does."""
        staying = {entry.child for entry in branch.entries if entry.child} | set(branch.merges)
        fresh: list[Entry] = []
        for entry in branch.entries:
            if entry.child:
                self._insert_before(entry.child, fresh)
                fresh = []
                inside(entry, self.node)
            elif not entry.inherited:
                fresh.append(entry)
        self._append(fresh)
        self._cut([child not in staying for child in self.children])

    def _comma(self, end: int) -> int | None:
        match = SPACE.match(self.layout.text, end)
        return match.end() if match and self.layout.text.startswith(",", match.end()) else None

    def _gap(self, at: int) -> int:
        """Where the space before an entry begins: behind the comma or the bracket."""
        comma = self.commas[at - 1] if at else self.node.body
        return self.node.body if comma is None else comma + 1

    def _own_line(self, at: int) -> bool:
        return "\n" in self.layout.text[self._gap(at) : self.children[at].start]

    def _written(self, entries: list[Entry], indent: str, flow: Flow) -> list[str]:
        def text(entry: Entry) -> str:
            whole = inline({entry.key: 0}, replace(flow, unit=None))[1:-2] if entry.key is not None else ""
            return whole + inline(plain(entry.item), flow, self.layout.newline, indent)

        return [text(entry) for entry in entries]

    def _style(self, own_line: bool) -> Flow:
        """One line for a value if it comes in on a shared line, or if all its siblings are on one line each."""
        flow = self.layout.flow_style(self.node)
        siblings = [child.node for child in self.children if child.node.children]
        if not own_line or (siblings and not any(self.layout.multiline(sibling) for sibling in siblings)):
            return replace(flow, unit=None)
        return flow

    def _insert_before(self, child: Child, entries: list[Entry]) -> None:
        if not entries:
            return
        at = self.children.index(child)
        own_line = self._own_line(at)
        flow, indent = self._style(own_line), self.layout.indent(child.start)
        texts = self._written(entries, indent, flow)
        if own_line:
            end = self.layout.line_end(self._gap(at))
            self.splices.insert(end, "".join(f"{self.layout.newline}{indent}{text}," for text in texts))
        else:
            self.splices.insert(child.start, "".join(text + flow.comma for text in texts))

    def _append(self, entries: list[Entry]) -> None:
        if not entries:
            return
        last, comma = self.children[-1], self.commas[-1]
        own_line = self._own_line(len(self.children) - 1)
        flow, indent = self._style(own_line), self.layout.indent(last.start)
        texts = self._written(entries, indent, flow)
        end = last.end if comma is None else comma + 1
        between = f",{self.layout.newline}{indent}" if own_line else flow.comma
        joined = between.join(texts) + ("" if comma is None else ",")
        if not own_line:
            self.splices.insert(end, (flow.comma if comma is None else flow.comma[1:]) + joined)
            return
        if comma is None:
            self.splices.insert(end, ",")
        if "\n" in self.layout.text[end : self.node.end]:
            end = self.layout.line_end(end)
        self.splices.insert(end, self.layout.newline + indent + joined)

    def _cut(self, going: list[bool]) -> None:
        """Cuts runs of entries; at least one entry stays."""
        at = 0
        while at < len(going):
            end = at
            while end < len(going) and going[end]:
                end += 1
            if end > at:
                self._cut_run(at, end)
            at = end + 1

    def _cut_run(self, first: int, behind: int) -> None:
        start, last = self.children[first].start, self.children[behind - 1]
        comma = self.commas[behind - 1]
        end = last.end if comma is None else comma + 1
        lines = self.layout.begins_line(start) and self.layout.blank_until_break(end)
        before = self.layout.end_of_line_before(start)
        if behind < len(self.children):
            if lines and before is not None:
                self.splices.replace(before, self.layout.line_end(end))
            else:
                self.splices.replace(start, self.children[behind].start)
            return
        neighbour, divider = self.children[first - 1], self.commas[first - 1]
        if divider is None or not lines or before is None:
            self.splices.replace(neighbour.end, last.end)
            return
        if comma is None:
            self.splices.replace(divider, divider + 1)
        self.splices.replace(before, self.layout.line_end(end))
