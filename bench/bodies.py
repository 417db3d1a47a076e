"""The bodies that are sent: reviews as a real kube-apiserver recorded them, made larger the way real ones grow.

Rule: what is added to a pod is added to its managedFields as well, as the API server does: they are a third to a half
      of every review. Of podmeta's annotations only `podmeta/inject` is left, which all the peers understand.
Strategy: SERIAL and SUFFIX stand where two replicas of one workload differ: in the uid, the name, the name of the
      token's volume. The load writes a number there. In an unseen body SERIAL also stands in a container's name, so
      that no two requests have the same shape.
"""

import copy
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

CASES = Path(__file__).parents[1] / "tests/cases"
# Runs of @, as bench/load knows them.
SERIAL = "@@@@@@@@@@@@"
SUFFIX = "@@@@@"
ANNOTATION = "podmeta/inject"
NOTE = 4096  # bytes of one added annotation
Json = dict[str, Any]


class Recipe(NamedTuple):
    """A story, and what each of its containers, and the pod, gets in addition."""

    slug: str
    env: int = 0
    annotations: int = 0


BODIES = {
    "3 KB": Recipe("inject-yes"),
    "10 KB": Recipe("native-sidecars", env=4),
    "66 KB": Recipe("fifteen-containers", env=27),
    "500 KB": Recipe("fifteen-containers", env=140, annotations=200 << 10),
}


def body(size: str, *, unseen: bool = False) -> bytes:
    """The body of that size, with SERIAL in it."""
    recipe = BODIES[size]
    review = grown(recorded(recipe.slug), env=recipe.env, annotations=recipe.annotations)
    return written(review, unseen=unseen)


def written(review: Json, *, unseen: bool = False) -> bytes:
    """On one line, as the API server sends it."""
    pod = review["request"]["object"]
    review["request"]["uid"] = review["request"]["uid"][: -len(SERIAL)] + SERIAL
    if "name" in pod["metadata"]:
        pod["metadata"]["name"] += f"-{SERIAL}"
        review["request"]["name"] = pod["metadata"]["name"]
    if unseen:
        _rename(pod, pod["spec"]["containers"][0], f"app-{SERIAL}")
    text = json.dumps(review, separators=(",", ":"), ensure_ascii=False)
    return re.sub('"kube-api-access-[a-z0-9]{5}"', f'"kube-api-access-{SUFFIX}"', text).encode()


def numbered(text: bytes, number: int) -> bytes:
    """The body of one request: as the load does it, the last digits of a number in place of each run of @."""
    return re.sub(b"@{5,}", lambda run: b"%0*d" % (len(run[0]), number % 10 ** len(run[0])), text)


def recorded(slug: str) -> Json:
    """The review of a story, which asks for the standard injection and nothing else."""
    review: Json = json.loads((CASES / slug / "review.json").read_text())
    metadata = review["request"]["object"]["metadata"]
    kept = {key: value for key, value in metadata["annotations"].items() if not key.startswith("podmeta/")}
    metadata["annotations"] = {**kept, ANNOTATION: "true"}
    for entry in metadata["managedFields"]:
        fields = entry["fieldsV1"].get("f:metadata", {}).get("f:annotations", {})
        for key in [key for key in fields if key.startswith("f:podmeta/") and key != f"f:{ANNOTATION}"]:
            del fields[key]
    return review


def grown(review: Json, *, containers: int = 0, env: int = 0, annotations: int = 0) -> Json:
    """The review with that many containers, with more variables in each, with that many more bytes of annotations."""
    pod = review["request"]["object"]
    listed = pod["spec"]["containers"]
    for number in range(len(listed), containers):
        listed.append(copy.deepcopy(listed[0]))
        _rename(pod, listed[-1], f"{listed[0]['name']}-{number}", keep=True)
    for kind in ("initContainers", "containers"):
        for container in pod["spec"].get(kind, ()):
            _add_env(container, _managed(pod, kind)[_key(container["name"])], env)
    _add_annotations(pod, annotations)
    return review


def _add_env(container: Json, managed: Json, count: int) -> None:
    for number in range(count):
        name = f"SETTING_{number:04}"
        container.setdefault("env", []).append({"name": name, "value": f"value of setting {number}"})
        managed.setdefault("f:env", {".": {}})[_key(name)] = {".": {}, "f:name": {}, "f:value": {}}


def _add_annotations(pod: Json, size: int) -> None:
    fields = next(entry["fieldsV1"] for entry in pod["metadata"]["managedFields"] if "f:metadata" in entry["fieldsV1"])
    for number in range(0, size, NOTE):
        key = f"example.com/note-{number}"
        pod["metadata"]["annotations"][key] = "a line of text\n" * (min(NOTE, size - number) // 15)
        fields["f:metadata"]["f:annotations"][f"f:{key}"] = {}


def _rename(pod: Json, container: Json, name: str, *, keep: bool = False) -> None:
    """Give a regular container another name; `keep`: it is a copy, and the first one keeps its own."""
    managed = _managed(pod, "containers")
    old = _key(container["name"])
    managed[_key(name)] = copy.deepcopy(managed[old]) if keep else managed.pop(old)
    container["name"] = name


def _managed(pod: Json, kind: str) -> Json:
    for entry in pod["metadata"]["managedFields"]:
        if found := entry["fieldsV1"].get("f:spec", {}).get(f"f:{kind}"):
            fields: Json = found
            return fields
    raise LookupError(f"no managedFields of {kind}")


def _key(name: str) -> str:
    return "k:" + json.dumps({"name": name}, separators=(",", ":"))
