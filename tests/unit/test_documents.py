"""Manifests are read as kubectl reads them. The tables were checked against sigs.k8s.io/yaml v1.6 and kubectl 1.32."""

from collections.abc import Callable
from typing import Any

import pytest

from webhook.cli import documents
from webhook.cli.documents import Document, DocumentError, line_of, read

SCALARS: dict[str, Any] = {
    **dict.fromkeys(["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"], True),
    **dict.fromkeys(["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"], False),
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **{text: text for text in ("oFF", "yEs", "nULL", "~x", "=", "<<", "-a", "+", "..", "x?y", "b:c", "b#c", "_1")},
    **{text: text for text in ("12:30", "2001-01-01", "2001-12-14 21:59:43", "1e999", "0x", "0o8", "0b12")},
    "0": 0,
    "-0": 0,
    "+1": 1,
    "0777": 511,
    "0o777": 511,
    "08": 8,
    "0x_1F": 31,
    "-0b11": -3,
    "1_000": 1000,
    "1_": 1,
    "1e3": 1000,
    "1.0": 1,
    "1.": 1,
    ".5": 0.5,
    ".5_0": 0.5,
    "1_0.5": 10.5,
    "1e-7": 1e-07,
    "18446744073709551615": 18446744073709551615,
    "18446744073709551616": 1.8446744073709552e19,
    "1e21": 1e21,
    "! 12": "12",
    "!!str 12": "12",
    "!!str": "",
    "!!int '12'": 12,
    "!!float 1": 1,
    "!!bool yes": True,
    "!!binary aGk=": "hi",
    "!foo bar": "bar",
    "&x 1": 1,
    "'it''s'": "it's",
    '"\\x41\\u00e9\\U0001F600"': "Aé😀",
    "!!timestamp 2001-01-01": "2001-01-01",
}
WHOLE: dict[str, Any] = {
    "1: a\n2.5: b\n1e10: d\n123456.7: e\n1000000.5: f\n0.00001: g\nyes: h\n": {
        "1": "a",
        "2.5": "b",
        "1e+10": "d",
        "123456.7": "e",
        "1.0000005e+06": "f",
        "1e-05": "g",
        "true": "h",
    },
    "a:\tb\t# c\n": {"a": "b"},
    "a: x\ty\n": {"a": "x\ty"},
    "a: {\n\tb: 1}": {"a": {"b": 1}},
    "a: |\t# c\n x": {"a": "x\n"},
    "a: |#c\n x": {"a": "x\n"},
    "a: |\n \n  x\n": {"a": "\nx\n"},
    "a: |2-\n   x\n": {"a": " x"},
    "a: >-\n  x\n  y\n\n  z\nb: 1\n": {"a": "x y\nz", "b": 1},
    "a: 1\r\nb: |\r\n  x\r\n  y\r\n": {"a": 1, "b": "x\ny\n"},
    "\ufeffa: 1\n": {"a": 1},
    "%YAML 1.1\n---\na: 1\n": {"a": 1},
    "a: 1\n...\n# c\n": {"a": 1},
    "{x:y}": {"x:y": None},
    '["c":2]': [{"c": 2}],
    "? a\n: b\n": {"a": "b"},
    "{? a : b, c, d: }": {"a": "b", "c": None, "d": None},
    "a: &x {k: 1}\nb: *x\n": {"a": {"k": 1}, "b": {"k": 1}},
    "&a a: 1\nb: *a": {"a": 1, "b": "a"},
    "a: &x 1\nb: &x 2\nc: *x": {"a": 1, "b": 2, "c": 2},
    "a: &x {b: &x 1}\nc: *x\n": {"a": {"b": 1}, "c": 1},
    "a: &x {k: 1}\nb: {<<: *x, k: 2}": {"a": {"k": 1}, "b": {"k": 2}},
    # go-yaml v2: what stands last wins, though YAML would let the mapping's own key win.
    "a: &x {k: 1}\nb: {k: 2, <<: *x}": {"a": {"k": 1}, "b": {"k": 1}},
    "a: &x {k: 1}\nb: {<<: [*x, {k: 3, j: 4}]}": {"a": {"k": 1}, "b": {"k": 1, "j": 4}},
    "'<<': {b: 1}\n": {"<<": {"b": 1}},
    '{"a": "\\ud83d\\ude00\\/"}': {"a": "😀/"},
    '\n{\n\t"a": [1, 2.0, -1.5e-1, true, null, {}, []]\n}\n': {"a": [1, 2, -0.15, True, None, {}, []]},
    '{"a": 1} # not JSON, but YAML\n': {"a": 1},
    "{a: [b], }": {"a": ["b"]},
    '{"a": 011, "b": }': {"a": 9, "b": None},  # no JSON, so kubectl tries YAML
}
_TEN = ",".join(["*{0}"] * 10)
BOMB = "a: &a [1]\n" + "".join(f"{b}: &{b} [{_TEN.format(a)}]\n" for a, b in ["ab", "bc", "cd", "de", "ef", "fg"])
REFUSED: dict[str, str] = {
    "a: 1\nb:\n  c: 1\n  c: 2\n": "f:4: document 1: the key 'c' is already set in this mapping",
    '{"a": 1,\n"a": 2}': "f:2: document 1: the key 'a' is already set in this object",
    "1: a\n'1': b\n": "f:2: document 1: the key '1' is already set in this mapping",
    "a: 1\n---\nb: [\n": "f:4: document 2: the text ends before this value does",
    "a:\n\tb: 1": "f:2: document 1: a tab must not indent, only spaces",
    "a:\n  b: 1\n c: 2\n": "f:3: document 1: this line does not fit the lines above it: check its indentation",
    "a: b: c": "f:1: document 1: `: ` is not allowed here: quote the value, or check the indentation",
    "a: - b": "f:1: document 1: `- ` is not allowed here: begin a new line for it, or quote the value",
    "a: 1\nb\n": "f:3: document 1: `: ` is missing behind this key",
    "a: 1\n...\nb: 2\n": "f:3: document 1: the document has ended above: the indentation is wrong, or `---` is missing",
    "  a: 1\nb: 1\n": "f:2: document 1: the document has ended above: the indentation is wrong, or `---` is missing",
    "a: 1\n--- {b: 1}\n": "f:2: document 2: only a comment may follow `---` on its line",
    "a: 1\n---x\n": "f:2: document 2: only a comment may follow `---` on its line",
    "null: x": "f:1: document 1: a key must not be null",
    "? [a]\n: b": "f:1: document 1: a key must be a string, not a collection",
    "a: .inf": "f:1: document 1: JSON has no infinite number and no NaN",
    "a: !!int x": "f:1: document 1: 'x' is not a !!int",
    "a: !!binary '*'": "f:1: document 1: a !!binary value must be base64 of UTF-8 text",
    "a: &a [*a]": "f:1: document 1: the anchor &a contains itself",
    "a: *x": "f:1: document 1: there is no anchor &x before this alias",
    "a: {<<: 1}": "f:1: document 1: `<<` needs a mapping, or a list of mappings",
    "a: \x01": "f:1: document 1: the character #x0001 is not allowed in YAML",
    'a: "\\ud800"': "f:1: document 1: an escape in it is half a character (a surrogate)",
    '{"a": "\\ud800"}': "f:1: document 1: an escape in it is half a character (a surrogate)",
    '{\n"a": 01}{}': "f:2: document 1: expected a JSON value, found '0'",
    '{\n"a": }{}': "f:2: document 1: expected a JSON value, found '}'",
    '{"a": 1e999}{}': "f:1: document 1: the number is too large",
    '{"a" 1}{}': "f:1: document 1: expected `:`",
    '{"a": [1 2]}{}': "f:1: document 1: expected `,` or `]`",
    '{"a": 1\n "b": 2}': "f:2: document 1: expected `,` or `}`",
    '{"a": 1, b: 2}{}': "f:1: document 1: expected a key in double quotes",
    '{"a": "b\n': "f:1: document 1: Invalid control character at",
    '{"a": 1} {"b": 2} c': "f:1: document 1: expected a JSON object",
    "[" * 2000: "f:1: document 1: it is nested too deeply",
    '{"a":' * 2000: "f:1: document 1: it is nested too deeply",
    BOMB: "f:1: document 1: its aliases stand for too many values",
}
HELM = """\
---
# Source: web/templates/serviceaccount.yaml
apiVersion: v1
kind: ServiceAccount
---
# Source: web/templates/empty.yaml
---
# Source: web/templates/deployment.yaml

apiVersion: apps/v1
kind: Deployment
"""


