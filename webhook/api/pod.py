"""The parts of a Pod that are read.

Rule: a field stands here only if a decision needs it. Everything else stays raw JSON that nobody parses, so a field
      that this code has never heard of can neither be lost nor break it.
Strategy: frozen structs with Kubernetes' own names (snake case here, camel case on the wire), tuples for arrays, so
      that a value is hashable and a decision about it can be remembered. `null` means absent, as in the API; only
      where the API has a required string or number it is refused, as it is there.
Source: the Pod reference, core/v1, https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

import msgspec

Quantity = str | int | float  # resource.Quantity is written as a string or as a number


class _Wire(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """What all parts have in common: immutable, camelCase on the wire."""


class Quantities(_Wire, frozen=True):
    """A ResourceList as far as the Downward API can refer to it by a fixed name."""

    cpu: Quantity | None = None
    memory: Quantity | None = None
    ephemeral_storage: Quantity | None = msgspec.field(default=None, name="ephemeral-storage")


class Resources(_Wire, frozen=True):
    limits: Quantities | None = None
    requests: Quantities | None = None


class EnvVar(_Wire, frozen=True):
    """Only the name: values may be secret, and no decision depends on them."""

    name: str = ""


class EnvFrom(_Wire, frozen=True):
    """Only its presence is read."""


class ContainerPort(_Wire, frozen=True):
    container_port: int = 0
    protocol: str | None = None


class VolumeMount(_Wire, frozen=True):
    name: str = ""
    read_only: bool | None = None
    mount_path: str = ""


class VolumeDevice(_Wire, frozen=True):
    device_path: str = ""


class Source(_Wire, frozen=True):
    """Any volume source: only its presence is read."""


class Volume(_Wire, frozen=True):
    name: str = ""
    empty_dir: Source | None = None
    downward_api: Source | None = msgspec.field(default=None, name="downwardAPI")


class Container(_Wire, frozen=True):
    """A regular, init or ephemeral container."""

    name: str = ""
    ports: tuple[ContainerPort, ...] | None = None
    env_from: tuple[EnvFrom, ...] | None = None
    env: tuple[EnvVar, ...] | None = None
    resources: Resources | None = None
    volume_mounts: tuple[VolumeMount, ...] | None = None
    volume_devices: tuple[VolumeDevice, ...] | None = None
    target_container_name: str | None = None


class OS(_Wire, frozen=True):
    name: str = ""


class PodSpec(_Wire, frozen=True):
    volumes: tuple[Volume, ...] | None = None
    init_containers: tuple[Container, ...] | None = None
    containers: tuple[Container, ...] | None = None
    ephemeral_containers: tuple[Container, ...] | None = None
    node_selector: dict[str, str] | None = None
    service_account_name: str | None = None
    host_network: bool | None = None
    os: OS | None = None
    resources: Resources | None = None


class Metadata(_Wire, frozen=True):
    name: str | None = None
    namespace: str | None = None
    deletion_timestamp: str | None = None
    annotations: dict[str, str] | None = None


class Pod(_Wire, frozen=True):
    metadata: Metadata | None = None
    spec: PodSpec | None = None
