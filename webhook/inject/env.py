"""The environment: variables in front of a container's own.

Rule: a name that the container defines stays the user's. What is injected comes first, in the order of the
      annotation, so that `$(POD_IP)` in the user's own entries expands (the kubelet expands only what stands before).
Strategy: each variable is added, kept or left out with a note; nothing else is looked at but names and declared limits.
"""

from typing import Any

from webhook.inject.fields import Literal, ResourceFieldRef, Variable
from webhook.inject.question import Target
from webhook.inject.reasons import Reason
from webhook.inject.situation import Note, Situation, declared

Entry = dict[str, Any]


def inject(situation: Situation, target: Target, more: tuple[Variable, ...]) -> tuple[tuple[Entry, ...], list[Note]]:
    """EnvVar objects to put in front, and notes. `more`: variables of the ambassador, behind those of the catalogue."""
    taken = {entry.name for entry in target.env}
    ours = set(situation.added.env.get(target.name, ()))
    entries: dict[str, Entry] = {}
    notes: list[Note] = []
    for variable in (*situation.options.env, *more):
        name = variable.name if variable.fixed else situation.options.env_prefix + variable.name
        if name in taken or name in entries:
            notes += [] if name in ours else [Note(target.name, name, Reason.ENV_KEPT)]
            continue
        reason = _obstacle(situation, target, variable)
        if reason:
            notes.append(Note(target.name, name, reason, warn=situation.asked("env")))
            continue
        entries[name] = _entry(name, variable, target)
        if about := _about(situation, target, variable):
            notes.append(Note(target.name, name, about))
    if entries and target.env_from:
        notes.append(Note(target.name, ", ".join(entries), Reason.ENV_FROM, warn=True))
    return tuple(entries.values()), notes


def _entry(name: str, variable: Variable, target: Target) -> Entry:
    source = variable.source
    if isinstance(source, Literal):
        return {"name": name, "value": source.text.replace("{container}", target.name)}
    return {"name": name, "valueFrom": source.to_json(target.debugs or None)}


def _obstacle(situation: Situation, target: Target, variable: Variable) -> Reason | None:
    if variable.needs and not declared(target.resources, "limits", variable.needs):
        return Reason.LIMIT_MISSING
    if variable.since > situation.defaults.kubernetes:
        return Reason.TOPOLOGY
    return None


def _about(situation: Situation, target: Target, variable: Variable) -> Reason | None:
    """What the kubelet reports for a figure that is not declared (defaultPodLimitsForDownwardAPI)."""
    if not isinstance(variable.source, ResourceFieldRef):
        return None
    kind, _, resource = variable.source.resource.partition(".")
    holder = _debugged(situation, target).resources
    if resource.startswith("hugepages-") or declared(holder, kind, resource):
        return None
    if kind == "requests":
        return Reason.REQUEST_ZERO
    return Reason.POD_LIMIT if declared(situation.question.resources, kind, resource) else Reason.NODE_ALLOCATABLE


def _debugged(situation: Situation, target: Target) -> Target:
    """The container that an ephemeral one was started for, whose figures it shows; else the container itself."""
    if not target.debugs:
        return target
    return next((t for t in situation.question.targets if t.name == target.debugs), target)
