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
    annotations = meta.annotations or {}
    ours: list[tuple[str, bool]] = []
    roomy: set[str] = set()
    for volume in spec.volumes or ():
        if volume.empty_dir is not None:
            roomy.add(volume.name)
        if volume.name.startswith(VOLUME_PREFIX):
            ours.append((volume.name, volume.downward_api is not None))
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
        tuple(ours),
        bool(spec.volumes),
        bool(spec.host_network),
        _windows(spec.os.name if spec.os else "", spec.node_selector),
        spec.resources,
        _missing(pod) if pod.metadata is None or pod.spec is None else (),
    )


def _missing(pod: Pod) -> tuple[str, ...]:
    parents = {"/metadata": pod.metadata, "/spec": pod.spec}
    return tuple(path for path, parent in parents.items() if parent is None)


def _targets(kind: Kind, containers: tuple[Container, ...] | None, roomy: set[str]) -> tuple[Target, ...]:
    targets = []
    for index, container in enumerate(containers or ()):
        mounts = []
        for mount in container.volume_mounts or ():
            name = mount.name
            volume = name if name.startswith(VOLUME_PREFIX) else ""
            mounts.append(Mount(mount.mount_path, volume, name in roomy and not mount.read_only))
        if container.volume_devices:  # a block device takes its path as well
            mounts += [Mount(device.device_path, "", roomy=False) for device in container.volume_devices]
        targets.append(
            Target(
                kind,
                index,
                container.name,
                container.env or (),
                bool(container.env_from),
                tuple(mounts),
                bool(container.volume_mounts),
                container.ports or (),
                container.resources,
                container.target_container_name or "",
            )
        )
    return tuple(targets)


def _windows(os_name: str, node_selector: dict[str, str] | None) -> bool:
    return (os_name or (node_selector or {}).get("kubernetes.io/os")) == "windows"
