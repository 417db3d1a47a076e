"""Do all peers do the same to a pod?

Rule: after its own patch is applied, the pod of each has the same containers with the same variables and mounts, in
      the same order, and the same volumes. What else a peer leaves behind (an empty status of the typed ones, the
      annotation podmeta/status of ours) is its own affair.
Strategy: JSON Patch as far as the peers use it, written for this alone.
"""

import base64
import copy
import json
from collections.abc import Mapping
from typing import Any

from bench.bodies import BODIES, body, numbered
from bench.contenders import CONTENDERS, PODMETA
from bench.running import Running

Json = dict[str, Any]
KINDS = ("initContainers", "containers")


def check_same(servers: Mapping[str, Running]) -> None:
    """Raises ValueError, which names the first server whose pod is another one."""
    for size in BODIES:
        review = numbered(body(size), 1)
        pods = {name: injected(review, server.ask(review)) for name, server in servers.items()}
        for name, pod in pods.items():
            if CONTENDERS[name].injects and pod != pods[PODMETA]:
                raise ValueError(f"{name}, {size}: {json.dumps(pod)[:2000]} is not {json.dumps(pods[PODMETA])[:2000]}")


def injected(review: bytes, answer: bytes) -> Json:
    """What a patch made of the pod, reduced to what is compared."""
    pod = json.loads(review)["request"]["object"]
    patch = json.loads(answer)["response"].get("patch")
    spec = applied(pod, json.loads(base64.b64decode(patch)) if patch else [])["spec"]
    shown = {kind: [_container(container) for container in spec.get(kind, ())] for kind in KINDS}
    return {**shown, "volumes": sorted(spec.get("volumes", ()), key=lambda volume: volume["name"])}


def applied(pod: Json, operations: list[Json]) -> Json:
    """RFC 6902, as far as add, replace and remove go."""
    whole = copy.deepcopy(pod)
    for operation in operations:
        *parents, last = [token.replace("~1", "/").replace("~0", "~") for token in operation["path"].split("/")[1:]]
        at: Any = whole
        for token in parents:
            at = at[int(token)] if isinstance(at, list) else at[token]
        match operation["op"], at:
            case "add", list():
                at.insert(len(at) if last == "-" else int(last), operation["value"])
            case "add" | "replace", _:
                at[int(last) if isinstance(at, list) else last] = operation["value"]
            case "remove", _:
                del at[int(last) if isinstance(at, list) else last]
            case other, _:
                raise ValueError(f"{other}: accepted: add, replace, remove")
    return whole


def _container(container: Json) -> Json:
    return {"name": container["name"]} | {key: container.get(key, []) for key in ("env", "volumeMounts")}
