"""An edit changes what it must and no other byte. A case is a story: the text before, what is done, the text after."""

import json
from typing import Any

import pytest

from webhook.api.jsonpatch import Operation
from webhook.cli import edits
from webhook.cli.documents import DocumentError, read
from webhook.cli.edits import PointerError, apply, diff, edit

NAME = {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
CPU = {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1m"}}}
VOLUME = {
    "name": "podmeta-web",
    "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]},
}


def add(path: str, value: Any) -> Operation:
    return Operation("add", path, value)


def remove(path: str) -> Operation:
    return Operation("remove", path)


def edited(text: str, *operations: Operation, prefix: str = "") -> str:
    """The new text of a text with one document; it reads as the patched value, whatever else a test asks of it."""
    (document,) = read("f.yaml", text)
    changed = edit(document, operations, prefix)
    wanted = apply(document.value, [Operation(o.op, prefix + o.path, o.value) for o in operations])
    (after,) = read("f.yaml", changed)
    assert after.value == wanted
    return changed


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """What ruamel was asked to dump; empty where the text was edited in place."""
    dumped: list[str | None] = []
    original = edits.round_trip

    def spy(*arguments: Any) -> str | None:
        dumped.append(original(*arguments))
        return dumped[-1]

    monkeypatch.setattr(edits, "round_trip", spy)
    return dumped


DEPLOYMENT = """\
# Source: web/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web   # the name
spec:
  template:
    metadata:
      labels: {app: web}
      annotations:
        podmeta/inject: "true"
        # keep this last
        note: it's 'quoted'

    spec:
      containers:
      # the app
      - name: web
        image: "nginx:1.27"
        env:
        # about A
        - name: A
          value: $(POD_NAME)
        ports: [{containerPort: 80}]
      # the second one
      - image: busybox
        name: side
        command: ["sh", "-c"]
        # env: {}

      volumes:
        # scratch space
        - name: cache
          emptyDir: {}

        - {name: logs, emptyDir: {}}
      # nodeSelector: {}
status: {}
# the end
"""
DEPLOYMENT_AFTER = """\
# Source: web/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web   # the name
spec:
  template:
    metadata:
      labels: {app: web}
      annotations:
        podmeta/inject: "true"
        # keep this last
        note: it's 'quoted'
        podmeta/status: '{"version":"0.1.0"}'
        podmeta/kubeconfig: |
          apiVersion: v1
          clusters:
          - cluster:
              server: http://127.0.0.1:8001

    spec:
      containers:
      # the app
      - name: web
        image: "nginx:1.27"
        env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: CPU
          valueFrom:
            resourceFieldRef:
              resource: requests.cpu
              divisor: 1m
        # about A
        - name: A
          value: $(POD_NAME)
        ports: [{containerPort: 80}]
      # the second one
      - image: busybox
        name: side
        command: ["sh", "-c"]
        # env: {}
        env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name

      volumes:
        # scratch space
        - name: cache
          emptyDir: {}

        - {name: logs, emptyDir: {}}
        - name: podmeta-web
          downwardAPI:
            items:
            - path: labels
              fieldRef:
                fieldPath: metadata.labels
      # nodeSelector: {}
      initContainers:
      - name: podmeta-ambassador
        args:
        - proxy
        - --port=8001
        - "yes"
status: {}
# the end
"""
INJECTION = [
    add("/metadata/annotations/podmeta~1status", '{"version":"0.1.0"}'),
    add(
        "/metadata/annotations/podmeta~1kubeconfig",
        "apiVersion: v1\nclusters:\n- cluster:\n    server: http://127.0.0.1:8001\n",
    ),
    add("/spec/containers/0/env/0", NAME),
    add("/spec/containers/0/env/1", CPU),
    add("/spec/containers/1/env", []),
    add("/spec/containers/1/env/-", NAME),
    add("/spec/volumes/-", VOLUME),
    add("/spec/initContainers", [{"name": "podmeta-ambassador", "args": ["proxy", "--port=8001", "yes"]}]),
]
UNDO = [
    remove("/spec/initContainers"),
    remove("/spec/volumes/2"),
    remove("/spec/containers/1/env"),
    remove("/spec/containers/0/env/0"),
    remove("/spec/containers/0/env/0"),
    remove("/metadata/annotations/podmeta~1kubeconfig"),
    remove("/metadata/annotations/podmeta~1status"),
]
TEMPLATE = "/spec/template"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
@pytest.mark.parametrize("start", ["", "\ufeff", "---\n", "%YAML 1.1\n---\n"])
def test_a_deployment_is_injected_and_given_back(newline: str, end: str, start: str) -> None:
    """The whole of it, with every line break, with and without the last one."""
    before, after = ((start + text.rstrip() + end).replace("\n", newline) for text in (DEPLOYMENT, DEPLOYMENT_AFTER))
    assert edited(before, *INJECTION, prefix=TEMPLATE) == after
    assert edited(after, *UNDO, prefix=TEMPLATE) == before


def test_an_item_of_a_list_is_edited_and_the_others_are_not() -> None:
    before = "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  spec: {}\n- kind: Pod\n  metadata:\n    name: b\n"
    assert edited(before, add("/metadata/annotations", {"a": "1"}), prefix="/items/1") == (
        before + '    annotations:\n      a: "1"\n'
    )


def test_nothing_to_do_is_nothing_done() -> None:
    (document,) = read("f", "a:   1")
    assert edit(document, []) == "a:   1"


WIDE = """\
a:
    b:
        -   c: 1
            d: 2
        -   x:
                z:
                    - 1
            l: []
    k:
        -   m: 1
            o: 2
"""
BLOCK: dict[str, tuple[str, list[Operation], str]] = {
    "an indented sequence stays indented": (
        "a:\n  - 1\nb: 2\n",
        [add("/a/0", 0), add("/a/-", 2)],
        "a:\n  - 0\n  - 1\n  - 2\nb: 2\n",
    ),
    "wide steps and wide dashes": (
        "a:\n    b:\n        -   c: 1\n            d: 2\n",
        [add("/a/b/-", {"x": {"z": [1]}, "l": []}), add("/a/k", [{"m": 1, "o": 2}])],
        WIDE,
    ),
    "each parent has its own habit": (
        "a:\n  - x:\n    - 1\n    - 2\nb:\n  - 1\nc: 0\n",
        [add("/a/0/z", [1]), add("/d", [1])],
        "a:\n  - x:\n    - 1\n    - 2\n    z:\n    - 1\nb:\n  - 1\nc: 0\nd:\n  - 1\n",
    ),
    "no habit: two columns, and dashes below the key": ("a: 1\n", [add("/b", [{"c": [1]}])], "a: 1\nb:\n- c:\n  - 1\n"),
    "the comment above the first item stays with it": (
        "a:  # all\n# one\n- 1\n",
        [add("/a/0", 0)],
        "a:  # all\n- 0\n# one\n- 1\n",
    ),
    "the comment above an item stays with it": (
        "a:\n- 1\n\n# two\n- 2\n",
        [add("/a/1", 0)],
        "a:\n- 1\n- 0\n\n# two\n- 2\n",
    ),
    "a comment inside an item is the item's": (
        "a:\n- b: 1\n  # c: 2\n- 2\n",
        [add("/a/1", 0)],
        "a:\n- b: 1\n  # c: 2\n- 0\n- 2\n",
    ),
    "a comment inside a mapping is the mapping's": (
        "a:\n  b: 1\n  # c: 2\nd: 1\n",
        [add("/a/e", 3)],
        "a:\n  b: 1\n  # c: 2\n  e: 3\nd: 1\n",
    ),
    "a comment of the next key is not": (
        "s:\n  a:\n  - 1\n  # about b\n  b: 1\n",
        [add("/s/a/-", 2)],
        "s:\n  a:\n  - 1\n  - 2\n  # about b\n  b: 1\n",
    ),
    "blank lines belong to what follows": (
        "a:\n  b: 1\n\n\nc: 1\n",
        [add("/a/d", 2)],
        "a:\n  b: 1\n  d: 2\n\n\nc: 1\n",
    ),
    "the foot of a file stays its foot": ("a: 1\n\n# foot\n", [add("/b", 2)], "a: 1\nb: 2\n\n# foot\n"),
    "no last line break": ("a: 1", [add("/b", 2)], "a: 1\nb: 2"),
    "before the end marker": ("a: 1\n...\n", [add("/b", 2)], "a: 1\nb: 2\n...\n"),
    "inner before outer": ("a:\n  b:\n  - 1", [add("/c", 3), add("/a/b/-", 2)], "a:\n  b:\n  - 1\n  - 2\nc: 3"),
    "a list in a list": ("- - 1\n  - 2\n", [add("/0/0", 0), add("/0/-", 3)], "- - 0\n  - 1\n  - 2\n  - 3\n"),
    "after a literal block": ("a: |\n  x\n\n  y\n\nb: 1\n", [add("/c", 2)], "a: |\n  x\n\n  y\n\nb: 1\nc: 2\n"),
    "after a literal block at the end": (
        "b:\n  a: |\n    x\n    # no comment\n\n",
        [add("/b/c", 2)],
        "b:\n  a: |\n    x\n    # no comment\n  c: 2\n\n",
    ),
    "after a block that keeps its blank lines": ("a: |+\n  x\n\n\n", [add("/c", 2)], "a: |+\n  x\n\n\nc: 2\n"),
    "after a value of several lines": ("a: 'x\n  y'  # c\n", [add("/b", 2)], "a: 'x\n  y'  # c\nb: 2\n"),
    "after braces of several lines": ("a: {\n  b: 1\n}  # c\n", [add("/b", 2)], "a: {\n  b: 1\n}  # c\nb: 2\n"),
    "a key with nothing behind it": ("a:\nb: 1\n", [add("/a", {"c": 1})], "a:\n  c: 1\nb: 1\n"),
    "a key with a comment behind it": ("a:  # none yet\nb: 1\n", [add("/a", ["c"])], "a:  # none yet\n- c\nb: 1\n"),
    "a key with null behind it": ("a: null # none\n", [add("/a", {"c": 1})], "a: # none\n  c: 1\n"),
    "a value in its place": ("a: 'x'  # c\nb: 1\n", [add("/a", "z")], "a: z  # c\nb: 1\n"),
    "a block in place of a value": ("a: x # c\nb: 1\n", [add("/a", "l1\nl2\n")], "a: | # c\n  l1\n  l2\nb: 1\n"),
    "a value in place of a block": (
        "a:\n  # in it\n  b: 1 # c\nc: 1\n",
        [add("/a", "l1\nl2\n")],
        "a: |\n  l1\n  l2\nc: 1\n",
    ),
    "an item in its place": ("l:\n- [1]\n- 2\n", [remove("/l/0"), add("/l/0", {"a": 1})], "l:\n- a: 1\n- 2\n"),
    "empty braces become a block": (
        "a: {}  # c\nb:\n  c: []\nd: 1\n",
        [add("/a/k", {"x": 1}), add("/b/c/-", "v")],
        "a:  # c\n  k:\n    x: 1\nb:\n  c:\n  - v\nd: 1\n",
    ),
    "empty braces behind a dash": (
        "- {}\n- [] # c\n",
        [add("/0/a", 1), add("/0/b", 2), add("/1/-", 3)],
        "- a: 1\n  b: 2\n- # c\n  - 3\n",
    ),
    "empty braces with an anchor": (
        "a: &x {}\nl:\n- &y [] # c\n",
        [add("/a/k", 1), add("/l/0/-", 2)],
        "a: &x\n  k: 1\nl:\n- &y # c\n  - 2\n",
    ),
    "tags stay": ("a: !!map\n  b: !!str 1\n", [add("/a/c", 2)], "a: !!map\n  b: !!str 1\n  c: 2\n"),
    "explicit keys stay": (
        "? a\n: b\n? c\n: d: 1\n",
        [add("/c/e", 2), add("/f", 3)],
        "? a\n: b\n? c\n: d: 1\n  e: 2\nf: 3\n",
    ),
    "an emptied list": ("a:  # c\n# one\n- 1 # x\n# d\nb: 1\n", [remove("/a/0")], "a: []  # c\n# one\n# d\nb: 1\n"),
    "an emptied mapping at the end": ("a:\n  b: 1", [remove("/a/b")], "a: {}"),
    "an emptied item": ("- a: 1\n  b: 2 # x\n- 1\n", [remove("/0/a"), remove("/0/b")], "- {} # x\n- 1\n"),
    "the first key behind a dash": ("- a: 1 # x\n  # c\n  b: 2\n", [remove("/0/a")], "- b: 2\n"),
    "the first line of a file": ("a: 1\nb: 2\nc: 3\n", [remove("/a"), remove("/b")], "c: 3\n"),
    "the last line of a file": ("a: 1\nb: 2", [remove("/b")], "a: 1"),
    "one of the middle": ("- 1\n# two\n- 2\n- 3\n", [remove("/1")], "- 1\n# two\n- 3\n"),
    "the last one, and another in its place": ("a:\n- 1\n- 2", [remove("/a/1"), add("/a/-", 3)], "a:\n- 1\n- 3"),
    "all, and others in their place": ("a:\n- 1\n- 2\n", [remove("/a/0"), remove("/a/0"), add("/a/-", 3)], "a:\n- 3\n"),
}
FLOW: dict[str, tuple[str, list[Operation], str]] = {
    "one line": (
        "a: {b: 1, c: [x, y]}\n",
        [add("/a/c/0", {"name": "A", "from": {"ref": "a.b"}}), add("/a/c/-", "12:30"), add("/a/d", [1, {}])],
        'a: {b: 1, c: [{name: A, from: {ref: a.b}}, x, y, "12:30"], d: [1, {}]}\n',
    ),
    "spaces inside": ("a: { b: 1 }\n", [add("/a/c", 2)], "a: { b: 1, c: 2 }\n"),
    "a comma at the end": ("a: [ x, ]\n", [add("/a/0", 0), add("/a/-", 1)], "a: [ 0, x, 1, ]\n"),
    "quoted keys": ("a: {'b': 1, \"c\": x}\n", [add("/a/d", "y")], 'a: {\'b\': 1, "c": x, "d": "y"}\n'),
    "several lines": (
        "a: [\n  x, # one\n  # about y\n  y # two\n]\n",
        [add("/a/1", "new"), add("/a/0", "first"), add("/a/-", "last")],
        "a: [\n  first,\n  x, # one\n  new,\n  # about y\n  y, # two\n  last\n]\n",
    ),
    "several lines and a comma": ("a: [\n  x,\n]\n", [add("/a/-", 1), add("/a/-", 2)], "a: [\n  x,\n  1,\n  2,\n]\n"),
    "a bracket behind the last": (
        "a: [\n  x]\n",
        [add("/a/-", {"b": 1}), add("/a/0", "w")],
        "a: [\n  w,\n  x,\n  {b: 1}]\n",
    ),
    "a key without a value": ("a: {b, c: }\n", [add("/a/d", 1), add("/a/c", 2)], "a: {b, c: 2, d: 1 }\n"),
    "a pair in brackets": ("a: [k: v, z]  # c\n", [add("/a/-", 1)], "a: [k: v, z, 1]  # c\n"),
    "filled": ("a: [{}, []]\n", [add("/a/0/b", "yes"), add("/a/1/-", "it's")], 'a: [{b: "yes"}, ["it\'s"]]\n'),
    "cut from the front": ("a: [1, 2, 3]\n", [remove("/a/0")], "a: [2, 3]\n"),
    "cut from the end": ("a: [1, 2, 3, ]\n", [remove("/a/2"), remove("/a/1")], "a: [1, ]\n"),
    "cut to nothing": ("a: [1, 2] # c\n", [remove("/a/0"), remove("/a/0")], "a: [] # c\n"),
    "a line cut": ("a: [\n  1,\n  # two\n  2, # x\n  3\n]\n", [remove("/a/1")], "a: [\n  1,\n  # two\n  3\n]\n"),
    "the last line cut": ("a: [\n  1, # x\n  2\n]\n", [remove("/a/1")], "a: [\n  1 # x\n]\n"),
}
SHARED = """\
spec:
  containers:
  - &base
    name: a
    env: &env
    - name: A   # a
      value: b
  - name: b
    env: *env  # same
  - <<: *base
    name: c
  - {<<: *base, name: d}
"""
OWN = "    - name: A\n      value: b\n"
NEW = "    - name: POD_NAME\n      valueFrom:\n        fieldRef:\n          fieldPath: metadata.name\n"


def env(container: int) -> Operation:
    return add(f"/spec/containers/{container}/env/0", NAME)


ANCHORS: dict[str, tuple[str, list[Operation], str]] = {
    "an alias is written out where it changes": (
        SHARED,
        [env(1)],
        SHARED.replace("    env: *env  # same\n", f"    env:  # same\n{NEW}{OWN}"),
    ),
    "an anchor that changes takes its value to its users": (
        SHARED,
        [env(0)],
        SHARED.replace("&env\n", f"&env\n{NEW}")
        .replace("    env: *env  # same\n", f"    env:  # same\n{OWN}")
        .replace("    name: c\n", f"    name: c\n    env:\n{OWN}")
        .replace("name: d}", "name: d, env: [{name: A, value: b}]}"),
    ),
    "users that change alike need nothing": (
        SHARED,
        [env(0), env(1), env(2), env(3)],
        SHARED.replace("&env\n", f"&env\n{NEW}"),
    ),
    "a key that a merge brings in": (
        SHARED,
        [env(2)],
        SHARED.replace("    name: c\n", f"    name: c\n    env:\n{NEW}{OWN}"),
    ),
    "a key beside a merge": (
        SHARED,
        [add("/spec/containers/2/tty", True), add("/spec/containers/3/tty", True)],
        SHARED.replace("    name: c\n", "    name: c\n    tty: true\n").replace("name: d}", "name: d, tty: true}"),
    ),
    "a merged key that goes": (
        SHARED,
        [remove("/spec/containers/2/env")],
        SHARED.replace("  - <<: *base\n    name: c\n", "  - name: c\n"),
    ),
    "the anchor itself goes": (
        SHARED,
        [remove("/spec/containers/0")],
        "spec:\n  containers:\n  - name: b\n    env:  # same\n"
        + OWN
        + "  - name: c\n    env:\n"
        + OWN
        + "  - name: d\n    env:\n"
        + OWN,
    ),
    "an anchor inside an anchor": (
        "a: &x {b: &y [1]}\nc: *x\nd: *y\n",
        [add("/a/b/0", 0)],
        "a: &x {b: &y [0, 1]}\nc:\n  b:\n  - 1\nd:\n- 1\n",
    ),
    "a value that Python alone takes for the same": (
        "a: &x {k: 1}\nb: *x\n",
        [add("/a/k", True)],
        "a: &x {k: true}\nb:\n  k: 1\n",
    ),
    "a merge behind the key that it overrides": (
        "a: &x {b: 1}\nc: {b: 2, <<: *x}\n",
        [add("/c/z", 3)],
        "a: &x {b: 1}\nc: {b: 2, <<: *x, z: 3}\n",
    ),
    "one that nothing touches": ("a: &x [1]\nb: *x\nc: 1\n", [add("/d", 2)], "a: &x [1]\nb: *x\nc: 1\nd: 2\n"),
}


CASES = {**BLOCK, **FLOW, **ANCHORS}


@pytest.mark.parametrize("case", CASES)
def test_the_text_after_is_exactly_this(case: str, round_trips: list[str | None]) -> None:
    before, operations, after = CASES[case]
    assert edited(before, *operations) == after
    assert not round_trips


JSON = {
    "metadata": {"name": "a", "annotations": {}},
    "spec": {"containers": [{"name": "a", "env": [{"name": "A", "value": "ü"}]}], "volumes": []},
}
JSON_INJECTION = [
    add("/metadata/annotations/a", "b\nc"),
    add("/spec/containers/0/env/0", NAME),
    add("/spec/containers/0/env/-", CPU),
    add("/spec/volumes/-", VOLUME),
    add("/spec/containers/-", {"name": "b", "args": []}),
]


@pytest.mark.parametrize("indent", [None, 1, 2, 4, "\t"])
@pytest.mark.parametrize("separators", [(",", ":"), (",", ": ")])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("lead", ["", "\n", "---\n", "\ufeff"])
def test_json_is_edited_as_its_author_would_dump_it(
    indent: int | str | None, separators: tuple[str, str], ascii_only: bool, lead: str
) -> None:
    """And what was added, taken out, gives the bytes back."""
    if indent is None and separators[1] == ": ":
        separators = (", ", ": ")

    def dumped(value: Any) -> str:
        return lead + json.dumps(value, indent=indent, separators=separators, ensure_ascii=ascii_only)

    before, after = dumped(JSON), dumped(apply(JSON, JSON_INJECTION))
    assert edited(before, *JSON_INJECTION) == after
    undo = ["/spec/containers/1", "/spec/volumes/0", "/spec/containers/0/env/2", "/spec/containers/0/env/0"]
    assert edited(after, *map(remove, [*undo, "/metadata/annotations/a"])) == before


def test_json_with_items_on_a_line_each_gets_another_such_line() -> None:
    before = '{\n  "env": [\n    { "name": "A" }\n  ]\n}\n'
    after = '{\n  "env": [\n    {"name": "B"},\n    { "name": "A" }\n  ]\n}\n'
    assert edited(before, add("/env/0", {"name": "B"})) == after


@pytest.mark.parametrize(
    ("before", "path", "after"),
    [
        ("{\n}\n", "/a", '{\n  "a": [\n    1\n  ]\n}\n'),
        ("{}\n", "/a", '{"a": [1]}\n'),
        ('{\n "a": {"b": {}}\n}', "/a/b/c", '{\n "a": {"b": {"c": [1]}}\n}'),
        ('{\n "a": {\n  "b": {}\n }\n}', "/a/b/c", '{\n "a": {\n  "b": {\n   "c": [\n    1\n   ]\n  }\n }\n}'),
    ],
)
def test_empty_json_is_filled_as_it_is_laid_out(before: str, path: str, after: str) -> None:
    assert edited(before, add(path, [1])) == after


def test_documents_of_a_stream_are_edited_one_by_one() -> None:
    documents = read("f", '{"a": {}}{"b": []}\n')
    changed = [edit(documents[0], [add("/a/c", 1)]), edit(documents[1], [add("/b/-", 2)])]
    assert changed == ['{"a": {"c": 1}}', '{"b": [2]}\n']


STRINGS = {
    "metadata.name": "metadata.name",
    "--port=8001": "--port=8001",
    "-c": "-c",
    "metadata.labels['app.kubernetes.io/name']": "metadata.labels['app.kubernetes.io/name']",
    "http://127.0.0.1:8001": "http://127.0.0.1:8001",
    "$(POD_IP):80": "$(POD_IP):80",
    "a#b c": "a#b c",
    "1Ki": "1Ki",
    "é 😀": "é 😀",
    **{text: f'"{text}"' for text in ("", "true", "Yes", "on", "n", "null", "~", "8001", "1e3", "0x1", "0o7", "1_0")},
    **{text: f'"{text}"' for text in ("12:30", "1:30:00.5", "2001-01-01", ".5", ".inf", "=", "<<", "+1", "1.", "08")},
    **{text: f'"{text}"' for text in ("a: b", "a:", "a #b", "#a", "- a", "-", "?", "a ", " a", "---", "...", "--- a")},
    **{text: f'"{text}"' for text in ("{a}", "[a", "*a", "&a", "!a", "%a", "@a", "`a", "|", ">", "'a'", ",a", "a  b")},
    '{"a": "b"}': '\'{"a": "b"}\'',
    "C:\\dir x: y": "'C:\\dir x: y'",
    "C:\\dir": "C:\\dir",
    'it\'s "a"': 'it\'s "a"',
    '"it\'s"': '"\\"it\'s\\""',
    "a\tb": '"a\\tb"',
    "\x85\u2028\ufeff\x07\x7f": '"\\u0085\\u2028\\ufeff\\u0007\\u007f"',
    "a\nb": "|-\n  a\n  b",
    "a\n\n  b\n": "|\n  a\n\n    b",
    "a\n\n": '"a\\n\\n"',
    " a\nb": '" a\\nb"',
    "\na": '"\\na"',
    "\n": '"\\n"',
    "a\r\nb": '"a\\r\\nb"',
}


@pytest.mark.parametrize("value", STRINGS)
def test_a_string_is_quoted_only_where_it_must_be(value: str) -> None:
    assert edited("a: 1\n", add("/b", value)) == f"a: 1\nb: {STRINGS[value]}\n"


def test_a_key_is_quoted_as_a_string_is() -> None:
    value = {"podmeta/env": 1, "yes": 2, "1": 3, "a: b": 4, "": 5}
    assert (
        edited("a: 1\n", add("/b", value)) == 'a: 1\nb:\n  podmeta/env: 1\n  "yes": 2\n  "1": 3\n  "a: b": 4\n  "": 5\n'
    )


def test_other_scalars_are_those_of_json() -> None:
    assert edited("a: 1\n", add("/b", [True, False, None, -1, 0.5, 1e-9, {}, []])) == (
        "a: 1\nb:\n- true\n- false\n- null\n- -1\n- 0.5\n- 1e-09\n- {}\n- []\n"
    )


def test_what_cannot_be_placed_goes_through_ruamel_and_keeps_its_comments(round_trips: list[str | None]) -> None:
    before = "# lead\ne: {x, z: 'q'}   # c\n"
    assert edited(before, add("/e/x", 1)) == "# lead\ne: {x: 1, z: 'q'} # c\n"
    assert len(round_trips) == 1


def test_ruamel_keeps_the_value_of_an_alias_and_the_line_breaks(round_trips: list[str | None]) -> None:
    before = "---\r\na: &x {k: 1}\r\nb: *x\r\ne: {x}\r\n"
    after = '---\r\na: {k: 1}\r\nb: {k: 1, z: "true"}\r\ne: {x: "l1\\nl2"}\r\n'
    assert edited(before, add("/b/z", "true"), add("/e/x", "l1\nl2")) == after
    assert len(round_trips) == 1


def test_where_ruamel_writes_something_else_nothing_is_written(round_trips: list[str | None]) -> None:
    with pytest.raises(DocumentError, match="document 1: this cannot be changed without changing more"):
        edited("? a\n: b\n? c\n: d: 1\n", add("/a", 1))
    assert round_trips == ["a: 1\nc:\nd: 1\n"]


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (add("/spec/volumes/-", 1), "add /spec/template/spec/volumes/-: there is no key 'volumes'"),
        (add("/spec/containers/2", 1), "add /spec/template/spec/containers/2: the array has 1 items, none is '2'"),
        (remove("/spec/containers/-"), "remove /spec/template/spec/containers/-: the array has 1 items, none is '-'"),
        (
            add("/spec/containers/0/name/x", 1),
            "add /spec/template/spec/containers/0/name/x: 'x' is looked for in a value that is no collection (str)",
        ),
    ],
)
def test_an_operation_without_a_place_is_an_error_at_the_pod(operation: Operation, message: str) -> None:
    text = "x: 1\n---\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n"
    with pytest.raises(DocumentError) as refused:
        edit(read("f.yaml", text)[1], [operation], "/spec/template")
    assert str(refused.value) == f"f.yaml:4: document 2: {message}"


