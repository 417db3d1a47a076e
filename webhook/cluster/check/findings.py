"""Findings: everything that `podmeta check` can say, one code a row.

Rule: error: pods that ask are refused or go without; warning: they will, or somewhere they do; note: worth knowing.
Strategy: what it means and what to do stand beside the code; docs/check.md is generated from this table.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Self


class Severity(StrEnum):
    """From the worst on."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE


class Code(str, Enum):  # noqa: UP042 - StrEnum takes no further values
    """`.value` is the code, `.means` what it means, `.mend` what to do."""

    severity: Severity
    means: str
    mend: str

    def __new__(cls, code: str, severity: Severity, means: str, mend: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.severity, member.means, member.mend = severity, means, mend
        return member

    def __str__(self) -> str:
        return str.__str__(self)

    @property
    def anchor(self) -> str:
        """Where the documentation explains it."""
        return f"docs/check.md#{self}"

    # A row is three lines: the code, what it means, what to do.
    # fmt: off

    # what the check itself could not do
    UNREAD = ("not-looked-at", _W,
        "the user of the kubeconfig may not look there, so nothing is said about it",
        "run the check as a user who may, such as a cluster administrator")
    UNSEEN = ("not-seen", _N,
        "it could not be looked at; what depends on it is judged by the other looks alone",
        "nothing, or run the check as a user who may look there")

    # the cluster
    CLUSTER_OLD = ("no-native-sidecars", _W,
        "below Kubernetes 1.29 a Job with an ambassador does not complete, and no init container can use one",
        "upgrade the cluster, or ask for no ambassador in Jobs")
    VERSION_SETTING = ("other-kubernetes-version", _N,
        "the service was told of another version of Kubernetes than the one that runs",
        "helm upgrade, so that the chart looks again; or the chart value kubernetesVersion")

    # the webhook configuration
    NOT_INSTALLED = ("not-installed", _E,
        "the API server asks nobody about pods: there is no MutatingWebhookConfiguration of podmeta",
        "helm install")
    SEVERAL = ("several-installations", _W,
        "every pod that asks is sent to each of them",
        "uninstall all but one, or name the one that is meant: --configuration")
    DOOR_MISSING = ("webhook-missing", _W,
        "pods that ask, or those of namespaces that ask, are not sent to the service",
        "helm upgrade, which puts the webhook back")
    CA_EMPTY = ("ca-bundle-empty", _E,
        "the API server was told no CA, and those of its own system did not issue the certificate",
        "see why nobody writes it: the log and the rights of the service, or of cert-manager's cainjector")
    CA_UNREADABLE = ("ca-bundle-unreadable", _E,
        "the API server cannot verify any certificate: the caBundle is not PEM",
        "take it out with kubectl edit: the service, or cert-manager, writes it again")
    CA_DIFFER = ("ca-bundles-differ", _W,
        "the webhooks of one configuration trust different CAs",
        "see who writes them: kubectl get --show-managed-fields, and the log of the service")
    CA_EXPIRED = ("ca-expired", _E,
        "no CA of the caBundle is valid now",
        "see why it is not renewed: the log and the rights of the service; or renew your own")
    CA_LEFTOVER = ("ca-bundle-has-expired-ca", _N,
        "a CA beside the valid one is not valid; it does no harm",
        "nothing: it goes with the next renewal")
    IGNORE = ("failure-policy-ignore", _N,
        "while the service does not answer, pods that ask run without what they asked for",
        "nothing, if that is meant; else the chart value webhook.failurePolicy: Fail")
    NEVER_REINVOKED = ("never-reinvoked", _W,
        "a container that a later webhook adds gets nothing",
        "reinvocationPolicy: IfNeeded, as the chart has it")
    CONDITIONS = ("no-match-conditions", _W,
        "every pod is sent to the service, also one that did not ask",
        "matchConditions, as the chart has them (from Kubernetes 1.30 on)")
    SYSTEM_REACHED = ("system-namespaces-not-excluded", _W,
        "pods of the system, or of the service itself, may wait for the service: a cluster may not come up again",
        "a namespaceSelector, as the chart has it")
    TIMEOUT = ("timeout-beyond-grace", _W,
        "a replica that ends does not answer for as long as the API server waits: reviews are lost",
        "the setting shutdown_grace, at least timeoutSeconds")

    # the service
    SERVICE_MISSING = ("service-missing", _E,
        "the Service that the API server is to call does not exist",
        "helm upgrade, which puts it back")
    ELSEWHERE = ("service-elsewhere", _N,
        "the Service selects no pods, so what is behind it is not looked at",
        "nothing, if that is meant")
    NO_ENDPOINT = ("no-endpoint-ready", _E,
        "nobody answers: pods that ask are refused (failurePolicy Fail) or run without it (Ignore)",
        "see the replicas: kubectl get pods, kubectl logs")
    REPLICAS = ("replicas-not-ready", _W,
        "fewer replicas answer than there should be",
        "see the replicas: kubectl get pods, kubectl logs")
    POD_UNREADY = ("pod-not-ready", _W, "this replica gets no reviews", "what the reason says; then kubectl logs")
    ONE_REPLICA = ("one-replica", _N,
        "whenever its node is drained nobody answers for a moment",
        "the chart value replicas: 2")
    NO_BUDGET = ("no-disruption-budget", _N,
        "a drain may evict all replicas at once",
        "the chart value podDisruptionBudget.enabled: true")
    SERVICE_RIGHTS = ("service-rights-missing", _E,
        "the service can no longer renew its certificates, or write the caBundle",
        "helm upgrade, which puts Role and ClusterRole back")

    # the certificate that is served
    NO_HANDSHAKE = ("no-handshake", _E,
        "the replica speaks no TLS at the port that the API server calls",
        "see its log: kubectl logs")
    EXPIRED = ("certificate-expired", _E,
        "the API server refuses the certificate: it has expired, or is not valid yet",
        "see why it is not renewed: the log of the service, the clock of its node; or renew your own")
    NAMES = ("certificate-for-another-name", _E,
        "the API server refuses the certificate: it is not for the Service's name",
        "a certificate for NAME.NAMESPACE.svc")
    UNTRUSTED = ("certificate-not-trusted", _E,
        "the API server refuses the certificate: no CA of the caBundle issued it",
        "see why the service does not write the caBundle (its log, its rights), or who else does")
    USAGE = ("certificate-not-for-servers", _E,
        "the API server refuses the certificate: its extendedKeyUsage lacks serverAuth",
        "a certificate for servers")
    LATE = ("renewal-late", _W,
        "more than two thirds of its life are over, and the service has not renewed it",
        "see why: the log and the rights of the service")
    LAST_THIRD = ("last-third-of-life", _N,
        "more than two thirds of its life are over; whoever issues it has to renew it",
        "see to it that somebody does")

    # a pod, as a server-side dry run
    NOT_INJECTED = ("not-injected", _E,
        "a pod that asks comes out as it was",
        "what the other findings say; with failurePolicy Ignore only the log of kube-apiserver has the cause")
    STRIPPED = ("stripped", _E,
        "another webhook takes out, or replaces, what podmeta added",
        "let that webhook pass over the pods that ask, or tell its owner")
    TOUCHED = ("injected-without-asking", _E,
        "a pod that did not ask was injected",
        "matchConditions, as the chart has them")
    REACHED = ("reached-without-asking", _E,
        "a pod that did not ask is refused because the service does not answer",
        "matchConditions, as the chart has them")
    NO_ANSWER = ("no-answer", _E,
        "the API server gets no answer that it can use",
        "see the replicas, and what is between them and the API server: NetworkPolicy, firewall (port 10250)")
    OTHER_REFUSES = ("other-webhook-refuses", _E,
        "another webhook does not let the pod in, or does not answer",
        "what it says; its owner knows more")
    ASKING_REFUSED = ("asking-pod-refused", _E,
        "the same pod is let in when it does not ask",
        "what the API server says")
    AMBASSADOR_REFUSED = ("ambassador-refused", _W,
        "the same pod is let in without an ambassador",
        "what the API server says: the quota or the LimitRange; or the chart value ambassador.resources")
    PODS_REFUSED = ("pods-refused", _W,
        "even a pod that asks for nothing is refused, so nothing is known of those that ask",
        "what the API server says")

    # the namespace
    NAMESPACE_MISSING = ("namespace-missing", _E, "there is no such namespace", "--namespace with one that exists")
    EXCLUDED = ("namespace-excluded", _W,
        "pods of this namespace are never injected, whatever they ask for",
        "another namespace; or the chart values webhook.excludedNamespaces, webhook.systemNamespaces")
    NAMESPACE_LABEL = ("namespace-label-unknown", _W,
        "the label says nothing to podmeta, so the namespace does not ask",
        "kubectl label namespace NAME podmeta/inject=enabled --overwrite, or take it away")
    LATER = ("mutating-webhooks-after-ours", _N,
        "they see a pod after podmeta, and may change what it added",
        "nothing; stripped would say that one does")
    VALIDATING = ("validating-webhooks", _N, "they have the last word about a pod", "nothing")

    # the ServiceAccount of a pod with an ambassador
    ACCOUNT_MISSING = ("serviceaccount-missing", _E, "a pod that names it is refused", "kubectl create serviceaccount")
    ACCOUNT_RIGHTS = ("ambassador-without-rights", _W,
        "through the ambassador its pods get 403 where they list pods",
        "the least Role, by: podmeta rbac")
    ACCOUNT_EVERYTHING = ("ambassador-with-all-rights", _W,
        "whoever reaches localhost in one of its pods may do everything in the namespace",
        "the least Role instead, by: podmeta rbac")
    # fmt: on


@dataclass(frozen=True)
class Finding:
    """`where`: the object, `what`: what was seen there."""

    code: Code
    where: str
    what: str

    @property
    def severity(self) -> Severity:
        return self.code.severity


def worst_first(findings: list[Finding]) -> tuple[Finding, ...]:
    """In the order of severity, else as they were found, each once."""
    order = list(Severity)
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: order.index(finding.severity)))


def clean(findings: tuple[Finding, ...]) -> bool:
    """Whether there is nothing to do."""
    return all(finding.severity is Severity.NOTE for finding in findings)
