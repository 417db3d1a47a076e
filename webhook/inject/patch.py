"""The Plan as JSON Patch operations.

Rule: only `add`; nothing of the user's is removed, replaced or reordered. A list or map that the pod lacks (or that is
      null or empty there) is created once, whole, by this module and no other.
Strategy: containers first, by the index that they have in the pod; the ambassador last, since it moves the indices
      of the init containers. A container's variables are written already (prepared.py); what they lack is its path.
"""

from webhook.api.jsonpatch import add, as_json, escape
from webhook.inject.plan import ContainerPlan, Plan
from webhook.inject.prepared import Item


def operations(plan: Plan) -> list[str]:
    """The text of every operation, in the order in which they are to be applied."""
    question, access = plan.question, plan.access
    found = [text for container in plan.containers for text in _container(container)]
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


def _container(plan: ContainerPlan) -> list[str]:
    target = plan.target
    path = f"/spec/{target.kind}/{target.index}"
    found = []
    if plan.env.names:
        found.append(path.join(plan.env.adds) if target.env else add(f"{path}/env", plan.env.array))
    if plan.mount:
        mounts, mount = f"{path}/volumeMounts", plan.mount.json
        found.append(add(f"{mounts}/-", mount) if target.has_mounts else add(mounts, f"[{mount}]"))
    return found


def _inserted(path: str, items: tuple[Item, ...], where: str, *, has: bool) -> list[str]:
    if has:
        return [add(f"{path}/{where}", item.json) for item in items]
    return [add(path, f"[{','.join([item.json for item in items])}]")] if items else []
