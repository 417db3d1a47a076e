"""The Question: everything that a decision may depend on, and nothing else.

Rule: two pods with the same Question get the same answer, so a Question is hashable and an answer can be
      remembered. What differs from pod to pod of one workload (name, uid, the random suffix of the token volume) is
      not in it.
Strategy: one pass over the AdmissionRequest. Names of volumes that are not ours shrink to what matters about them:
      whether a directory could be made inside. Values of environment variables are never read.
"""

from enum import Enum
from typing import Literal

import msgspec

from webhook.api.pod import Container, ContainerPort, EnvVar, Metadata, Pod, PodSpec, Resources
from webhook.api.review import AdmissionRequest
from webhook.inject.annotations import PREFIX

Kind = Literal["initContainers", "containers", "ephemeralContainers"]
VOLUME_PREFIX = "podmeta-"
MIRROR = "kubernetes.io/config.mirror"  # kubetypes.ConfigMirrorAnnotationKey


class Door(Enum):
    """Which of the webhook's paths was called: who asked for the injection."""

    POD = "pod"
    NAMESPACE = "namespace"


class Mount(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A mount of a container: `volume` is our volume's name, or "" for the user's; `roomy`: a writable emptyDir."""

    path: str
    volume: str
    roomy: bool


class Target(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A container of the pod, by its list and its index there."""

    kind: Kind
    index: int
    name: str
    env: tuple[EnvVar, ...]
    env_from: bool
    mounts: tuple[Mount, ...]
    has_mounts: bool
    ports: tuple[ContainerPort, ...]
    resources: Resources | None
    debugs: str = ""


class Question(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """`annotations`: the `podmeta/` ones, in order. `volumes`: ours by name, and whether they are a downwardAPI.

    The `has_` fields tell whether the parent of what is added exists and holds something. `missing`: pointers of the
    pod's own parts that do not exist.
    """

    door: Door
    resource: str
    operation: str
    namespace: str
    annotations: tuple[tuple[str, str], ...]
    has_annotations: bool
    mirror: bool
    deleting: bool
    targets: tuple[Target, ...]
    old: frozenset[str]
    volumes: tuple[tuple[str, bool], ...]
    has_volumes: bool
    host_network: bool
    windows: bool
    resources: Resources | None
    missing: tuple[str, ...]


def question(request: AdmissionRequest, door: Door) -> Question:
    """The Question that a request puts."""
    pod = request.object or Pod()
    meta, spec = pod.metadata or Metadata(), pod.spec or PodSpec()
    annotations, volumes = meta.annotations or {}, spec.volumes or ()
    roomy = frozenset(v.name for v in volumes if v.empty_dir is not None)
    old = request.old_object.spec.ephemeral_containers if request.old_object and request.old_object.spec else None
    group, resource = request.resource.group, request.resource.resource
    return Question(
        door,
        "/".join(filter(None, (group, resource, request.sub_resource))),
        request.operation,
        request.namespace,
        tuple([pair for pair in annotations.items() if pair[0].startswith(PREFIX)]),
        bool(annotations),
        MIRROR in annotations,
        meta.deletion_timestamp is not None,
        _targets("initContainers", spec.init_containers, roomy)
        + _targets("containers", spec.containers, roomy)
        + _targets("ephemeralContainers", spec.ephemeral_containers, roomy),
        frozenset(c.name for c in old) if old else frozenset(),
        tuple([(v.name, v.downward_api is not None) for v in volumes if v.name.startswith(VOLUME_PREFIX)]),
        bool(volumes),
        bool(spec.host_network),
        _windows(spec.os.name if spec.os else "", spec.node_selector),
        spec.resources,
        _missing(pod) if pod.metadata is None or pod.spec is None else (),
    )


def _missing(pod: Pod) -> tuple[str, ...]:
    parents = {"/metadata": pod.metadata, "/spec": pod.spec}
    return tuple(path for path, parent in parents.items() if parent is None)


def _targets(kind: Kind, containers: tuple[Container, ...] | None, roomy: frozenset[str]) -> tuple[Target, ...]:
    if not containers:
        return ()
    return tuple(
        [
            Target(
                kind,
                index,
                c.name,
                c.env or (),
                bool(c.env_from),
                _mounts(c, roomy),
                bool(c.volume_mounts),
                c.ports or (),
                c.resources,
                c.target_container_name or "",
            )
            for index, c in enumerate(containers)
        ]
    )


def _mounts(container: Container, roomy: frozenset[str]) -> tuple[Mount, ...]:
    """The mounts; a block device takes its path as well."""
    mounts = [
        Mount(m.mount_path, m.name if m.name.startswith(VOLUME_PREFIX) else "", m.name in roomy and not m.read_only)
        for m in container.volume_mounts or ()
    ]
    if container.volume_devices:
        mounts += [Mount(device.device_path, "", roomy=False) for device in container.volume_devices]
    return tuple(mounts)


def _windows(os_name: str, node_selector: dict[str, str] | None) -> bool:
    return (os_name or (node_selector or {}).get("kubernetes.io/os")) == "windows"
