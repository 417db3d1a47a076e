"""Builders that the tests of the core share: a pod, the review about it, the decision, the pod after a patch.

Rule: nothing here knows what podmeta adds. `applied` is RFC 6902 read afresh, so that a fault of the code under test
      is not repeated in its judge.
Strategy: pods are plain JSON data, as kube-apiserver sends them; keys of annotations are written without `podmeta/`.
"""

import json
from collections.abc import Mapping
from typing import Any

from webhook.api.review import AdmissionRequest, decode
from webhook.inject.annotations import Options, Problem, defaults
from webhook.inject.mutate import Outcome, Patched, Rejected, Skipped, decide
from webhook.inject.plan import Plan, plan
from webhook.inject.question import Door, Question, question
from webhook.inject.reasons import Reason
from webhook.inject.situation import Defaults

JSON = dict[str, Any]
PODS = {"group": "", "version": "v1", "resource": "pods"}
DEBUG = {"operation": "UPDATE", "subResource": "ephemeralcontainers"}
OPTIONS: Options = defaults({})[0]
DEFAULTS = Defaults(OPTIONS)


def installed(texts: Mapping[str, str] | None = None, **more: Any) -> Defaults:
    """What an installer configured: annotation values by key without prefix, and fields of Defaults."""
    options, problems = defaults(texts or {})
    assert not problems
    return Defaults(options, **more)


def app(name: str = "app", **fields: Any) -> JSON:
    return {"name": name, "image": "registry.example/app:1", **fields}


def pod(annotations: Mapping[str, str] | None = None, **spec: Any) -> JSON:
    """A pod that asks, with one container `app`; `inject` may be overwritten like every other annotation."""
    texts = {"inject": "true", **(annotations or {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "app-",
            "annotations": {key if "/" in key else f"podmeta/{key}": text for key, text in texts.items()},
        },
        "spec": {"containers": [app()], **spec},
    }


def review(pod: JSON | None, **request: Any) -> bytes:
    """The AdmissionReview that kube-apiserver sends on CREATE of the pod; `request` overrides its fields."""
    asks = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": PODS,
        "namespace": "shop",
        "operation": "CREATE",
        "userInfo": {"username": "jane"},
        "object": pod,
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    body = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {**asks, **request}}
    return json.dumps(body).encode()


def asked(pod: JSON | None, door: Door = Door.POD, **request: Any) -> Question:
    found = decode(review(pod, **request))
    assert isinstance(found, AdmissionRequest), found
    return question(found, door)


def decided(pod: JSON | None, defaults: Defaults = DEFAULTS, door: Door = Door.POD, **request: Any) -> Outcome:
    return decide(asked(pod, door, **request), defaults)


def patched(pod: JSON, defaults: Defaults = DEFAULTS, door: Door = Door.POD, **request: Any) -> Patched:
    outcome = decided(pod, defaults, door, **request)
    assert isinstance(outcome, Patched), outcome
    return outcome


def skipped(pod: JSON | None, defaults: Defaults = DEFAULTS, door: Door = Door.POD, **request: Any) -> Skipped:
    outcome = decided(pod, defaults, door, **request)
    assert isinstance(outcome, Skipped), outcome
    return outcome


def problems(pod: JSON, defaults: Defaults = DEFAULTS, door: Door = Door.POD, **request: Any) -> tuple[Problem, ...]:
    outcome = decided(pod, defaults, door, **request)
    assert isinstance(outcome, Rejected), outcome
    return outcome.problems


def planned(pod: JSON, defaults: Defaults = DEFAULTS, door: Door = Door.POD, **request: Any) -> Plan:
    found = plan(asked(pod, door, **request), defaults)
    assert isinstance(found, Plan), found
    return found


def notes(pod: JSON, defaults: Defaults = DEFAULTS, door: Door = Door.POD, **request: Any) -> list[tuple[Any, ...]]:
    """What is said about single items: container, item, reason, whether the user is warned."""
    found = planned(pod, defaults, door, **request).notes
    return [(container, note.item, note.reason, note.warn) for container, said in found for note in said]


def about(pod: JSON, *reasons: Reason, **more: Any) -> list[tuple[Any, ...]]:
    """The notes with these reasons alone."""
    return [note for note in notes(pod, **more) if note[2] in reasons]


def injected(pod: JSON, defaults: Defaults = DEFAULTS, door: Door = Door.POD, **request: Any) -> JSON:
    """The pod after the patch."""
    return applied(pod, patched(pod, defaults, door, **request).patch)


def container(pod: JSON, name: str = "app") -> JSON:
    """The only container of that name, in whichever list it stands."""
    (found,) = [c for kind in KINDS for c in pod["spec"].get(kind) or () if c["name"] == name]
    return dict(found)


def env(pod: JSON, name: str = "app") -> JSON:
    """A container's environment: name -> literal value or valueFrom."""
    entries = container(pod, name).get("env") or ()
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in entries}


def volume(pod: JSON, name: str) -> JSON:
    (found,) = [volume for volume in pod["spec"]["volumes"] if volume["name"] == name]
    return dict(found)


KINDS = ("initContainers", "containers", "ephemeralContainers")


# RFC 6902 (JSON Patch) and RFC 6901 (JSON Pointer), as far as `add` and `remove` go.


class NotApplicableError(Exception):
    """The target location does not exist."""


def applied(document: JSON, patch: bytes) -> JSON:
    """A copy of the document after the patch; the first operation that cannot be applied ends it."""
    whole: JSON = json.loads(json.dumps(document))
    for operation in json.loads(patch):
        _apply(whole, operation)
    return whole


def _apply(whole: Any, operation: JSON) -> None:
    *parents, last = [token.replace("~1", "/").replace("~0", "~") for token in operation["path"].split("/")[1:]]
    parent = whole
    for token in parents:
        parent = _member(parent, token)
    match parent, operation["op"]:
        case list(), "add":
            parent.insert(len(parent) if last == "-" else _index(parent, last, room=1), operation["value"])
        case list(), "remove":
            del parent[_index(parent, last)]
        case dict(), "add":
            parent[last] = operation["value"]
        case dict(), "remove" if last in parent:
            del parent[last]
        case _:
            raise NotApplicableError(operation)


def _member(parent: Any, token: str) -> Any:
    if isinstance(parent, list):
        return parent[_index(parent, token)]
    if not isinstance(parent, dict) or token not in parent:
        raise NotApplicableError(token)
    return parent[token]


def _index(items: list[Any], token: str, *, room: int = 0) -> int:
    if not token.isdigit() or int(token) >= len(items) + room:
        raise NotApplicableError(token)
    return int(token)
