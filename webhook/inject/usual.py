"""The usual pod: its patch, written in one pass over the containers.

Rule: it says to the byte what Plan and operations would say, or nothing at all; then they are asked.
Strategy: most pods have nothing of podmeta's yet, want no ambassador, and in none of their containers is a variable or
      the path taken. What such a container gets is a Sheet: the operations themselves, written once for all pods that
      say the same, with holes for its place and its name.
"""

from functools import lru_cache

import msgspec

from webhook import __version__
from webhook.api.jsonpatch import HOLE, add, escape, quoted
from webhook.inject import env, texts
from webhook.inject.annotations import STATUS, WRITTEN
from webhook.inject.eligibility import ineligible
from webhook.inject.patch import container
from webhook.inject.prepared import REMEMBERED, Prepared, prepared
from webhook.inject.question import Question, Target
from webhook.inject.reasons import Reason
from webhook.inject.situation import Defaults, Note
from webhook.inject.status import Form
from webhook.inject.texts import VOLUME, container_name, mount
from webhook.inject.volume import elsewhere, volume_name

_WRITTEN = frozenset(WRITTEN)
_STATUS = f"/metadata/annotations/{escape(STATUS)}"


class Sheet(msgspec.Struct, frozen=True):
    """What a container gets, up to where the volume's name belongs, and from there on.

    `beside`, `alone`: for a container with variables of its own and for one without, split where its place belongs.
    `files`: split where `container_name` belongs. `status`: its text.
    """

    beside: tuple[str, ...]
    alone: tuple[str, ...]
    mounted: str
    volume: str
    files: tuple[str, ...]
    status: Form


class Usual(msgspec.Struct, frozen=True):
    """What becomes of a usual pod: the texts of its operations, and what there is to say of them."""

    operations: list[str]
    reasons: tuple[Reason, ...]
    containers: tuple[str, ...]


def usual(question: Question, defaults: Defaults) -> Usual | None:
    """What a usual pod gets; None for any other."""
    if not _plain(question):
        return None
    ready = prepared(question.annotations, defaults)
    sheet = _sheet(ready)
    if sheet is None or not _free(question.targets, ready):
        return None
    containers, volumes, names, called = [], [], [], []
    notes: list[Note] = []
    for target in question.targets:
        name, place = target.name, f"/spec/{target.kind}/{target.index}"
        if target.env_from or target.debugs or not target.has_mounts or _is_odd(name):
            return None
        volume = volume_name(name)
        names.append(name)
        called.append(volume)
        containers.append(f"{place.join(sheet.beside if target.env else sheet.alone)}{volume}{sheet.mounted}")
        volumes.append(f"{sheet.volume}{volume}{container_name(name).join(sheet.files)}")
        notes += env.about(target.resources, question.resources, ready.environment)
    status = sheet.status.filled(names, dict.fromkeys(called))
    operations = [*containers, *volumes, add(_STATUS, status)]
    return Usual(operations, tuple(dict.fromkeys([note.reason for note in notes])), tuple(names))


def _is_odd(name: str) -> bool:
    """Whether JSON has to escape something in it; the API server refuses such a name."""
    return len(quoted(name)) != len(name) + 2


def _plain(question: Question) -> bool:
    """Whether the pod is to be injected, for the first time, and has every list and map that is added to."""
    parents = question.targets and question.has_volumes and question.has_annotations
    if not parents or question.volumes or question.operation != "CREATE" or ineligible(question):
        return False
    return _WRITTEN.isdisjoint(dict(question.annotations))


def _free(targets: tuple[Target, ...], ready: Prepared) -> bool:
    """Whether no container has a variable of ours, or a mount anywhere near the path."""
    if not ready.environment.names.isdisjoint([variable.name for target in targets for variable in target.env]):
        return False
    paths = {mount.path for target in targets for mount in target.mounts}
    return all(elsewhere(path, ready.path) for path in paths)


@lru_cache(REMEMBERED)
def _sheet(ready: Prepared) -> Sheet | None:
    """None where a container gets more or less than variables and files, or where a variable has its name in it."""
    options, block = ready.options, ready.environment.whole
    if ready.problems or options.ambassador or options.containers or options.skip_containers or not options.volume:
        return None
    if not block or not block.names or ready.environment.named:
        return None
    status = Form.of(__version__, ready.config, block.names, options.volume_path)
    if not status:
        return None
    mounted = mount(f'"{VOLUME}"', options.volume_path)
    beside, alone = (
        ",".join(container(HOLE, block, mounted, has_env=has_env, has_mounts=True)).partition(VOLUME)
        for has_env in (True, False)
    )
    files = add("/spec/volumes/-", texts.volume(f'"{VOLUME}"', HOLE.join(ready.files))).partition(VOLUME)
    return Sheet(
        tuple(beside[0].split(HOLE)),
        tuple(alone[0].split(HOLE)),
        beside[2],
        files[0],
        tuple(files[2].split(HOLE)),
        status,
    )
