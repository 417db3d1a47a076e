"""The environment: variables in front of a container's own.

Rule: a name that the container defines stays the user's. What is injected comes first, in the order of the
      annotation, so that `$(POD_IP)` in the user's own entries expands (the kubelet expands only what stands before).
Strategy: a container that defines none of the names gets the whole block as it was prepared. For another each variable
      is added, kept or left out with a note; nothing else is looked at but names and declared limits.
"""

from collections.abc import Iterable
from operator import attrgetter

from webhook.api.pod import Resources
from webhook.inject.prepared import Block, Entry, Environment, Figure, Item
from webhook.inject.question import Target
from webhook.inject.reasons import Reason
from webhook.inject.situation import Note, Situation, declared
from webhook.inject.texts import env_var

_name = attrgetter("name")


def inject(situation: Situation, target: Target, environment: Environment) -> tuple[Block, tuple[Note, ...]]:
    """Variables to put in front, and notes."""
    block = environment.whole
    if block and not target.debugs and is_free(target, environment):
        notes = about(target.resources, situation.question.resources, environment)
    else:
        block, notes = _one_by_one(situation, target, environment)
    if block.names and target.env_from:
        notes = (*notes, Note(", ".join(block.names), Reason.ENV_FROM, warn=True))
    return block.of_container(target.name) if environment.named else block, notes


def is_free(target: Target, environment: Environment) -> bool:
    """Whether the container defines none of the names."""
    return environment.names.isdisjoint(map(_name, target.env))


def _one_by_one(situation: Situation, target: Target, environment: Environment) -> tuple[Block, tuple[Note, ...]]:
    taken = {entry.name for entry in target.env}
    ours = set(situation.added.env.get(target.name, ()))
    holder = _debugged(situation, target).resources if target.debugs else target.resources
    items: dict[str, Item] = {}
    notes: list[Note] = []
    for entry in environment.entries:
        name = entry.item.name
        if name in taken or name in items:
            notes += [] if name in ours else [Note(name, Reason.ENV_KEPT)]
        elif reason := _obstacle(target, entry):
            notes.append(Note(name, reason, warn=situation.asked("env")))
        else:
            items[name] = Item(name, env_var(name, entry.source, target.debugs)) if target.debugs else entry.item
            notes += _undeclared(holder, situation.question.resources, [entry.figure] if entry.figure else [])
    return Block.of(tuple(items.values())), tuple(notes)


def _obstacle(target: Target, entry: Entry) -> Reason | None:
    if entry.needs and not declared(target.resources, "limits", entry.needs):
        return Reason.LIMIT_MISSING
    return entry.obstacle


def about(own: Resources | None, pod: Resources | None, environment: Environment) -> tuple[Note, ...]:
    """What is to be known of the figures of a container that gets all of them."""
    if pod is None and (own is None or (own.limits is None and own.requests is None)):
        return environment.undeclared
    return tuple(_undeclared(own, pod, environment.figures))


def _undeclared(own: Resources | None, pod: Resources | None, figures: Iterable[Figure]) -> list[Note]:
    return [
        figure.pod if declared(pod, figure.kind, figure.resource) else figure.nobody
        for figure in figures
        if not declared(own, figure.kind, figure.resource)
    ]


def _debugged(situation: Situation, target: Target) -> Target:
    """The container that an ephemeral one was started for, whose figures it shows."""
    return next((t for t in situation.question.targets if t.name == target.debugs), target)
