"""What the Python peers inject: podmeta's standard variables and files, as plain JSON.

Rule: the same env entries, volumes and mounts as podmeta's; its annotation podmeta/status is podmeta's own affair.
"""

from typing import Any

ANNOTATION = "podmeta/inject"
KINDS = ("initContainers", "containers")
Json = dict[str, Any]


def _field(path: str) -> Json:
    return {"fieldRef": {"fieldPath": path}}


def _resource(reference: str, divisor: str, **container: str) -> Json:
    return {"resourceFieldRef": {**container, "resource": reference, "divisor": divisor}}


VARIABLES = (
    {"name": "POD_NAME", "valueFrom": _field("metadata.name")},
    {"name": "POD_NAMESPACE", "valueFrom": _field("metadata.namespace")},
    {"name": "POD_IP", "valueFrom": _field("status.podIP")},
    {"name": "NODE_NAME", "valueFrom": _field("spec.nodeName")},
    {"name": "SERVICE_ACCOUNT", "valueFrom": _field("spec.serviceAccountName")},
    {"name": "CONTAINER_CPU_REQUEST_MILLICORES", "valueFrom": _resource("requests.cpu", "1m")},
    {"name": "CONTAINER_MEMORY_LIMIT_KIBIBYTES", "valueFrom": _resource("limits.memory", "1Ki")},
)


def missing(env: list[Json]) -> list[Json]:
    """The variables that a container does not define itself."""
    own = {entry["name"] for entry in env}
    return [variable for variable in VARIABLES if variable["name"] not in own]


def mount(container: str) -> Json:
    return {"name": f"podmeta-downward-{container}", "mountPath": "/etc/downward", "readOnly": True}


def volume(container: str) -> Json:
    """The files that describe one container."""
    items = [
        {"path": "podName", **_field("metadata.name")},
        {"path": "podNamespace", **_field("metadata.namespace")},
        {"path": "podUid", **_field("metadata.uid")},
        {"path": "labels", **_field("metadata.labels")},
        {"path": "annotations", **_field("metadata.annotations")},
        {
            "path": "containerCpuRequestMilliCores",
            **_resource("requests.cpu", "1m", containerName=container),
        },
        {
            "path": "containerMemoryLimitBytes",
            **_resource("limits.memory", "1", containerName=container),
        },
    ]
    return {"name": f"podmeta-downward-{container}", "downwardAPI": {"items": items}}


def injected(container: Json) -> Json:
    """The container with everything in it."""
    env, mounts = container.get("env", []), container.get("volumeMounts", [])
    return {**container, "env": [*missing(env), *env], "volumeMounts": [*mounts, mount(container["name"])]}
