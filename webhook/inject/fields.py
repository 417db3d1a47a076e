"""What the Downward API offers: selectors, where each is legal, and the catalogue of variables and files.

Rule: whether a selector may stand in an env or in a volume is Kubernetes' decision; it is written down here once.
Strategy: tables. The parser, the error sentences, the documentation and the tests read them; a new field of
      Kubernetes is one new row.
Source: `validEnvDownwardAPIFieldPathExpressions`, `validVolumeDownwardAPIFieldPathExpressions` and the divisor sets of
      pkg/apis/core/validation/validation.go, Kubernetes 1.36.
"""

import re
from enum import Flag, auto
from typing import Any, NamedTuple

import msgspec

from webhook.inject.reasons import Reason


class Place(Flag):
    """Where a selector may stand."""

    ENV = auto()
    VOLUME = auto()


BOTH = Place.ENV | Place.VOLUME

FIELDS: dict[str, Place] = {
    "metadata.name": BOTH,
    "metadata.namespace": BOTH,
    "metadata.uid": BOTH,
    "metadata.labels": Place.VOLUME,
    "metadata.annotations": Place.VOLUME,
    "spec.nodeName": Place.ENV,
    "spec.serviceAccountName": Place.ENV,
    "status.hostIP": Place.ENV,
    "status.hostIPs": Place.ENV,
    "status.podIP": Place.ENV,
    "status.podIPs": Place.ENV,
}
SUBSCRIPTED = ("metadata.labels", "metadata.annotations")  # legal in both places with ['KEY']

_BYTES = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
DIVISORS: dict[str, tuple[str, ...]] = {
    "cpu": ("1m", "1"),
    "memory": _BYTES,
    "ephemeral-storage": _BYTES,
    "hugepages-": _BYTES,  # a prefix: hugepages-2Mi
}


class FieldRef(msgspec.Struct, frozen=True):
    """fieldRef: a field of the pod."""

    path: str
    places: Place

    def to_json(self, container: str | None = None) -> dict[str, Any]:  # noqa: ARG002 - the same call for both kinds
        return {"fieldRef": {"fieldPath": self.path}}

    def __str__(self) -> str:
        return self.path


class ResourceFieldRef(msgspec.Struct, frozen=True):
    """resourceFieldRef: a request or limit of one container."""

    resource: str
    divisor: str
    places: Place = BOTH

    def to_json(self, container: str | None = None) -> dict[str, Any]:
        """In a volume the container must be named; in an env it is the container itself unless another is named."""
        named = {"containerName": container} if container else {}
        return {"resourceFieldRef": {**named, "resource": self.resource, "divisor": self.divisor}}

    def __str__(self) -> str:
        return f"{self.resource}:{self.divisor}"


