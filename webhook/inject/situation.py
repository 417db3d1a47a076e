"""The Situation: a Question beside what was asked for, as every injector sees it.

Rule: what two injectors need to know is worked out here, once; injectors do not ask each other.
Strategy: a frozen value with the selected containers and what is already ours, and small total questions about them.
"""

import re
from decimal import Decimal

import msgspec

from webhook.api.pod import Quantity, Resources
from webhook.inject.annotations import Options, Problem
from webhook.inject.question import Question, Target
from webhook.inject.reasons import Reason
from webhook.inject.status import Added

AMBASSADOR = "podmeta-ambassador"

# resource.Quantity: https://pkg.go.dev/k8s.io/apimachinery/pkg/api/resource#Quantity
_QUANTITY = re.compile(r"\+?([0-9]{1,18}(?:\.[0-9]{0,9})?(?:[eE][+-]?[0-9]{1,2})?)([numkMGTPE]?|[KMGTPE]i)")
_SUFFIXES = {"": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3")}
_SUFFIXES |= {name: Decimal(1000) ** power for power, name in enumerate("kMGTPE", 1)}
_SUFFIXES |= {f"{name}i": Decimal(1024) ** power for power, name in enumerate("KMGTPE", 1)}


class Defaults(msgspec.Struct, frozen=True, cache_hash=True):  # its hash is asked for at every pod
    """What the installer configured. `kubernetes`: the cluster's minor version, 36 for 1.36."""

    options: Options
    kubernetes: int = 36
    deny_invalid: bool = True
    ambassador_image: str = "registry.k8s.io/kubectl:v1.36.3"
    ambassador_user: int = 65532
    ambassador_requests: tuple[tuple[str, str], ...] = (("cpu", "10m"), ("memory", "64Mi"))
    ambassador_limits: tuple[tuple[str, str], ...] = (("cpu", "500m"), ("memory", "128Mi"))


class Note(msgspec.Struct, frozen=True):
    """Something to know about one item. `warn`: the user is told at admission."""

    item: str
    reason: Reason
    warn: bool = False


Notes = tuple[str, tuple[Note, ...]]  # of the container with that name, "" for the pod


class Situation(msgspec.Struct, frozen=True):
    """`selected`: the containers that get env and volume. `left_out`: names that the pod's own lists leave out.

    `ours`: names of those that are no user's. `running`: only an ephemeral container can be added to.
    """

    question: Question
    options: Options
    defaults: Defaults
    added: Added
    ours: frozenset[str]
    selected: tuple[Target, ...]
    left_out: tuple[str, ...]
    running: bool

    @classmethod
    def of(cls, question: Question, options: Options, defaults: Defaults, added: Added) -> "Situation":
        """Put together what the injectors need."""
        running = question.operation == "UPDATE"
        ours = frozenset([*added.containers, *([AMBASSADOR] if options.ambassador else [])])
        selected = [target for target in question.targets if target.name not in ours]
        left_out: list[str] = []
        if running:
            fresh = [t for t in selected if t.kind == "ephemeralContainers" and t.name not in question.old]
            selected = [t for t in fresh if _wanted(t.debugs or t.name, options, unnamed=not t.debugs)]
        elif options.containers or options.skip_containers:
            left_out = [t.name for t in selected if not _wanted(t.name, options)]
            selected = [t for t in selected if _wanted(t.name, options)]
        return cls(question, options, defaults, added, ours, tuple(selected), tuple(left_out), running)

    def problems(self) -> list[Problem]:
        """Names in podmeta/containers and podmeta/skip-containers that the pod does not have."""
        options = self.options
        if not options.containers and not options.skip_containers:
            return []
        lists = {"podmeta/containers": options.containers, "podmeta/skip-containers": options.skip_containers}
        names = [target.name for target in self.question.targets if target.name not in self.ours]
        return [
            Problem(Reason.UNKNOWN_CONTAINER, key, name, ", ".join(names))
            for key, listed in lists.items()
            for name in listed
            if name not in names
        ]

    def notes(self) -> list[Notes]:
        """The containers that the pod's own lists leave out."""
        return [(name, (Note("", Reason.NOT_SELECTED),)) for name in self.left_out]

    def asked(self, key: str) -> bool:
        """Whether the pod itself has the annotation `podmeta/KEY`."""
        return key.replace("-", "_") in self.options.asked

    def has(self, name: str) -> bool:
        """Whether the pod already has a container of that name."""
        return any(target.name == name for target in self.question.targets)


def declared(resources: Resources | None, kind: str, resource: str) -> bool:
    """Whether a limit or request is declared; a limit of zero is none (MergeContainerResourceLimits of the kubelet)."""
    quantity = stated(resources, kind, resource)
    if quantity is None:
        return False
    first = str(quantity)[:1]
    return "1" <= first <= "9" or amount(quantity) != 0  # what begins with such a digit is not zero, whatever follows


def stated(resources: Resources | None, kind: str, resource: str) -> Quantity | None:
    """A limit or request as it is written; `kind` is `limits` or `requests`, `resource` a field of Quantities."""
    found: Quantity | None = getattr(getattr(resources, kind, None), resource, None)
    return found


def amount(quantity: Quantity | None) -> Decimal | str:
    """A resource.Quantity as a number that can be compared: 1000m is 1; what is no quantity stays as it is written."""
    if quantity is None:
        return Decimal(0)
    match = _QUANTITY.fullmatch(str(quantity))
    return Decimal(match[1]) * _SUFFIXES[match[2]] if match else str(quantity)


def _wanted(name: str, options: Options, *, unnamed: bool = False) -> bool:
    if name in options.skip_containers:
        return False
    return not options.containers or name in options.containers or unnamed
