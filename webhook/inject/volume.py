"""The files: one downwardAPI volume a container, mounted read-only at the same path in each.

Rule: the same path in every container describes that container, so each has a volume of its own (in a volume a
      resourceFieldRef must name its container). A mount of the user's at, below or above the path is left as it is.
Strategy: the volume's name follows from the container's, so a second round finds what the first one added.
"""

import hashlib
from typing import Any

import msgspec

from webhook.inject.annotations import KUBECONFIG
from webhook.inject.fields import BOTH, FILES, FieldRef, File
from webhook.inject.question import Target
from webhook.inject.reasons import Reason
from webhook.inject.situation import Note, Situation

LONGEST = 63  # a volume's name is a DNS label, RFC 1123
NAME = "podmeta-downward-"
KUBECONFIG_FILE = File("kubeconfig", FieldRef(f"metadata.annotations['{KUBECONFIG}']", BOTH))


class Files(msgspec.Struct, frozen=True):
    """By container name: mounts to add, notes, and the path at which the files can be read, there before or not."""

    volumes: tuple[dict[str, Any], ...]
    mounts: dict[str, dict[str, Any]]
    paths: dict[str, str]
    notes: dict[str, list[Note]]


def volume_name(container: str) -> str:
    """`podmeta-downward-CONTAINER`; a long one is cut and made unique by eight digits of its hash.

    A cut one has a second hyphen, with which no container's name begins: it meets no name that was short enough.
    """
    name = NAME + container
    if len(name) <= LONGEST:
        return name
    digest = hashlib.sha256(container.encode()).hexdigest()[:8]
    return f"{NAME}-{container[: LONGEST - len(NAME) - 10].rstrip('-.')}-{digest}"


def inject(situation: Situation, *, kubeconfig: bool) -> Files:
    """Volumes and mounts for every selected container. `kubeconfig`: the file of that name is one of them."""
    volumes, mounts, paths, notes = [], {}, {}, {}
    path = situation.options.volume_path
    existing = dict(situation.question.volumes)
    for target in situation.selected if situation.options.volume else ():
        name = volume_name(target.debugs or target.name)
        if existing.get(name) and (there := _mounted(target, name)):
            paths[target.name] = there
        elif reason := _obstacle(situation, target, name, existing):
            notes[target.name] = [Note(target.name, path, reason, warn=True)]
        else:
            paths[target.name] = path
            mounts[target.name] = {"name": name, "mountPath": path, "readOnly": True}
            if name not in existing:
                volumes.append(_volume(situation, target.name, name, kubeconfig=kubeconfig))
    return Files(tuple(volumes), mounts, paths, notes)


def _volume(situation: Situation, container: str, name: str, *, kubeconfig: bool) -> dict[str, Any]:
    files = (*FILES, *situation.options.volume_items, *((KUBECONFIG_FILE,) if kubeconfig else ()))
    items = [{"path": file.path, **file.selector.to_json(container)} for file in files]
    return {"name": name, "downwardAPI": {"items": items}}


def _obstacle(situation: Situation, target: Target, name: str, existing: dict[str, bool]) -> Reason | None:
    if situation.running and name not in existing:
        return Reason.EPHEMERAL
    if not existing.get(name, True):
        return Reason.VOLUME_KEPT
    path = _parts(situation.options.volume_path)
    for mount in target.mounts:
        theirs = _parts(mount.path)
        below = theirs[: len(path)] == path
        above = path[: len(theirs)] == theirs
        if below or (above and not mount.roomy):
            return Reason.MOUNT_KEPT
    return None


def _mounted(target: Target, name: str) -> str:
    """Where the container has that volume, or ""."""
    return next((mount.path for mount in target.mounts if mount.volume == name), "")


def _parts(path: str) -> list[str]:
    return [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
