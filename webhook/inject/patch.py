"""The Plan as JSON Patch operations.

Rule: only `add`; nothing of the user's is removed, replaced or reordered. A list or map that the pod lacks (or that is
      null or empty there) is created once, whole, by this module and no other.
Strategy: containers first, by the index that they have in the pod; the ambassador last, since it moves the indices
      of the init containers. The same Plan gives the same operations.
"""

from collections.abc import Iterator
from typing import Any

from webhook.api.jsonpatch import Operation, escape
from webhook.inject.plan import ContainerPlan, Plan


def operations(plan: Plan) -> tuple[Operation, ...]:
    """Every operation, in the order in which they are to be applied."""
    question, access = plan.question, plan.access
    found = [operation for container in plan.containers for operation in _container(container)]
    found += _appended("/spec/volumes", plan.volumes, has=question.has_volumes)
    if access.container:
        has = any(target.kind == access.place for target in question.targets)
        first = "-" if access.place == "containers" else "0"
        found += _inserted(f"/spec/{access.place}", (access.container,), first, has=has)
    if plan.annotations and question.has_annotations:
        found += [Operation("add", f"/metadata/annotations/{escape(k)}", v) for k, v in plan.annotations.items()]
    elif plan.annotations:
        found.append(Operation("add", "/metadata/annotations", plan.annotations))
    parents = [Operation("add", path, {}) for path in question.missing] if found else []
    return (*parents, *found)


def _container(plan: ContainerPlan) -> Iterator[Operation]:
    target = plan.target
    path = f"/spec/{target.kind}/{target.index}"
    if target.env:
        for index, entry in enumerate(plan.env):
            yield Operation("add", f"{path}/env/{index}", entry)
    elif plan.env:
        yield Operation("add", f"{path}/env", list(plan.env))
    if plan.mount:
        yield from _appended(f"{path}/volumeMounts", (plan.mount,), has=target.has_mounts)


def _appended(path: str, items: tuple[Any, ...], *, has: bool) -> Iterator[Operation]:
    return _inserted(path, items, "-", has=has)


def _inserted(path: str, items: tuple[Any, ...], where: str, *, has: bool) -> Iterator[Operation]:
    if has:
        for item in items:
            yield Operation("add", f"{path}/{where}", item)
    elif items:
        yield Operation("add", path, list(items))
