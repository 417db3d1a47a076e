"""Writes values.schema.json and the table of README.md from the comments in values.yaml: `python charts/generate.py`.

Rule: values.yaml is the one source. A key without a comment, a list without a @type or a hint that is none is an error,
      not a gap in the table. `--check` writes nothing and fails where the files differ.
Strategy: ruamel.yaml says on which line each key stands; the comment is what stands above it, read as text, since YAML
      attaches comments to whatever came before. The head of values.yaml explains the hints.
"""
# ruff: noqa: INP001 - a program, no package

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

CHART = Path(__file__).parent / "podmeta"
BEGIN, END = "<!-- values: written by charts/generate.py -->", "<!-- end of values -->"
Schema = dict[str, Any]


def closed(**properties: Schema) -> Schema:
    """An object with these keys and no others."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


def required(schema: Schema, *names: str) -> Schema:
    return schema | {"required": list(names)}


def listed(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items} | more


def text(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


# Names of objects and of namespaces: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
NAME = text(f"^{SUBDOMAIN}$") | {"maxLength": 253}
# What resource.ParseQuantity of Kubernetes reads, but for exponents, which nobody writes here. Text only: of a number
# such as 134217728 Helm would make 1.34217728e+08.
QUANTITY = text(r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$")
QUANTITIES = closed(**dict.fromkeys(("cpu", "memory", "ephemeral-storage"), QUANTITY))
LABELS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
CIDR = text(r"^[0-9a-fA-F.:]+/[0-9]{1,3}$")
TERM = closed(
    key={"type": "string"},
    operator={"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
    values=listed({"type": "string"}),
)
SELECTOR = closed(matchLabels=LABELS, matchExpressions=listed(required(TERM, "key", "operator")))
TOLERATION = closed(
    key={"type": "string"},
    operator={"enum": ["Exists", "Equal"]},
    value={"type": "string"},
    effect={"enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
    tolerationSeconds={"type": "integer"},
)
OPAQUE: Schema = {"type": "object", "additionalProperties": True}  # the API server knows it better


class Shape(NamedTuple):
    """What `@type NAME` stands for, and the words for it in the README."""

    schema: Schema
    words: str


TYPES = {
    "affinity": Shape(closed(nodeAffinity=OPAQUE, podAffinity=OPAQUE, podAntiAffinity=OPAQUE), "as in a pod"),
    "cidrs": Shape(listed(CIDR), "address ranges"),
    "duration": Shape(text("^([0-9]+(h|m|s))+$"), "such as `720h`"),
    "fullResources": Shape(
        required(
            closed(requests=required(QUANTITIES, "cpu", "memory"), limits=required(QUANTITIES, "cpu", "memory")),
            "requests",
            "limits",
        ),
        "as in a pod",
    ),
    "labels": Shape(LABELS, "map of text"),
    "names": Shape(listed(NAME, uniqueItems=True), "list of names"),
    "optionalName": Shape(text(f"^({SUBDOMAIN})?$") | {"maxLength": 253}, "a name or empty"),
    "peers": Shape(
        listed(
            closed(
                namespaceSelector=SELECTOR,
                podSelector=SELECTOR,
                ipBlock=required(closed(**{"cidr": CIDR, "except": listed(CIDR)}), "cidr"),
            )
            | {"minProperties": 1}
        ),
        "list of NetworkPolicyPeer",
    ),
    "port": Shape(PORT, "1 to 65535"),
    "ports": Shape(listed(PORT, minItems=1), "list of ports"),
    "readers": Shape(
        listed(
            required(closed(namespace=NAME, serviceAccounts=listed(NAME, minItems=1)), "namespace", "serviceAccounts")
        ),
        "list of `{namespace, serviceAccounts: [...]}`",
    ),
    "resources": Shape(closed(requests=QUANTITIES, limits=QUANTITIES), "as in a pod"),
    "settings": Shape(
        closed() | {"patternProperties": {"^PODMETA_[A-Z_]+$": {"type": "string"}}},
        "map of text",
    ),
    "tolerations": Shape(listed(TOLERATION), "as in a pod"),
}
# What has a schema by the look of its default alone.
PLAIN: dict[type, Shape] = {
    bool: Shape({"type": "boolean"}, "`true` `false`"),
    int: Shape({"type": "integer"}, "a number"),
    str: Shape({"type": "string"}, "text"),
}


class Unclear(Exception):  # noqa: N818 - the text says what is unclear
    """values.yaml does not say enough; the text names the line."""


@dataclass(frozen=True)
class Value:
    """One key of values.yaml; `children` are those of a mapping that is not one value as a whole."""

    path: tuple[str, ...]
    default: Any
    words: str
    shape: Shape
    optional: bool
    section: str
    children: tuple["Value", ...] = ()

    def schema(self) -> Schema:
        """What values.schema.json says of it."""
        described = {"description": self.words} | self.shape.schema
        return described | members(self.children) if self.children else described | {"default": self.default}

    def leaves(self) -> Iterator["Value"]:
        """What has a row in the table."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


