"""The Plan as JSON Patch operations.

Rule: only `add`; nothing of the user's is removed, replaced or reordered. A list or map that the pod lacks (or that is
      null or empty there) is created once, whole, by this module and no other.
Strategy: containers first, by the index that they have in the pod; the ambassador last, since it moves the indices
      of the init containers. A container's variables are written already (prepared.py); what they lack is its path.
"""

from webhook.api.jsonpatch import add, as_json, escape
from webhook.inject.plan import Plan
from webhook.inject.prepared import Block, Item


def operations(plan: Plan) -> list[str]:
    """The text of every operation, in the order in which they are to be applied."""
    question, access = plan.question, plan.access
    found = []
    for planned in plan.containers:
        target, path = planned.target, f"/spec/{planned.target.kind}/{planned.target.index}"
        own, mounts = bool(target.env), target.has_mounts
        found += container(path, planned.env, planned.mount, has_env=own, has_mounts=mounts)
    found += _inserted("/spec/volumes", plan.volumes, "-", has=question.has_volumes)
    if access.container:
        has = any(target.kind == access.place for target in question.targets)
        first = "-" if access.place == "containers" else "0"
        found += _inserted(f"/spec/{access.place}", (access.container,), first, has=has)
    if plan.annotations and question.has_annotations:
        found += [add(f"/metadata/annotations/{escape(key)}", as_json(s)) for key, s in plan.annotations.items()]
    elif plan.annotations:
        found.append(add("/metadata/annotations", as_json(plan.annotations)))
    parents = [add(path, "{}") for path in question.missing] if found else []
    return [*parents, *found]


def container(path: str, env: Block, mount: str | None, *, has_env: bool, has_mounts: bool) -> list[str]:
    """What is added to the container at a path."""
    found = []
    if env.names:
        found.append(path.join(env.adds) if has_env else add(f"{path}/env", env.array))
    if mount:
        mounts = f"{path}/volumeMounts"
        found.append(add(f"{mounts}/-", mount) if has_mounts else add(mounts, f"[{mount}]"))
    return found


def _inserted(path: str, items: tuple[Item, ...], where: str, *, has: bool) -> list[str]:
    if has:
        place = f"{path}/{where}"
        return [add(place, item.json) for item in items]
    return [add(path, f"[{','.join([item.json for item in items])}]")] if items else []
