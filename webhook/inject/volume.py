"""The files: one downwardAPI volume a container, mounted read-only at the same path in each.

Rule: the same path in every container describes that container, so each has a volume of its own (in a volume a
      resourceFieldRef must name its container). A mount of the user's at, below or above the path is left as it is.
Strategy: the volume's name follows from the container's, so a second round finds what the first one added.
"""

import hashlib

import msgspec

from webhook.api.jsonpatch import as_json
from webhook.inject.annotations import KUBECONFIG
from webhook.inject.fields import BOTH, FieldRef, File
from webhook.inject.prepared import Item, Prepared, container_name, file_item
from webhook.inject.question import Mount, Target
from webhook.inject.reasons import Reason
from webhook.inject.situation import Note, Situation

LONGEST = 63  # a volume's name is a DNS label, RFC 1123
NAME = "podmeta-downward-"
_KUBECONFIG_ITEM = file_item(File("kubeconfig", FieldRef(f"metadata.annotations['{KUBECONFIG}']", BOTH)))


class Files(msgspec.Struct, frozen=True):
    """Volumes to add. By container name: mounts to add (each called by its path, as in podmeta/status), notes, and the
    path at which the files can be read, there before or not.
    """

    volumes: tuple[Item, ...]
    mounts: dict[str, Item]
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


def inject(situation: Situation, prepared: Prepared, *, kubeconfig: bool) -> Files:
    """Volumes and mounts for every selected container. `kubeconfig`: the file of that name is one of them."""
    volumes, mounts, paths, notes = [], {}, {}, {}
    path = situation.options.volume_path
    parts = _parts(path)
    mounted = f'"mountPath":{as_json(path)},"readOnly":true'
    more = f",{_KUBECONFIG_ITEM}" if kubeconfig else ""
    existing = dict(situation.question.volumes)
    for target in situation.selected if situation.options.volume else ():
        name = volume_name(target.debugs or target.name)
        if existing.get(name) and (there := _mounted(target, name)):
            paths[target.name] = there
        elif reason := _obstacle(situation, target, name, existing, parts):
            notes[target.name] = [Note(target.name, path, reason, warn=True)]
        else:
            named = f'"name":{as_json(name)}'
            paths[target.name] = path
            mounts[target.name] = Item(path, f"{{{named},{mounted}}}")
            if name not in existing:
                items = container_name(target.name).join(prepared.files) + more
                volumes.append(Item(name, f'{{{named},"downwardAPI":{{"items":[{items}]}}}}'))
    return Files(tuple(volumes), mounts, paths, notes)


def _obstacle(
    situation: Situation, target: Target, name: str, existing: dict[str, bool], path: list[str]
) -> Reason | None:
    if situation.running and name not in existing:
        return Reason.EPHEMERAL
    if not existing.get(name, True):
        return Reason.VOLUME_KEPT
    return Reason.MOUNT_KEPT if _in_the_way(target.mounts, path) else None


def _in_the_way(mounts: tuple[Mount, ...], path: list[str]) -> bool:
    """Whether one of the mounts is at the path or below it, or above it where no directory can be made."""
    start = path[0].lstrip(".") if path else ""
    for mount in mounts:
        beginning = mount.path.lstrip("/\\.")
        if beginning and not beginning.startswith(start):
            continue  # as most: in another directory of the root, which can be told without taking the path apart
        theirs = _parts(mount.path)
        below = theirs[: len(path)] == path
        above = path[: len(theirs)] == theirs
        if below or (above and not mount.roomy):
            return True
    return False


def _mounted(target: Target, name: str) -> str:
    """Where the container has that volume, or ""."""
    return next((mount.path for mount in target.mounts if mount.volume == name), "")


def _parts(path: str) -> list[str]:
    return [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
