"""The way back: out goes exactly what podmeta/status names.

Rule: what the status does not name is the user's, whatever it is called.
Strategy: `remove` operations from the end of each list to its start, so that indices stay true; a list or map that held
      nothing but ours goes as a whole, since injection created it.
"""

from collections.abc import Iterator
from typing import Any

from webhook.api.jsonpatch import Operation, escape
from webhook.inject.annotations import STATUS, Problem
from webhook.inject.reasons import Reason
from webhook.inject.status import Added, load

_LISTS = ("initContainers", "containers", "ephemeralContainers")


def uninject(pod: dict[str, Any]) -> tuple[Operation, ...] | Problem:
    """Operations that undo the injection of a pod or pod template (plain JSON data); none if it was not injected."""
    annotations = (pod.get("metadata") or {}).get("annotations") or {}
    text = annotations.get(STATUS)
    if text is None:
        return ()
    status = load(text) if isinstance(text, str) else None
    if status is None:
        return Problem(Reason.BAD_STATUS, STATUS, str(text), "the annotation as podmeta wrote it")
    found = list(_spec(pod.get("spec") or {}, status.added))
    gone = [key for key in annotations if key == STATUS or key in status.added.annotations]
    if len(gone) == len(annotations):
        found.append(Operation("remove", "/metadata/annotations"))
    else:
        found += [Operation("remove", f"/metadata/annotations/{escape(key)}") for key in gone]
    return tuple(found)


def _spec(spec: dict[str, Any], added: Added) -> Iterator[Operation]:
    for kind in _LISTS:
        containers = spec.get(kind) or []
        for index, container in enumerate(containers):
            name = (container or {}).get("name", "")
            if name not in added.containers:
                path = f"/spec/{kind}/{index}"
                yield from _without(f"{path}/env", (container or {}).get("env"), "name", added.env.get(name, ()))
                yield from _without(
                    f"{path}/volumeMounts",
                    container.get("volumeMounts"),
                    "mountPath",
                    added.volume_mounts.get(name, ()),
                )
        yield from _without(f"/spec/{kind}", containers, "name", added.containers)
    yield from _without("/spec/volumes", spec.get("volumes"), "name", added.volumes)


def _without(path: str, items: list[Any] | None, key: str, names: tuple[str, ...]) -> Iterator[Operation]:
    ours = [index for index, item in enumerate(items or ()) if item.get(key) in names]
    if ours and len(ours) == len(items or ()):
        yield Operation("remove", path)
        return
    for index in reversed(ours):
        yield Operation("remove", f"{path}/{index}")