def test_apply_shares_what_it_does_not_change() -> None:
    before = {"a": {"b": [1]}, "c": {"d": 1}}
    after = apply(before, [add("/a/b/-", 2), add("/e", 3), remove("/c/d"), add("/a/b/0", 0)])
    assert before == {"a": {"b": [1]}, "c": {"d": 1}}
    assert after == {"a": {"b": [0, 1, 2]}, "c": {}, "e": 3}
    assert apply(before, [add("/e", 3)])["a"] is before["a"]
    assert apply(before, [add("", 1)]) == 1


@pytest.mark.parametrize("path", ["", "a", "/x", "/a/-", "/a/01", "/a/1", "/a/0/b"])
def test_apply_refuses_to_remove_what_is_not_there(path: str) -> None:
    with pytest.raises(PointerError):
        apply({"a": [1]}, [remove(path)])


def test_apply_knows_two_operations() -> None:
    with pytest.raises(PointerError, match="'replace' is not one of add, remove"):
        apply({}, [type("Replace", (), {"op": "replace", "path": "/a", "value": 1})()])


def test_a_diff_says_what_changes_and_nothing_else() -> None:
    before, after = "a: 1\r\nb: 2", "a: 1\r\nb: 2\r\nc: 3"
    assert diff(before, before, "f.yaml") == ""
    assert diff(before, after, "f.yaml") == (
        "--- f.yaml\tbefore\n+++ f.yaml\tafter\n@@ -1,2 +1,3 @@\n a: 1\r\n"
        "-b: 2\n\\ No newline at end of file\n+b: 2\r\n+c: 3\n\\ No newline at end of file\n"
    )
