"""Why a pod gets what it gets: the Plan as rows that a person reads.

Rule: every item that was asked for has a row: injected, kept, left out or refused; each that is not simply
      injected names its Reason.
Strategy: the same Plan that becomes the patch, read once more. Rows are data; printing is somebody else's.
"""

from typing import Literal

import msgspec

from webhook.inject.mutate import Rejected, Skipped, consider
from webhook.inject.plan import ContainerPlan, Plan
from webhook.inject.question import Question
from webhook.inject.reasons import Reason
from webhook.inject.situation import Defaults, Note

Verdict = Literal["injected", "kept", "left out", "refused"]
_CHOSEN = {Reason.NOT_SELECTED, Reason.NO_VOLUME}  # where a mount is in the way of the volume, that has its own row
_KEPT = {Reason.ENV_KEPT, Reason.MOUNT_KEPT, Reason.VOLUME_KEPT, Reason.CONTAINER_KEPT}


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of one container ("" for the pod): what became of it, where it comes from, and the reason."""

    container: str
    item: str
    verdict: Verdict
    source: str = ""
    reason: Reason | None = None


class Explanation(msgspec.Struct, frozen=True):
    """What became of the pod, and the rows behind it."""

    reason: Reason
    sentence: str
    rows: tuple[Row, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing was refused, and nothing kept or left out but what the pod itself wants left out."""
        return all(row.verdict == "injected" or row.reason in _CHOSEN for row in self.rows)


def explain(question: Question, defaults: Defaults) -> Explanation:
    """The Explanation of a Question."""
    considered = consider(question, defaults)
    if isinstance(considered, Skipped):
        return Explanation(considered.reason, considered.reason.sentence)
    if isinstance(considered, Rejected):
        rows = tuple(
            Row("", f"{problem.key}: {problem.value}", "refused", problem.hint, problem.reason)
            for problem in considered.problems
        )
        return Explanation(Reason.INVALID, Reason.INVALID.sentence, rows)
    rows = _rows(considered)
    added = considered.containers or considered.volumes or considered.access.container or considered.annotations
    reason = Reason.INJECTED if added else Reason.NOTHING_TO_ADD
    return Explanation(reason, reason.sentence, rows)


def _rows(plan: Plan) -> tuple[Row, ...]:
    planned = {container.target.name: container for container in plan.containers}
    rows: list[Row] = []
    for target in plan.question.targets:
        notes = _of(plan, target.name)
        added = _injected(plan, planned[target.name], notes) if target.name in planned else []
        told = {row.item for row in added}
        rows += added
        rows += [_noted(target.name, n) for n in notes if n.item not in told or n.reason is Reason.ENV_FROM]
    return (*rows, *_pod(plan))


def _of(plan: Plan, container: str) -> list[Note]:
    return [note for name, notes in plan.notes if name == container for note in notes]


def _noted(container: str, note: Note) -> Row:
    """What a note says of something that has no row of its own."""
    if note.reason is Reason.ENV_FROM:
        return Row(container, "envFrom", "injected", note.item, note.reason)
    return Row(container, note.item or "env and volume", _verdict(note.reason), "", note.reason)


def _injected(plan: Plan, container: ContainerPlan, notes: list[Note]) -> list[Row]:
    name = container.target.name
    about = {note.item: note.reason for note in notes if note.reason not in (Reason.ENV_FROM, Reason.ENV_KEPT)}
    entries = msgspec.json.decode(container.env.array)
    rows = [Row(name, e["name"], "injected", _source(e), about.get(e["name"])) for e in entries]
    if container.mount:
        mount, volumes = msgspec.json.decode(container.mount), {v.name: v.json for v in plan.volumes}
        rows.append(Row(name, mount["mountPath"], "injected", _files(volumes.get(mount["name"]))))
    return rows


def _files(volume: str | None) -> str:
    """What is in the volume that a container gets, where it was not there before."""
    if volume is None:
        return "the volume there"
    return ", ".join(item["path"] for item in msgspec.json.decode(volume)["downwardAPI"]["items"])


def _source(entry: dict[str, object]) -> str:
    """An env entry's origin as the annotation spells it."""
    match entry:
        case {"valueFrom": {"fieldRef": {"fieldPath": str(path)}}}:
            return path
        case {"valueFrom": {"resourceFieldRef": {"resource": str(resource), "divisor": str(divisor)}}}:
            return f"{resource}:{divisor}"
        case _:
            return f'"{entry["value"]}"'


def _pod(plan: Plan) -> list[Row]:
    rows = []
    if container := plan.access.container:
        options = plan.options
        kind = "native sidecar" if plan.access.place == "initContainers" else "container"
        source = f"{kind}, 127.0.0.1:{options.ambassador_port}, {options.ambassador_access}"
        rows.append(Row("", container.name, "injected", source))
    return rows + [Row("", note.item, _verdict(note.reason), "", note.reason) for note in _of(plan, "")]


def _verdict(reason: Reason) -> Verdict:
    return "kept" if reason in _KEPT else "left out"