def one(text: str) -> Document:
    (document,) = read("f", text)
    return document


def same(value: Any, wanted: Any) -> bool:
    """Equal, and a boolean only equal to a boolean."""
    return repr(value) == repr(wanted)


@pytest.mark.parametrize("text", SCALARS)
def test_a_scalar_is_what_kubectl_takes_it_for(text: str) -> None:
    assert same(one(f"a: {text}\n").value, {"a": SCALARS[text]})


@pytest.mark.parametrize("text", WHOLE)
def test_a_document_is_what_kubectl_takes_it_for(text: str) -> None:
    assert one(text).value == WHOLE[text]


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:20])
def test_an_error_names_file_line_and_document(text: str) -> None:
    with pytest.raises(DocumentError) as refused:
        read("f", text)
    assert str(refused.value) == REFUSED[text]


def test_an_error_has_its_parts_for_other_outputs() -> None:
    error = DocumentError("f.yaml", 1, 7, "no")
    assert (error.source, error.index, error.line, error.message) == ("f.yaml", 1, 7, "no")
    assert str(error) == "f.yaml:7: document 2: no"


def test_helm_output_keeps_its_empty_document() -> None:
    found = [(document.index, document.line, document.value) for document in read("-", HELM)]
    assert found == [
        (0, 3, {"apiVersion": "v1", "kind": "ServiceAccount"}),
        (1, 5, None),
        (2, 10, {"apiVersion": "apps/v1", "kind": "Deployment"}),
    ]


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("", []),
        ("\n", ["\n"]),
        ("# only a comment", ["# only a comment"]),
        ("# lead\n\n---\na: 1\n", ["# lead\n\n---\na: 1\n"]),
        ("%YAML 1.1\n# lead\n---\na: 1\n", ["%YAML 1.1\n# lead\n---\na: 1\n"]),
        ("a: 1\n---\n# b\nb: 1\n", ["a: 1\n", "---\n# b\nb: 1\n"]),
        ("a: 1\n# end\n--- # next\nb: 1", ["a: 1\n# end\n", "--- # next\nb: 1"]),
        ("a: 1\n...\n# b\n---\nb: 1\n...\n", ["a: 1\n...\n", "# b\n---\nb: 1\n...\n"]),
        ("a: 1\n...\n%YAML 1.1\n---\nb: 1\n", ["a: 1\n...\n", "%YAML 1.1\n---\nb: 1\n"]),
        ("a: 1\n...\n# end\n", ["a: 1\n...\n# end\n"]),
        ("---\n---\n", ["---\n", "---\n"]),
        ("a: |\n  x\n  ---\n  y\n", ["a: |\n  x\n  ---\n  y\n"]),
        ("\ufeff---\r\na: 1\r\n---\r\nb: 1\r\n", ["\ufeff---\r\na: 1\r\n", "---\r\nb: 1\r\n"]),
        ('{"a": 1}{"b": 2}\n{"c": 3}\n', ['{"a": 1}', '{"b": 2}\n', '{"c": 3}\n']),
        ('\ufeff {"a": 1}\n\n{"b": 2}\n', ['\ufeff {"a": 1}\n\n', '{"b": 2}\n']),
    ],
)
def test_a_file_is_cut_where_kubectl_cuts_it(text: str, texts: list[str]) -> None:
    assert [document.text for document in read("f", text)] == texts
    assert "".join(texts) == text


