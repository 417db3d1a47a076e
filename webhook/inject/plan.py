"""The Plan: everything to add to one pod, before a single operation is written.

Rule: an injector looks at the Situation and returns its additions and its notes; it never sees JSON Patch. A problem
      found by any of them stops the pod; nothing is half-applied.
Strategy: the ambassador first (it decides whether there is a kubeconfig), then the files, then the environment, which
      points at both.
"""

from typing import Any

import msgspec

from webhook import __version__
from webhook.inject import ambassador, env, volume
from webhook.inject.ambassador import Access
from webhook.inject.annotations import STATUS, Options, Problem, parse
from webhook.inject.question import Question, Target
from webhook.inject.reasons import Reason
from webhook.inject.situation import Defaults, Note, Situation
from webhook.inject.status import Added, Status, dump, fingerprint, load


class ContainerPlan(msgspec.Struct, frozen=True):
    """What one container gets: `env` entries to put in front, `mount` to append."""

    target: Target
    env: tuple[dict[str, Any], ...]
    mount: dict[str, Any] | None


class Plan(msgspec.Struct, frozen=True):
    """Additions in the order of the pod, and what is to be said about them."""

    question: Question
    options: Options
    containers: tuple[ContainerPlan, ...]
    volumes: tuple[dict[str, Any], ...]
    access: Access
    annotations: dict[str, str]
    notes: tuple[Note, ...]


def plan(question: Question, defaults: Defaults) -> Plan | tuple[Problem, ...]:
    """What to add, or every problem that forbids it."""
    options, problems = parse(question.annotations, defaults.options)
    status_text = dict(question.annotations).get(STATUS)
    status = load(status_text) if status_text is not None else None
    if status_text is not None and status is None:
        problems.append(Problem(Reason.BAD_STATUS, STATUS, status_text, "the annotation removed, or as it was written"))
    situation = Situation.of(question, options, defaults, status.added if status else Added())
    problems += situation.problems()
    access = ambassador.inject(situation)
    problems += access.problems
    if problems:
        return tuple(problems)
    return _plan(situation, access)


def _plan(situation: Situation, access: Access) -> Plan:
    question, notes = situation.question, list(situation.notes())
    files = volume.inject(situation, kubeconfig=access.kubeconfig)
    containers, added_env = [], {}
    for target in situation.selected:
        mount = files.mounts.get(target.name)
        where = files.paths.get(target.name)
        entries, said = env.inject(situation, target, access.variables(where))
        notes += [*files.notes.get(target.name, ()), *access.notes_for(target.name, where), *said]
        if entries:
            added_env[target.name] = [entry["name"] for entry in entries]
        if entries or mount:
            containers.append(ContainerPlan(target, entries, mount))
    added = Added(
        env=added_env,
        volume_mounts={name: [mount["mountPath"]] for name, mount in files.mounts.items()},
        volumes=[volume["name"] for volume in (*files.volumes, *access.volumes)],
        containers=[access.container["name"]] if access.container else [],
        annotations=sorted(access.annotations),
    )
    annotations = _annotations(situation, added, access.annotations)
    notes += access.notes
    volumes = (*files.volumes, *access.volumes)
    return Plan(question, situation.options, tuple(containers), volumes, access, annotations, tuple(notes))


def _annotations(situation: Situation, added: Added, more: dict[str, str]) -> dict[str, str]:
    """The annotations to write: none where nothing was added, none on a pod that already runs."""
    if added == Added() or situation.running:
        return {}
    options = msgspec.structs.replace(situation.options, asked=frozenset())
    config = fingerprint(options, msgspec.structs.replace(situation.defaults, deny_invalid=True))
    return {STATUS: dump(Status(__version__, config, situation.added.merged(added))), **more}
