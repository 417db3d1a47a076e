"""The files: one downwardAPI volume a container, mounted read-only at the same path in each.

Rule: the same path in every container describes that container, so each has a volume of its own (in a volume a
      resourceFieldRef must name its container). A mount of the user's at, below or above the path is left as it is.
Strategy: the volume's name follows from the container's, so a second round finds what the first one added.
"""

import hashlib

import msgspec

from webhook.api.jsonpatch import quoted
from webhook.inject.annotations import KUBECONFIG
from webhook.inject.fields import BOTH, FieldRef, File
from webhook.inject.prepared import Item, Prepared, directories
from webhook.inject.question import Mount, Target
from webhook.inject.reasons import Reason
from webhook.inject.situation import Note, Situation
from webhook.inject.texts import container_name, file_item, volume

LONGEST = 63  # a volume's name is a DNS label, RFC 1123
NAME = "podmeta-downward-"
_KUBECONFIG_ITEM = file_item(File("kubeconfig", FieldRef(f"metadata.annotations['{KUBECONFIG}']", BOTH)))


class Place(msgspec.Struct, frozen=True):
    """Where one container reads the files, None where it does not; `mount`: the JSON of the one that it lacks for that.

    `notes`: what is in the way.
    """

    path: str | None = None
    mount: str | None = None
    notes: tuple[Note, ...] = ()


class Files(msgspec.Struct, frozen=True):
    """Volumes to add, and a Place for each of the selected containers."""

    volumes: tuple[Item, ...]
    places: tuple[Place, ...]


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
    if not situation.options.volume:
        return Files((), (Place(),) * len(situation.selected))
    path, more = situation.options.volume_path, f",{_KUBECONFIG_ITEM}" if kubeconfig else ""
    existing = dict(situation.question.volumes)
    volumes, places = [], []
    for target in situation.selected:
        name = volume_name(target.debugs or target.name)
        downward = existing.get(name)
        if downward and (there := _mounted(target, name)):
            places.append(Place(there))
        elif reason := _obstacle(situation, target, prepared.path, downward=downward):
            places.append(Place(notes=(Note(path, reason, warn=True),)))
        else:
            places.append(Place(path, quoted(name).join(prepared.mounted)))
            if downward is None:
                items = container_name(target.name).join(prepared.files) + more
                volumes.append(Item(name, volume(quoted(name), items)))
    return Files(tuple(volumes), tuple(places))


def _obstacle(situation: Situation, target: Target, path: tuple[str, ...], *, downward: bool | None) -> Reason | None:
    """`downward`: whether the volume of our name is a downwardAPI, None where there is none."""
    if downward is None and situation.running:
        return Reason.EPHEMERAL
    if downward is False:
        return Reason.VOLUME_KEPT
    return Reason.MOUNT_KEPT if _in_the_way(target.mounts, path) else None


def _in_the_way(mounts: tuple[Mount, ...], path: tuple[str, ...]) -> bool:
    """Whether one of the mounts is at the path or below it, or above it where no directory can be made."""
    for mount in mounts:
        if elsewhere(mount.path, path):
            continue
        theirs = directories(mount.path)
        below = theirs[: len(path)] == path
        above = path[: len(theirs)] == theirs
        if below or (above and not mount.roomy):
            return True
    return False


def elsewhere(mount: str, path: tuple[str, ...]) -> bool:
    """Whether a mount is in another directory of the root, as most are; told without taking its path apart."""
    beginning = mount.lstrip("/\\.")
    return bool(beginning) and not beginning.startswith(path[0].lstrip("."))


def _mounted(target: Target, name: str) -> str:
    """Where the container has that volume, or ""."""
    return next((mount.path for mount in target.mounts if mount.volume == name), "")
