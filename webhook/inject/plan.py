"""The Plan: everything to add to one pod, before a single operation is written.

Rule: an injector looks at the Situation and returns its additions and its notes; it never sees JSON Patch. A problem
      found by any of them stops the pod; nothing is half-applied.
Strategy: the ambassador first (it decides whether there is a kubeconfig), then the files, then the environment, which
      points at both.
"""

import msgspec

from webhook import __version__
from webhook.inject import ambassador, env, volume
from webhook.inject.ambassador import Access
from webhook.inject.annotations import STATUS, Options, Problem
from webhook.inject.prepared import Block, Environment, Item, Prepared, prepared
from webhook.inject.question import Question, Target
from webhook.inject.reasons import Reason
from webhook.inject.situation import Defaults, Note, Notes, Situation
from webhook.inject.status import NOTHING, Added, Status, dump, load

_NO_KUBECONFIG = Note("KUBECONFIG", Reason.NO_VOLUME, warn=True)


class ContainerPlan(msgspec.Struct, frozen=True):
    """What one container gets: variables to put in front, `mount` (JSON) to append."""

    target: Target
    env: Block
    mount: str | None


class Plan(msgspec.Struct, frozen=True):
    """Additions in the order of the pod, and what is to be said about them."""

    question: Question
    options: Options
    containers: tuple[ContainerPlan, ...]
    volumes: tuple[Item, ...]
    access: Access
    annotations: dict[str, str]
    notes: tuple[Notes, ...]


def plan(question: Question, defaults: Defaults) -> Plan | tuple[Problem, ...]:
    """What to add, or every problem that forbids it."""
    ready = prepared(question.annotations, defaults)
    problems = list(ready.problems)
    status_text = dict(question.annotations).get(STATUS)
    status = load(status_text) if status_text is not None else None
    if status_text is not None and status is None:
        problems.append(Problem(Reason.BAD_STATUS, STATUS, status_text, "the annotation removed, or as it was written"))
    situation = Situation.of(question, ready.options, defaults, status.added if status else NOTHING)
    problems += situation.problems()
    access = ambassador.inject(situation)
    problems += access.problems
    if problems:
        return tuple(problems)
    return _plan(situation, ready, access)


def _plan(situation: Situation, ready: Prepared, access: Access) -> Plan:
    notes = situation.notes()
    files = volume.inject(situation, ready, kubeconfig=access.kubeconfig)
    environments: dict[str | None, Environment] = {}
    containers: list[ContainerPlan] = []
    env_added: dict[str, tuple[str, ...]] = {}
    mounts_added: dict[str, tuple[str, ...]] = {}
    for target, place in zip(situation.selected, files.places, strict=True):
        name, path = target.name, place.path
        if path not in environments:
            environments[path] = ready.environment_with(access.variables(path))
        block, said = env.inject(situation, target, environments[path])
        if place.notes:
            notes.append((name, place.notes))
        if access.kubeconfig and not path:
            notes.append((name, (_NO_KUBECONFIG,)))
        if said:
            notes.append((name, said))
        if block.names:
            env_added[name] = block.names
        if place.mount and path:
            mounts_added[name] = (path,)
        if block.names or place.mount:
            containers.append(ContainerPlan(target, block, place.mount))
    volumes = (*files.volumes, *access.volumes)
    added = Added(
        env_added,
        mounts_added,
        tuple(dict.fromkeys([volume.name for volume in volumes])),
        (access.container.name,) if access.container else (),
        tuple(sorted(access.annotations)),
    )
    annotations = _annotations(situation, ready.config, added, access.annotations)
    notes.append(("", access.notes))
    return Plan(situation.question, situation.options, tuple(containers), volumes, access, annotations, tuple(notes))


def _annotations(situation: Situation, config: str, added: Added, more: dict[str, str]) -> dict[str, str]:
    """The annotations to write: none where nothing was added, none on a pod that already runs."""
    if added == NOTHING or situation.running:
        return {}
    return {STATUS: dump(Status(__version__, config, situation.added.merged(added))), **more}
