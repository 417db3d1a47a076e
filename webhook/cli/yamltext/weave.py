"""A grafted tree back into its document's text.

Rule: only what is new is written and only what is gone is cut, in the style of the collection it is in.
Strategy: walk the branches in the order of the text. What happens inside a collection is for block.py or flow.py; here
      is what depends on its parent: a value that is replaced, a collection that stops or begins to be empty.
"""

import re

from webhook.cli.yamltext.block import BlockChange
from webhook.cli.yamltext.flow import FlowChange, fill_flow
from webhook.cli.yamltext.graft import Branch, Entry, Fresh, Item, UnplaceableError, plain
from webhook.cli.yamltext.layout import Layout
from webhook.cli.yamltext.nodes import Child, Node
from webhook.cli.yamltext.splice import Splices
from webhook.cli.yamltext.write import behind, block, inline

_PROPERTIES = re.compile(r"[&!]\S*(?:[ \t]+[&!]\S*)?")


def woven(layout: Layout, item: Item) -> str:
    """The document's new text. UnplaceableError: its style cannot take a change."""
    weaver = _Weaver(layout)
    match item:
        case Branch():
            weaver.branch(item, None, None)
        case Fresh():
            raise UnplaceableError("the whole document is replaced")
        case Node():
            pass
    return weaver.splices.applied(layout.text)


class _Weaver:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.splices = Splices()

    def branch(self, branch: Branch, child: Child | None, parent: Node | None) -> None:
        """`child`: the entry of `parent` whose value the branch is; None for the root."""
        node = branch.node
        standing = sum(entry.child is not None for entry in branch.entries) + len(branch.merges)
        added = any(not entry.child and not entry.inherited for entry in branch.entries)
        if not node.children:
            if added:
                self._fill(branch, child, parent)
        elif not standing and not added:
            self._empty(node, child)
        elif not standing or (node.flow and added and standing < len(node.children)):
            # Nothing to hold on to, or commas on both sides: the collection is written anew.
            if child is None or parent is None:
                raise UnplaceableError("all of the document is replaced")
            self._replace(child, parent, Fresh(plain(branch)))
        else:
            change = FlowChange if node.flow else BlockChange
            change(self.layout, self.splices, node, header_end(self.layout, child, node)).make(branch, self._entry)

    def _entry(self, entry: Entry, parent: Node) -> None:
        """An entry that stands in the text: whatever has changed in its value."""
        if not entry.child:
            return
        match entry.item:
            case Branch():
                self.branch(entry.item, entry.child, parent)
            case Fresh():
                self._replace(entry.child, parent, entry.item)
            case Node():
                pass

    def _replace(self, child: Child, parent: Node, fresh: Fresh) -> None:
        node, layout = child.node, self.layout
        if parent.flow:
            flow = layout.flow_style(parent)
            text = inline(fresh.value, flow, layout.newline, layout.indent(child.start))
            if node.start == node.end:
                if child.after < 0:
                    raise UnplaceableError("a key without a colon")
                self.splices.insert(child.after, " " + text)
            else:
                self.splices.replace(node.start, node.end, text)
            return
        if child.after < 0:
            raise UnplaceableError("a key that begins with `?`")
        column = layout.column(child.start)
        head, lines = behind(fresh.value, column, layout.block_style(parent), dash=child.key is None)
        below = "".join(layout.newline + line for line in lines)
        end = layout.line_end(child.end)
        # A comment on the value's line stays, but one behind the last entry of a collection goes with that entry.
        comment = "" if node.children and not node.flow else layout.text[child.end : end]
        self.splices.replace(child.after, end, head + comment + below)

    def _empty(self, node: Node, child: Child | None) -> None:
        """The last entry goes: `[]` or `{}` stays, and so do the comments before the first entry."""
        layout, brackets = self.layout, "{}" if node.kind == "mapping" else "[]"
        if node.flow or child is None or not layout.begins_line(node.body):
            self.splices.replace(node.body, node.end, brackets)
            return
        self.splices.insert(header_end(layout, child, node), " " + brackets)
        for entry in node.children:
            self.splices.replace(layout.end_of_line_before(entry.start) or 0, layout.line_end(entry.end))

    def _fill(self, branch: Branch, child: Child | None, parent: Node | None) -> None:
        """The first entry comes: in a block parent, a block collection instead of `[]` or `{}`."""
        node, layout, value = branch.node, self.layout, plain(branch)
        if layout.tree.json or (parent and parent.flow):
            self.splices.replace(node.body, node.end, fill_flow(layout, node, parent, value))
            return
        style, end = layout.block_style(parent or node), layout.line_end(node.end)
        alone = node.start == node.body and not layout.text[node.end : end].strip()
        if not child or (child.key is None and alone):
            first, *rest = block(value, layout.column(node.body), style)
            self.splices.replace(node.body, node.end, first.lstrip())
        else:
            _, rest = behind(value, layout.column(child.start), style, dash=child.key is None)
            if child.key is None:  # an anchor, a tag or a comment is on the dash's line: the collection is below
                rest = block(value, layout.column(child.start) + style.item, style)
            self.splices.replace(header_end(layout, child, node), node.end)
        self.splices.insert(end, "".join(layout.newline + line for line in rest))


def header_end(layout: Layout, child: Child | None, node: Node) -> int:
    """Behind the colon or dash that a value belongs to, or behind its anchor and tag; its start for the root."""
    if node.start < node.body and (match := _PROPERTIES.match(layout.text, node.start)):
        return match.end()
    return child.after if child and child.after >= 0 else node.body
