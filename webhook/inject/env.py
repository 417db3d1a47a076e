"""The environment: variables in front of a container's own.

Rule: a name that the container defines stays the user's. What is injected comes first, in the order of the
      annotation, so that `$(POD_IP)` in the user's own entries expands (the kubelet expands only what stands before).
Strategy: a container that defines none of the names gets the whole block as it was prepared. For another each variable
      is added, kept or left out with a note; nothing else is looked at but names and declared limits.
"""

from webhook.inject.prepared import Block, Entry, Environment, Figure, Item, env_var
from webhook.inject.question import Target
from webhook.inject.reasons import Reason
from webhook.inject.situation import Note, Situation, declared


def inject(situation: Situation, target: Target, environment: Environment) -> tuple[Block, list[Note]]:
    """Variables to put in front, and notes."""
    block, free = environment.whole, environment.names.isdisjoint([entry.name for entry in target.env])
    if block and free and not target.debugs:
        notes = _about(situation, target, environment.figures)
    else:
        block, notes = _one_by_one(situation, target, environment)
    if block.names and target.env_from:
        notes.append(Note(target.name, ", ".join(block.names), Reason.ENV_FROM, warn=True))
    return block.of_container(target.name) if environment.named else block, notes


def _one_by_one(situation: Situation, target: Target, environment: Environment) -> tuple[Block, list[Note]]:
    taken = {entry.name for entry in target.env}
    ours = set(situation.added.env.get(target.name, ()))
    items: dict[str, Item] = {}
    notes: list[Note] = []
    for entry in environment.entries:
        name = entry.item.name
        if name in taken or name in items:
            notes += [] if name in ours else [Note(target.name, name, Reason.ENV_KEPT)]
        elif reason := _obstacle(target, entry):
            notes.append(Note(target.name, name, reason, warn=situation.asked("env")))
        else:
            items[name] = Item(name, env_var(name, entry.source, target.debugs)) if target.debugs else entry.item
            notes += _about(situation, target, (entry.figure,)) if entry.figure else []
    return Block.of(tuple(items.values())), notes


def _obstacle(target: Target, entry: Entry) -> Reason | None:
    if entry.needs and not declared(target.resources, "limits", entry.needs):
        return Reason.LIMIT_MISSING
    return entry.obstacle


def _about(situation: Situation, target: Target, figures: tuple[Figure, ...]) -> list[Note]:
    """What the kubelet reports for figures that are not declared (defaultPodLimitsForDownwardAPI)."""
    holder = _debugged(situation, target).resources if target.debugs else target.resources
    notes = []
    for name, kind, resource in figures:
        if declared(holder, kind, resource):
            continue
        if kind == "requests":
            reason = Reason.REQUEST_ZERO
        elif declared(situation.question.resources, kind, resource):
            reason = Reason.POD_LIMIT
        else:
            reason = Reason.NODE_ALLOCATABLE
        notes.append(Note(target.name, name, reason))
    return notes


def _debugged(situation: Situation, target: Target) -> Target:
    """The container that an ephemeral one was started for, whose figures it shows."""
    return next((t for t in situation.question.targets if t.name == target.debugs), target)