class Literal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value that is known at admission; `{container}` in it stands for the container's name, unless it is `verbatim`.

    It is part of what podmeta/status has a hash of; there the default is left out.
    """

    text: str
    verbatim: bool = False

    def __str__(self) -> str:
        return repr(self.text)


Selector = FieldRef | ResourceFieldRef
Source = FieldRef | ResourceFieldRef | Literal


class Fault(NamedTuple):
    """What is wrong with one piece of a value: the piece, and what would be accepted."""

    reason: Reason
    got: str
    accepted: str


class Variable(msgspec.Struct, frozen=True):
    """An environment variable that can be injected.

    `needs`: only into containers that declare that limit. `since`: the first Kubernetes minor (1.x) that has the data.
    `fixed`: the name is read by somebody else's program, so podmeta/env-prefix is not put before it.
    """

    name: str
    source: Source
    needs: str | None = None
    since: int = 0
    fixed: bool = False


def _field(name: str, path: str, since: int = 0) -> Variable:
    places = BOTH if path.endswith("']") else FIELDS[path]
    return Variable(name, FieldRef(path, places), since=since)


def _resource(name: str, resource: str, divisor: str) -> Variable:
    return Variable(name, ResourceFieldRef(resource, divisor))


STANDARD: tuple[Variable, ...] = (
    _field("POD_NAME", "metadata.name"),
    _field("POD_NAMESPACE", "metadata.namespace"),
    _field("POD_IP", "status.podIP"),
    _field("NODE_NAME", "spec.nodeName"),
    _field("SERVICE_ACCOUNT", "spec.serviceAccountName"),
    _resource("CONTAINER_CPU_REQUEST_MILLICORES", "requests.cpu", "1m"),
    _resource("CONTAINER_MEMORY_LIMIT_KIBIBYTES", "limits.memory", "1Ki"),
)
# KEP-4742: the admission plugin PodTopologyLabels is on by default from Kubernetes 1.35.
TOPOLOGY_SINCE = 35
ALL: tuple[Variable, ...] = (
    *STANDARD,
    _field("POD_UID", "metadata.uid"),
    _field("POD_IPS", "status.podIPs"),
    _field("HOST_IP", "status.hostIP"),
    _field("HOST_IPS", "status.hostIPs"),
    Variable("CONTAINER_NAME", Literal("{container}")),
    _resource("CONTAINER_CPU_LIMIT_MILLICORES", "limits.cpu", "1m"),
    _resource("CONTAINER_MEMORY_REQUEST_KIBIBYTES", "requests.memory", "1Ki"),
    _resource("CONTAINER_EPHEMERAL_STORAGE_REQUEST_MEBIBYTES", "requests.ephemeral-storage", "1Mi"),
    _resource("CONTAINER_EPHEMERAL_STORAGE_LIMIT_MEBIBYTES", "limits.ephemeral-storage", "1Mi"),
    _field("NODE_ZONE", "metadata.labels['topology.kubernetes.io/zone']", TOPOLOGY_SINCE),
    _field("NODE_REGION", "metadata.labels['topology.kubernetes.io/region']", TOPOLOGY_SINCE),
)
CATALOGUE: dict[str, Variable] = {variable.name: variable for variable in ALL}
PRESETS: dict[str, tuple[Variable, ...]] = {
    "standard": STANDARD,
    "all": ALL,
    "none": (),
    # https://pkg.go.dev/runtime: GOMAXPROCS is a whole number of processors, GOMEMLIMIT a number of bytes.
    "go": (
        Variable("GOMAXPROCS", ResourceFieldRef("limits.cpu", "1"), needs="cpu", fixed=True),
        Variable("GOMEMLIMIT", ResourceFieldRef("limits.memory", "1"), needs="memory", fixed=True),
    ),
    # A JVM reads its container's limits by itself, but uses a quarter of the memory; docs/decisions/0008.
    "jvm": (Variable("JAVA_TOOL_OPTIONS", Literal("-XX:MaxRAMPercentage=75.0"), needs="memory", fixed=True),),
}


class File(msgspec.Struct, frozen=True):
    """A file of the volume: `path` inside it, and what it holds."""

    path: str
    selector: Selector


FILES: tuple[File, ...] = (
    File("podName", FieldRef("metadata.name", BOTH)),
    File("podNamespace", FieldRef("metadata.namespace", BOTH)),
    File("podUid", FieldRef("metadata.uid", BOTH)),
    File("labels", FieldRef("metadata.labels", Place.VOLUME)),
    File("annotations", FieldRef("metadata.annotations", Place.VOLUME)),
    File("containerCpuRequestMilliCores", ResourceFieldRef("requests.cpu", "1m")),
    File("containerMemoryLimitBytes", ResourceFieldRef("limits.memory", "1")),
)

_SUBSCRIPT = re.compile(r"([^\[\]]+)\['([^']*)'\]")
_RESOURCE = re.compile(r"(limits|requests)\.([A-Za-z0-9.-]+)(?::(.*))?")
# A qualified name: an optional DNS prefix and at most 63 characters (apimachinery, IsQualifiedName).
_DNS = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_QUALIFIED = re.compile(rf"(?:(?=[^/]{{1,253}}/){_DNS}/)?(?=[^/]{{1,63}}$)[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_FORMS = "metadata.labels['KEY'], metadata.annotations['KEY'], limits.RESOURCE[:DIVISOR], requests.RESOURCE[:DIVISOR]"


def legal(place: Place) -> str:
    """A sentence of every selector that is legal there."""
    return ", ".join([path for path, places in FIELDS.items() if place in places] + [_FORMS])


def parse_selector(text: str, place: Place) -> Selector | Fault:
    """A SELECTOR as Kubernetes spells it, with an optional divisor, for use at `place`."""
    if match := _SUBSCRIPT.fullmatch(text):
        return _subscripted(text, match[1], match[2])
    if match := _RESOURCE.fullmatch(text):
        return _resource_ref(text, f"{match[1]}.{match[2]}", match[2], match[3])
    places = FIELDS.get(text)
    if places is None:
        return Fault(Reason.UNKNOWN_SELECTOR, text, legal(place))
    if place not in places:
        where = {
            Place.ENV: "as a file it is legal (podmeta/volume-items)",
            Place.VOLUME: "as a variable it is legal (podmeta/env)",
        }
        return Fault(Reason.SELECTOR_PLACE, text, f"{legal(place)}; {where[place]}")
    return FieldRef(text, places)


def _subscripted(text: str, path: str, key: str) -> Selector | Fault:
    if path not in SUBSCRIPTED:
        return Fault(Reason.UNKNOWN_SELECTOR, text, "a key in brackets only behind " + " or ".join(SUBSCRIPTED))
    # The API server lower-cases an annotation's key before it checks it (validateObjectFieldSelector).
    if not _QUALIFIED.fullmatch(key.lower() if path == "metadata.annotations" else key):
        return Fault(Reason.UNKNOWN_SELECTOR, text, "a qualified name in the brackets, such as app.kubernetes.io/name")
    return FieldRef(text, BOTH)


def _resource_ref(text: str, reference: str, resource: str, divisor: str | None) -> Selector | Fault:
    family = "hugepages-" if resource.startswith("hugepages-") else resource
    divisors = DIVISORS.get(family)
    if divisors is None or resource == "hugepages-":
        names = ", ".join(f"{kind}.{name}" for kind in ("limits", "requests") for name in DIVISORS)
        return Fault(Reason.UNKNOWN_SELECTOR, text, f"{names}SIZE".replace("hugepages-,", "hugepages-SIZE,"))
    if divisor is not None and divisor not in divisors:
        return Fault(Reason.BAD_DIVISOR, text, f"a divisor of {resource}: {', '.join(divisors)}")
    return ResourceFieldRef(reference, divisor or "1")
