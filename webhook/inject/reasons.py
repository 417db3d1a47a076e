"""Why something was done or not done: one enumeration for the log field, metric label, audit annotation and `explain`.

Rule: a decision never ends in silence. Whatever is added, kept, left out or refused carries one of these codes.
Strategy: a code for machines beside a sentence for people; docs/reasons.md is generated from this table.

What becomes of a whole pod (the first row that is true):

    a pod? created, or given an ephemeral container?      no   not-a-pod, operation-not-covered
    mirror pod, being deleted                             yes  mirror-pod, being-deleted
    podmeta/inject "false"                                yes  opted-out
    podmeta/inject absent, and the namespace does not ask yes  not-asked
    any problem in an annotation                          yes  invalid (denied, or admitted unchanged with warnings)
    something to add                                      yes  injected
                                                          no   nothing-to-add
"""

from enum import Enum
from typing import Self


class Reason(str, Enum):  # noqa: UP042 - StrEnum takes no second value
    """`.value` is the code, `.sentence` what a person reads."""

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member

    def __str__(self) -> str:
        return str.__str__(self)

    @property
    def anchor(self) -> str:
        """Where the documentation explains it."""
        return f"docs/reasons.md#{self}"

    # the whole pod
    INJECTED = "injected", "the pod asked, and got what it asked for"
    NOTHING_TO_ADD = "nothing-to-add", "everything that was asked for is there already, or nothing was asked for"
    NOT_ASKED = "not-asked", 'the pod has no annotation podmeta/inject: "true", and its namespace does not ask for it'
    OPTED_OUT = "opted-out", 'the pod has the annotation podmeta/inject: "false"'
    MIRROR_POD = "mirror-pod", "a mirror pod only shows a static pod of a kubelet, which cannot be changed by the API"
    BEING_DELETED = "being-deleted", "the pod is being deleted"
    NOT_A_POD = "not-a-pod", "only pods are injected"
    OPERATION = "operation-not-covered", "only CREATE of pods and UPDATE of pods/ephemeralcontainers are injected"
    INVALID = "invalid", "an annotation is malformed or asks for the impossible"

    # one item: it was injected, with something to know
    NODE_ALLOCATABLE = "node-allocatable", "no limit is declared, so the kubelet reports what the node can allocate"
    POD_LIMIT = "pod-level-limit", "the container declares no limit, so the kubelet reports the pod's"
    REQUEST_ZERO = "request-zero", "no request is declared, so the kubelet reports 0"
    ENV_FROM = "env-from-hidden", "env wins over envFrom, so a key of that name in the ConfigMap or Secret is hidden"

    # the pod's ServiceAccount: asked of the API server, where the installer wants it
    CANNOT_LIST = (
        "cannot-list-pods",
        "the ServiceAccount may not list pods here, so its ambassador gets 403; `podmeta rbac` prints the Role to add",
    )

    # one item: left as it is
    ENV_KEPT = "env-kept", "the container defines the variable itself"
    MOUNT_KEPT = "mount-path-taken", "the container has a mount of its own at, below or above that path"
    VOLUME_KEPT = "volume-name-taken", "the pod has another volume of that name"
    CONTAINER_KEPT = "container-name-taken", "the pod has another container of that name"
    LIMIT_MISSING = "limit-not-declared", "a preset is injected only where the container declares that limit"
    NOT_SELECTED = "container-not-selected", "podmeta/containers or podmeta/skip-containers leaves the container out"
    TOPOLOGY = "topology-labels-missing", "Kubernetes copies a node's topology labels onto its pods from 1.35 on"
    HOST_NETWORK = "host-network", "with hostNetwork the ambassador would open the pod's API identity to the whole node"
    PORT_TAKEN = "port-taken", "another container of the pod declares the ambassador's port"
    WINDOWS = "windows", "the ambassador is a Linux container and cannot run in a Windows pod"
    NO_VOLUME = "no-volume", "the kubeconfig is a file of the volume, and the container does not get that volume"
    EPHEMERAL = "ephemeral-container", "a running pod can take no new volume or container"

    # one annotation: refused
    UNKNOWN_KEY = "unknown-annotation", "no such annotation"
    BAD_STATUS = "bad-status", "podmeta/status is written by the webhook, and this is not what it writes"
    BAD_BOOLEAN = "bad-boolean", "not a boolean"
    BAD_CHOICE = "bad-choice", "not one of the choices"
    BAD_PORT = "bad-port", "not a port"
    BAD_PATH = "bad-path", "not a path that can be mounted"
    BAD_FILE = "bad-file", "not a file name inside the volume"
    BAD_ENV_NAME = "bad-env-name", "not the name of an environment variable"
    BAD_LIST = "bad-list", "not a comma list of the accepted form"
    UNKNOWN_VARIABLE = "unknown-variable", "no such variable in the catalogue"
    UNKNOWN_SELECTOR = "unknown-selector", "not a Downward API reference"
    SELECTOR_PLACE = "selector-not-here", "a Downward API reference that Kubernetes does not allow at this place"
    BAD_DIVISOR = "bad-divisor", "not a divisor of that resource"
    DUPLICATE = "duplicate-name", "the name stands there twice"
    UNKNOWN_CONTAINER = "unknown-container", "no such container in the pod"
    CONFLICT = "conflict", "two annotations of the pod contradict each other"
