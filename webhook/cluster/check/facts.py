"""What the check has seen, as frozen values.

Rule: a fact is what was read, never a judgement of it. What is not there is ABSENT, what could not be looked at is
      UNREAD, and why it could not stands in `unread`: nothing is judged that nobody has seen.
Strategy: of each object only what a rule needs; the models of the API end where these begin (looks/).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, StrEnum

import msgspec
from cryptography import x509

from certs import Bundle, Unreadable

DOORS = ("pod.inject.podmeta", "namespace.inject.podmeta")  # the chart fixes the names of the webhooks
LABEL = "podmeta/inject"  # of a namespace; its value is `enabled`
SELF_MANAGED = "self-managed"


class Fact(msgspec.Struct, frozen=True, rename="camel"):
    """Immutable; camelCase in JSON."""


class Gap(Enum):
    """In the place of a fact that there is none of."""

    ABSENT = "absent"
    UNREAD = "unread"


class Unread(Fact, frozen=True):
    """`needed`: without it the check has not answered its question."""

    what: str
    why: str
    needed: bool


class Requirement(Fact, frozen=True):
    """One of matchExpressions."""

    key: str
    operator: str
    values: tuple[str, ...]

    def holds(self, labels: Mapping[str, str]) -> bool:
        """As Kubernetes has it: what is not there is NotIn everything."""
        match self.operator:
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels
            case "In":
                return labels.get(self.key) in self.values
            case _:
                return labels.get(self.key) not in self.values


class Selector(Fact, frozen=True):
    """A LabelSelector; an empty one selects everything."""

    match_labels: tuple[tuple[str, str], ...] = ()
    match_expressions: tuple[Requirement, ...] = ()

    def selects(self, labels: Mapping[str, str]) -> bool:
        return set(self.match_labels) <= set(labels.items()) and all(
            one.holds(labels) for one in self.match_expressions
        )


class Target(Fact, frozen=True):
    """The Service of a webhook, and the name under which the API server calls it."""

    namespace: str
    name: str
    port: int

    @property
    def host(self) -> str:
        return f"{self.name}.{self.namespace}.svc"

    def __str__(self) -> str:
        return f"Service {self.namespace}/{self.name}"


class Webhook(Fact, frozen=True):
    """One webhook that is called for pods. `match_conditions`: their expressions."""

    configuration: str
    name: str
    mutating: bool
    namespace_selector: Selector = Selector()
    match_conditions: tuple[str, ...] = ()
    failure_policy: str = "Fail"
    reinvocation_policy: str = "Never"
    timeout_seconds: int = 10
    ca_bundle: Bundle | Unreadable = msgspec.field(default_factory=Bundle)
    target: Target | None = None

    def __str__(self) -> str:
        return f"{'Mutating' if self.mutating else 'Validating'}WebhookConfiguration {self.configuration}"


class Served(Fact, frozen=True):
    """What a replica shows in a TLS handshake. `trusted`: by the caBundle, all other things aside."""

    leaf: x509.Certificate
    trusted: bool


class Replica(Fact, frozen=True):
    """A pod behind the Service. `reason`: why it is not ready. `served`: a sentence where the handshake failed."""

    name: str
    reason: str = ""
    served: Served | str | Gap = Gap.UNREAD


class Deployment(Fact, frozen=True):
    """The service's Deployment. `settings`: the environment of its container."""

    name: str
    wanted: int
    ready: int
    account: str
    settings: Mapping[str, str]

    @property
    def self_managed(self) -> bool:
        return self.settings.get("PODMETA_CERTIFICATES") == SELF_MANAGED


class Right(Fact, frozen=True):
    """What somebody may do, as RBAC words it."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    @property
    def kind(self) -> str:
        """As kubectl spells it: the resource, and the group that it is of."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    def __str__(self) -> str:
        what = f"{self.verb} {self.resource}" + (f"/{self.name}" if self.name else "")
        return what + (f" in {self.namespace}" if self.namespace else "")


class Service(Fact, frozen=True):
    """What answers behind a Target. `endpoints`: how many are ready. `lacking`: rights that its account needs."""

    target: Target
    selects_pods: bool = True
    endpoints: int | Gap = Gap.UNREAD
    replicas: tuple[Replica, ...] = ()
    deployment: Deployment | Gap = Gap.UNREAD
    budgeted: bool | Gap = Gap.UNREAD
    lacking: tuple[Right, ...] = ()


class Namespace(Fact, frozen=True):
    """The namespace that the user asks about."""

    name: str
    labels: Mapping[str, str] | Gap

    @property
    def asks(self) -> bool:
        return not isinstance(self.labels, Gap) and self.labels.get(LABEL) == "enabled"

    def __str__(self) -> str:
        return f"Namespace {self.name}"


class Account(Fact, frozen=True):
    """A ServiceAccount whose pods have an ambassador: what it may do in its namespace."""

    namespace: str
    name: str
    exists: bool | Gap
    lists_pods: bool | Gap
    does_everything: bool | Gap

    def __str__(self) -> str:
        return f"ServiceAccount {self.namespace}/{self.name}"


class Ask(StrEnum):
    """What a pod of a trial asks for."""

    DECLINES = "declines"
    SILENT = "silent"
    ASKS = "asks"
    AMBASSADOR = "ambassador"


class Admitted(Fact, frozen=True):
    """`injected`: there is a podmeta/status. `missing`: what it names and the pod does not have."""

    injected: bool
    missing: tuple[str, ...] = ()


class Refused(Fact, frozen=True):
    """The API server's sentence."""

    message: str


Outcome = Admitted | Refused


class Facts(Fact, frozen=True):
    """All of it. `minor`: of Kubernetes 1.MINOR. `services`: of our webhooks, each once.

    `wanted`: the configuration that the user names, "" for none.
    """

    now: datetime
    minor: int
    namespace: Namespace
    webhooks: tuple[Webhook, ...] | Gap
    others: tuple[Webhook, ...] = ()
    services: tuple[Service, ...] = ()
    missing_services: tuple[Target, ...] = ()
    trials: Mapping[Ask, Outcome] | Gap = Gap.UNREAD
    account: Account | None = None
    unread: tuple[Unread, ...] = ()
    wanted: str = ""

    @property
    def ours(self) -> tuple[Webhook, ...]:
        return () if isinstance(self.webhooks, Gap) else self.webhooks

    def service(self, webhook: Webhook) -> Service | None:
        return next((one for one in self.services if one.target == webhook.target), None)

    def self_managed(self, webhook: Webhook) -> bool:
        """Whether the service itself renews the certificates of this webhook."""
        service = self.service(webhook)
        return bool(service and isinstance(service.deployment, Deployment) and service.deployment.self_managed)
