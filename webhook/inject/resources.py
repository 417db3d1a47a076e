"""The resources of the Kubernetes API: group, scope and verbs of each, as RBAC spells them.

Rule: what Kubernetes itself serves is in the tables, word for word as its discovery has it (a test compares); whatever
      else exists is known by its group alone, and has to be written with it.
Strategy: most resources have all verbs, so the tables hold names by group, and the verbs of those that have fewer.
Source: https://kubernetes.io/docs/reference/kubernetes-api/, and /api and /apis of a kube-apiserver 1.36
"""

import re

import msgspec

READING = ("get", "list", "watch")
USUAL = (*READING, "create", "update", "patch", "delete", "deletecollection")

NAMESPACED = {
    "": "bindings configmaps endpoints events limitranges persistentvolumeclaims pods podtemplates "
    "replicationcontrollers resourcequotas secrets serviceaccounts services",
    "apps": "controllerrevisions daemonsets deployments replicasets statefulsets",
    "authorization.k8s.io": "localsubjectaccessreviews",
    "autoscaling": "horizontalpodautoscalers",
    "batch": "cronjobs jobs",
    "coordination.k8s.io": "leases",
    "discovery.k8s.io": "endpointslices",
    "events.k8s.io": "events",
    "networking.k8s.io": "ingresses networkpolicies",
    "policy": "poddisruptionbudgets",
    "rbac.authorization.k8s.io": "rolebindings roles",
    "resource.k8s.io": "resourceclaims resourceclaimtemplates",
    "storage.k8s.io": "csistoragecapacities",
}
CLUSTER = {
    "": "componentstatuses namespaces nodes persistentvolumes",
    "admissionregistration.k8s.io": "mutatingadmissionpolicies mutatingadmissionpolicybindings "
    "mutatingwebhookconfigurations validatingadmissionpolicies validatingadmissionpolicybindings "
    "validatingwebhookconfigurations",
    "apiextensions.k8s.io": "customresourcedefinitions",
    "apiregistration.k8s.io": "apiservices",
    "authentication.k8s.io": "selfsubjectreviews tokenreviews",
    "authorization.k8s.io": "selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews",
    "certificates.k8s.io": "certificatesigningrequests",
    "flowcontrol.apiserver.k8s.io": "flowschemas prioritylevelconfigurations",
    "networking.k8s.io": "ingressclasses ipaddresses servicecidrs",
    "node.k8s.io": "runtimeclasses",
    "rbac.authorization.k8s.io": "clusterrolebindings clusterroles",
    "resource.k8s.io": "deviceclasses resourceslices",
    "scheduling.k8s.io": "priorityclasses",
    "storage.k8s.io": "csidrivers csinodes storageclasses volumeattachments volumeattributesclasses",
}
FEWER = {
    **dict.fromkeys(("bindings", "localsubjectaccessreviews", "selfsubjectaccessreviews"), "create"),
    **dict.fromkeys(("selfsubjectreviews", "selfsubjectrulesreviews", "subjectaccessreviews"), "create"),
    "tokenreviews": "create",
    "componentstatuses": "get list",
    "namespaces": "get list watch create update patch delete",
}
# Verbs that no client sends, but that the API server asks RBAC about:
# https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
MORE = {
    "clusterroles": "bind escalate",
    "roles": "bind escalate",
    "serviceaccounts": "impersonate",
}
_PART, _STREAM, _PROXY = "get update patch", "get create", "get create update patch delete"
_WITH_STATUS = (
    "apiservices certificatesigningrequests cronjobs customresourcedefinitions daemonsets deployments flowschemas "
    "horizontalpodautoscalers ingresses jobs namespaces nodes persistentvolumeclaims persistentvolumes "
    "poddisruptionbudgets pods prioritylevelconfigurations replicasets replicationcontrollers resourceclaims "
    "resourcequotas servicecidrs services statefulsets validatingadmissionpolicies volumeattachments"
)
SUBRESOURCES = {
    "certificatesigningrequests/approval": _PART,
    "namespaces/finalize": "update",
    "nodes/proxy": _PROXY,
    "pods/attach": _STREAM,
    "pods/binding": "create",
    "pods/ephemeralcontainers": _PART,
    "pods/eviction": "create",
    "pods/exec": _STREAM,
    "pods/log": "get",
    "pods/portforward": _STREAM,
    "pods/proxy": _PROXY,
    "pods/resize": _PART,
    "serviceaccounts/token": "create",
    "services/proxy": _PROXY,
    **{f"{name}/scale": _PART for name in ("deployments", "replicasets", "replicationcontrollers", "statefulsets")},
    **{f"{name}/status": _PART for name in _WITH_STATUS.split()},
}
_DNS = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_QUALIFIED = re.compile(rf"({_DNS})\.({_DNS}(?:\.{_DNS})*)")


class Resource(msgspec.Struct, frozen=True):
    """A resource or one of its subresources. `ours`: one of Kubernetes' own, so that scope and verbs are known."""

    group: str
    name: str
    subresource: str = ""
    namespaced: bool = True
    verbs: tuple[str, ...] = USUAL
    ours: bool = True

    def __str__(self) -> str:
        return f"{self.name}/{self.subresource}" if self.subresource else self.name

    def part(self, subresource: str) -> "Resource | None":
        """One of its subresources; None if it has none of that name. A custom resource can have two."""
        if self.ours:
            verbs = SUBRESOURCES.get(f"{self.name}/{subresource}")
        else:
            verbs = _PART if subresource in ("scale", "status") else None
        return msgspec.structs.replace(self, subresource=subresource, verbs=tuple(verbs.split())) if verbs else None


def _row(group: str, name: str, *, namespaced: bool) -> Resource:
    verbs = (*FEWER.get(name, " ".join(USUAL)).split(), *MORE.get(name, "").split())
    return Resource(group, name, namespaced=namespaced, verbs=verbs)


RESOURCES = tuple(
    _row(group, name, namespaced=namespaced)
    for table, namespaced in ((NAMESPACED, True), (CLUSTER, False))
    for group, names in table.items()
    for name in names.split()
)
_QUALIFIED_NAMES = {f"{row.name}.{row.group}": row for row in RESOURCES if row.group}
# Of the two `events` the core group's has the name to itself, as in kubectl: the first row counts.
NAMES = {row.name: row for row in reversed(RESOURCES)}


def resource(text: str) -> Resource | None:
    """`jobs` or `jobs.batch`, `certificates.cert-manager.io`; None for a name alone that Kubernetes does not have."""
    if found := NAMES.get(text) or _QUALIFIED_NAMES.get(text):
        return found
    match = _QUALIFIED.fullmatch(text)
    return Resource(match[2], match[1], ours=False) if match else None
