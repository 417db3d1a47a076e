"""The schema of a Pod that Kubernetes publishes, as one JSON Schema, and a judge that is as strict as the API server.

Rule: pod-schema-1.36.json is what a kube-apiserver published, less its prose. Nobody edits it:
      `python -m tests.kube.schema` writes it anew, and a test compares it with a running server.
Strategy: the published schema lets unknown fields, any string as a quantity and doubled list keys pass, all of which
      the API server refuses or silently drops. That strictness is added here, in code, when the schema is read.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from tests.kube.apiserver import ApiServer
from tests.kube.binaries import Unavailable
from tests.kube.cluster import Cluster

RECORDED = Path(__file__).with_name("pod-schema-1.36.json")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_POD = "io.k8s.api.core.v1.Pod"
_PUBLISHED, _OURS = "#/components/schemas/", "#/$defs/"
_KEYS = "x-kubernetes-list-map-keys"
_KEPT = ("type", "format", "enum", "required", _KEYS)
# `splitREString` of apimachinery's pkg/api/resource/quantity.go
_QUANTITY = {"type": ["string", "number"], "pattern": r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"}
_INT32 = {"minimum": -(2**31), "maximum": 2**31 - 1}
# Published as keyed lists, and yet ValidatePod lets the same key come twice (with a warning, or none).
_DOUBLES = {"env", "ports", "imagePullSecrets", "hostAliases"}


def extract(published: Mapping[str, Any]) -> dict[str, Any]:
    """The definitions that a Pod needs, out of the document /openapi/v3/api/v1."""
    schemas = published["components"]["schemas"]
    found: set[str] = set()
    wanted = [_POD]
    while wanted:
        full = wanted.pop()
        if full not in found:
            found.add(full)
            wanted += _references(schemas[full])
    definitions = {_short(full): _copy(schemas[full]) for full in found}
    if len(definitions) != len(found):
        raise ValueError("two of the published definitions have the same short name")
    return {"$schema": _DIALECT, "$ref": _OURS + _short(_POD), "$defs": dict(sorted(definitions.items()))}


def published(cluster: Cluster) -> dict[str, Any]:
    """The schema of a Pod that this API server publishes."""
    return extract(cluster.raw("/openapi/v3/api/v1"))


def recorded() -> dict[str, Any]:
    """The committed copy."""
    schema: dict[str, Any] = json.loads(RECORDED.read_text())
    return schema


def problems(pod: Any, schema: Mapping[str, Any] | None = None) -> list[str]:
    """What is wrong with a pod by the recorded schema, or by another one: a line for each fault, with its place."""
    judge = _recorded_judge() if schema is None else _judge(schema)
    return [f"{error.json_path}: {error.message}" for error in judge.iter_errors(_without_nulls(pod))]


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema without what only its publication allows: unknown fields, any string as a quantity, any int32."""
    definitions = {name: _strict(definition) for name, definition in schema["$defs"].items()}
    if "Quantity" in definitions:
        definitions["Quantity"] = _QUANTITY
    return {**schema, "$defs": definitions}


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {key: _strict(value) for key, value in node.items()}
    if isinstance(copy.get("properties"), dict):
        copy.setdefault("additionalProperties", False)
        for name in _DOUBLES & set(copy["properties"]):
            copy["properties"][name].pop(_KEYS, None)
    return copy | (_INT32 if copy.get("format") == "int32" else {})


def _judge(schema: Mapping[str, Any]) -> Any:
    judge = extend(Draft202012Validator, {_KEYS: _unique})  # type: ignore[no-untyped-call]  # jsonschema's stubs
    return judge(strict(schema))


@cache
def _recorded_judge() -> Any:
    return _judge(recorded())


def _unique(_: Any, keys: list[str], items: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:  # noqa: ARG001
    """The keyword x-kubernetes-list-map-keys: no two items agree in all of these."""
    if not isinstance(items, list):
        return
    seen = set()
    for index, item in enumerate(items):
        found = tuple(str(item.get(key)) for key in keys) if isinstance(item, dict) else ()
        if found and found in seen:
            described = ", ".join(f"{key} {value}" for key, value in zip(keys, found, strict=True))
            yield ValidationError(f"another item has {described} too", path=[index])
        seen.add(found)


def _without_nulls(node: Any) -> Any:
    """To the API server a field that is null is a field that is absent."""
    if isinstance(node, dict):
        return {key: _without_nulls(value) for key, value in node.items() if value is not None}
    return [_without_nulls(item) for item in node] if isinstance(node, list) else node


def _copy(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A published schema without its prose. A lone `allOf` is how it hangs a description on a reference."""
    if "$ref" in schema:
        return {"$ref": _OURS + _short(schema["$ref"].removeprefix(_PUBLISHED))}
    if "allOf" in schema:
        (only,) = schema["allOf"]
        return _copy(only)
    copy: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    for key in ("items", "additionalProperties"):
        if key in schema:
            copy[key] = _copy(schema[key])
    if "oneOf" in schema:
        copy["oneOf"] = [_copy(one) for one in schema["oneOf"]]
    if "properties" in schema:
        copy["properties"] = {name: _copy(one) for name, one in sorted(schema["properties"].items())}
    return copy


def _references(schema: Any) -> list[str]:
    return [name.removeprefix(_PUBLISHED) for name in re.findall(r'"\$ref": "([^"]+)"', json.dumps(schema))]


def _short(name: str) -> str:
    return name.rsplit(".", 1)[1]


def dump(schema: Mapping[str, Any]) -> str:
    """One line a property: short enough to read, and a change of Kubernetes is a readable diff."""
    lines = []
    for name, definition in schema["$defs"].items():
        properties = [
            f"    {json.dumps(key)}: {json.dumps(one)}" for key, one in definition.get("properties", {}).items()
        ]
        head = json.dumps({key: value for key, value in definition.items() if key != "properties"})[1:-1]
        body = ', "properties": {\n' + ",\n".join(properties) + "\n  }" if properties else ""
        lines.append(f"  {json.dumps(name)}: {{{head}{body}}}")
    top = json.dumps({key: value for key, value in schema.items() if key != "$defs"})[1:-1]
    return f'{{{top}, "$defs": {{\n' + ",\n".join(lines) + "\n}}\n"


def main() -> None:
    """Writes the recorded schema anew, from a kube-apiserver that is started for that."""
    try:
        with ApiServer() as cluster:
            RECORDED.write_text(dump(published(cluster)))
    except Unavailable as reason:
        sys.exit(str(reason))


if __name__ == "__main__":
    main()
