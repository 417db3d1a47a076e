"""The tokens of YAML as libyaml and go-yaml see them.

Rule: where ruamel.yaml refuses a text that kubectl reads, kubectl is right.
Strategy: ruamel's scanner with the few methods replaced in which it differs: tabs, and the first line of block scalars.
Source: yaml_parser_scan_to_next_token, _scan_plain_scalar and _scan_block_scalar of go-yaml v2, scannerc.go.
"""

from typing import Any

from ruamel.yaml.scanner import Scanner


class KubernetesScanner(Scanner):
    """A tab separates tokens where it cannot be taken for indentation, as in libyaml and go-yaml; ruamel refuses it."""

    def scan_to_next_token(self) -> None:
        reader = self.reader
        while True:
            blanks = " \t" if self.flow_level or not self.allow_simple_key else " "
            while reader.peek() in blanks:
                reader.forward()
            if reader.peek() == "#":
                while reader.peek() not in "\0\r\n\x85\u2028\u2029":
                    reader.forward()
            if not self.scan_line_break():
                return
            if not self.flow_level:
                self.allow_simple_key = True

    def scan_plain_spaces(self, indent: Any, start_mark: Any) -> Any:
        reader, length = self.reader, 0
        while reader.peek(length) in " \t":
            length += 1
        if "\t" not in reader.prefix(length):
            return super().scan_plain_spaces(indent, start_mark)
        if reader.peek(length) in "\0\r\n\x85\u2028\u2029":  # it ends the line
            reader.forward(length)
            return super().scan_plain_spaces(indent, start_mark)
        blanks = reader.prefix(length)
        reader.forward(length)
        return [blanks]

    def scan_block_scalar_indentation(self) -> Any:
        """ruamel refuses a first blank line that is shorter than the text is indented; YAML and go-yaml do not."""
        reader, breaks, indent, end = self.reader, [], 0, self.reader.get_mark()
        while reader.peek() in " \r\n\x85\u2028\u2029":
            if reader.peek() == " ":
                reader.forward()
                indent = max(indent, reader.column)
            else:
                breaks.append(self.scan_line_break())
                end = reader.get_mark()
        return breaks, indent, end

    def scan_block_scalar_indicators(self, _start_mark: Any) -> Any:
        """A comment or a tab may follow `|` at once; what else does is refused by the rest of the line."""
        chomping, increment = None, None
        for _ in range(2):
            if chomping is None and self.reader.peek() in "+-":
                chomping = self.reader.peek() == "+"
            elif increment is None and self.reader.peek() in "123456789":
                increment = int(self.reader.peek())
            else:
                break
            self.reader.forward()
        return chomping, increment

    def scan_block_scalar_ignored_line(self, start_mark: Any) -> Any:
        while self.reader.peek() in " \t":
            self.reader.forward()
        return super().scan_block_scalar_ignored_line(start_mark)