def test_json_and_yaml_may_follow_each_other() -> None:
    found = read("f", '{"a": 1}\n---\nb: 2\n---\n{"c": 3}\n')
    assert [(document.line, document.value) for document in found] == [(1, {"a": 1}), (3, {"b": 2}), (5, {"c": 3})]


def test_lines_of_a_json_stream_count_from_the_top_of_the_file() -> None:
    _, second = read("f", '{"a": 1}\n{\n  "b": {"c": 1},\n  "d": [\n    1,\n    2]\n}\n')
    assert [line_of(second, pointer) for pointer in ("", "/b/c", "/d/1")] == [2, 3, 6]


POD = """\
# lead
---
apiVersion: v1
metadata: &m
  annotations:
    podmeta/inject: "maybe"
    a~b: |
      text
spec:
  containers:
  # first
  - name: a
    env: [{name: A},
      {name: B}]
  -
    name: b
  - <<: {image: x}
    name: c
more: *m
"""


@pytest.mark.parametrize(
    ("pointer", "line"),
    {
        "": 4,
        "/apiVersion": 4,
        "/metadata/annotations/podmeta~1inject": 7,
        "/metadata/annotations/a~0b": 8,
        "/metadata/annotations/podmeta~1absent": 6,
        "/spec/containers/0": 13,
        "/spec/containers/0/env/0/name": 14,
        "/spec/containers/0/env/1/name": 15,
        "/spec/containers/1": 16,
        "/spec/containers/1/name": 17,
        "/spec/containers/2/image": 18,
        "/spec/containers/2/image/x": 18,
        "/spec/containers/3": 11,
        "/spec/containers/00": 11,
        "/spec/containers/-": 11,
        "/more/annotations/podmeta~1inject": 7,
        "/absent": 4,
    }.items(),
)
def test_a_pointer_has_a_line(pointer: str, line: int) -> None:
    _, document = read("f", "x: 1\n---\n" + POD.removeprefix("# lead\n---\n"))
    assert line_of(document, pointer) == line - 1


def test_a_merged_key_has_the_line_of_the_mapping_that_gives_it() -> None:
    document = one("a: &a {k: 1}\nb: &b\n  k: 2\n  l: 3\nc: {<<: [*a, *b]}\n")
    assert document.value["c"] == {"k": 1, "l": 3}
    assert [line_of(document, pointer) for pointer in ("/c/k", "/c/l", "/c/m")] == [1, 4, 5]


def test_the_line_of_an_empty_document_is_that_of_its_marker() -> None:
    (document,) = read("f", "# c\n---\n# d\n")
    assert (document.line, line_of(document, "/a")) == (2, 2)


def test_every_document_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What 200 documents cost is what 200 documents cost to parse."""
    seen: list[str] = []
    compose: Callable[[str], Any] = documents.compose

    def counted(text: str) -> Any:
        seen.append(text)
        return compose(text)

    monkeypatch.setattr(documents, "compose", counted)
    found = read("f", "a: 1\n---\n" * 200 + "a: 2\n")
    assert seen == [document.text for document in found]