def members(values: tuple[Value, ...]) -> Schema:
    """The schema of a mapping with these keys, all of them there: the defaults see to that."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [value.path[-1] for value in values if not value.optional],
        "properties": {value.path[-1]: value.schema() for value in values},
    }


class Comment(NamedTuple):
    """What stands above a key."""

    words: str
    type: str | None
    schema: Schema
    optional: bool

    @classmethod
    def above(cls, lines: list[str], number: int) -> "Comment":
        """Reads the comment that ends on the line before this one (lines count from 0)."""
        start = number
        while start and lines[start - 1].strip().startswith("# "):
            start -= 1
        told = [line.strip()[2:].strip() for line in lines[start:number]]
        words = " ".join(line for line in told if not line.startswith("@"))
        if not words:
            raise Unclear(f"line {number + 1}: {lines[number].strip()!r} has no comment")
        hints = dict(line.partition(" ")[::2] for line in told if line.startswith("@"))
        unknown = hints.keys() - {"@type", "@schema", "@optional"}
        kind = hints.get("@type")
        if unknown or (kind is not None and kind not in TYPES):
            raise Unclear(f"line {number + 1}: no such hint or type: {', '.join(unknown) or kind}")
        schema = YAML(typ="safe").load(hints.get("@schema", "{}"))
        return cls(words, kind, schema, "@optional" in hints)


def shape(comment: Comment, default: Any, number: int) -> Shape:
    """What a value may be: by its @type or its default, and by @schema beyond that."""
    base = TYPES[comment.type] if comment.type else PLAIN.get(type(default))
    if base is None:
        raise Unclear(f"line {number + 1}: a {type(default).__name__} needs a @type")
    whole = base.schema | comment.schema
    return Shape(whole, said(comment.schema, base.words))


def said(schema: Schema, otherwise: str) -> str:
    """The words for what a @schema accepts."""
    if "enum" in schema:
        return " ".join(f"`{choice}`" for choice in schema["enum"])
    if "maximum" in schema:
        null = " or `null`" if "null" in schema.get("type", ()) else ""
        return f"{schema['minimum']} to {schema['maximum']}{null}"
    if schema.get("type") == ["integer", "string"]:
        return "a number or a percentage"
    return f"from {schema['minimum']}" if "minimum" in schema else otherwise


def read(source: str) -> tuple[Value, ...]:
    """Every value of values.yaml, in order."""
    lines = source.splitlines()
    whole = YAML().load(source)

    def values(mapping: CommentedMap, path: tuple[str, ...]) -> Iterator[Value]:
        for key, default in mapping.items():
            number = mapping.lc.key(key)[0]
            comment = Comment.above(lines, number)
            section = next((line[3:] for line in reversed(lines[:number]) if line.startswith("## ")), "")
            here = (*path, key)
            if isinstance(default, CommentedMap) and comment.type is None:
                children = tuple(values(default, here))
                yield Value(here, None, comment.words, Shape({}, ""), comment.optional, section, children)
            else:
                plain = json.loads(json.dumps(default))
                found = shape(comment, plain, number)
                yield Value(here, plain, comment.words, found, comment.optional, section)

    return tuple(values(whole, ()))


def schema(values: tuple[Value, ...]) -> str:
    """values.schema.json."""
    whole = members(values)
    parent = {"description": "What a parent chart hands to each of its charts; not used."} | OPAQUE
    whole["properties"] = {"global": parent} | whole["properties"]
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of the chart podmeta"}
    return json.dumps(head | whole, indent=2) + "\n"


def table(values: tuple[Value, ...]) -> str:
    """The part of README.md between its two marks."""
    out = StringIO()
    section = None
    for leaf in [leaf for value in values for leaf in value.leaves()]:
        if leaf.section != section:
            section = leaf.section
            out.write(f"\n### {section}\n\n| value | default | accepts | meaning |\n| --- | --- | --- | --- |\n")
        cells = (f"`{'.'.join(leaf.path)}`", f"`{json.dumps(leaf.default)}`", leaf.shape.words, leaf.words)
        out.write("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return out.getvalue()


def generated(chart: Path = CHART) -> dict[Path, str]:
    """Each file and what it should hold."""
    values = read((chart / "values.yaml").read_text())
    readme = chart / "README.md"
    before, begin, rest = readme.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise Unclear(f"{readme.name} lacks one of the lines {BEGIN} and {END}")
    return {
        chart / "values.schema.json": schema(values),
        readme: f"{before}{BEGIN}\n{table(values)}\n{END}{after}",
    }


def main() -> None:
    """Writes both files; `--check` only compares."""
    parser = argparse.ArgumentParser(prog="python charts/generate.py", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is not as it should be")
    check = parser.parse_args().check
    try:
        files = generated()
    except Unclear as reason:
        sys.exit(f"values.yaml: {reason}")
    stale = [path for path, wanted in files.items() if not path.exists() or path.read_text() != wanted]
    if check and stale:
        sys.exit(f"{', '.join(path.name for path in stale)}: not as values.yaml says; run python charts/generate.py")
    for path in stale:
        path.write_text(files[path])


if __name__ == "__main__":
    main()
