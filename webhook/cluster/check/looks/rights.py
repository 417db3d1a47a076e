"""Who may do what: asked of the API server, whatever authorizes there."""

from lightkube.models.authorization_v1 import (
    ResourceAttributes,
    SelfSubjectAccessReviewSpec,
    SubjectAccessReviewSpec,
)
from lightkube.resources.authorization_v1 import SelfSubjectAccessReview, SubjectAccessReview
from lightkube.resources.core_v1 import ServiceAccount

from webhook.cluster.check.facts import Account, Deployment, Gap, Right
from webhook.cluster.check.looks.access import Access

# What the check asks, and where: for docs/check.md.
PODMETA, ASKED, CLUSTER = "the namespace of podmeta", "the namespace that is asked about", "the cluster"
LOOKS = (
    (Right("list", "admissionregistration.k8s.io", "mutatingwebhookconfigurations"), CLUSTER),
    (Right("list", "admissionregistration.k8s.io", "validatingwebhookconfigurations"), CLUSTER),
    (Right("create", "authorization.k8s.io", "subjectaccessreviews"), CLUSTER),
    (Right("get", "", "namespaces"), ASKED),
    (Right("create", "", "pods"), ASKED),
    (Right("get", "", "serviceaccounts"), ASKED),
    (Right("get", "", "services"), PODMETA),
    (Right("list", "discovery.k8s.io", "endpointslices"), PODMETA),
    (Right("list", "apps", "deployments"), PODMETA),
    (Right("list", "policy", "poddisruptionbudgets"), PODMETA),
    (Right("list", "", "pods"), PODMETA),
    (Right("get", "", "pods/portforward"), PODMETA),
    (Right("create", "", "pods/portforward"), PODMETA),  # for WebSockets as well, from Kubernetes 1.35 on
    (Right("get", "", "pods/proxy"), PODMETA),
)
LIST_PODS = Right("list", "", "pods")
EVERYTHING = Right("*", "*", "*")


def lacking(access: Access, namespace: str, configuration: str, deployment: Deployment) -> tuple[Right, ...]:
    """Of what the service needs in its mode, what its ServiceAccount may not do."""
    needed = _needed(namespace, configuration, deployment)
    return tuple(right for right in needed if _may(access, namespace, deployment.account, right) is False)


def _needed(namespace: str, configuration: str, deployment: Deployment) -> list[Right]:
    """As webhook/cluster/store.py uses it."""
    found = []
    if deployment.settings.get("PODMETA_WEBHOOK_CONFIGURATION"):
        kind = ("admissionregistration.k8s.io", "mutatingwebhookconfigurations")
        found += [Right(verb, *kind, name=configuration) for verb in ("get", "list", "watch", "patch")]
    if deployment.self_managed:
        secret = deployment.settings.get("PODMETA_CA_SECRET", "")
        found += [Right(verb, "", "secrets", namespace, secret) for verb in ("get", "list", "watch", "update")]
        found.append(Right("create", "", "secrets", namespace))
        if owner := deployment.settings.get("PODMETA_OWNER"):
            found.append(Right("get", "apps", "deployments", namespace, owner))
    return found


def account(access: Access, namespace: str, name: str) -> Account:
    """What pods of that ServiceAccount may do through their ambassador."""
    where = f"ServiceAccount {namespace}/{name}"
    found = access.ask(where, lambda: access.client.get(ServiceAccount, name, namespace=namespace))
    exists = found if found is Gap.UNREAD else found is not Gap.ABSENT
    lists, everything = (
        _may(access, namespace, name, Right(right.verb, right.group, right.resource, namespace))
        for right in (LIST_PODS, EVERYTHING)
    )
    return Account(namespace, name, exists, lists, everything)


def _may(access: Access, namespace: str, name: str, right: Right) -> bool | Gap:
    spec = SubjectAccessReviewSpec(
        user=f"system:serviceaccount:{namespace}:{name}",
        # As the token of a ServiceAccount is read: k8s.io/apiserver/pkg/authentication/serviceaccount, UserInfo
        groups=["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"],
        resourceAttributes=_attributes(right),
    )
    review = SubjectAccessReview(spec=spec)
    answer = access.ask(f"what ServiceAccount {namespace}/{name} may do", lambda: access.client.create(review))
    return answer if isinstance(answer, Gap) else bool(answer.status and answer.status.allowed)


def allowed(access: Access, right: Right) -> bool | Gap:
    """Whether the user of the kubeconfig may do it."""
    review = SelfSubjectAccessReview(spec=SelfSubjectAccessReviewSpec(resourceAttributes=_attributes(right)))
    answer = access.ask(f"whether you may {right}", lambda: access.client.create(review))
    return answer if isinstance(answer, Gap) else bool(answer.status and answer.status.allowed)


def _attributes(right: Right) -> ResourceAttributes:
    return ResourceAttributes(
        verb=right.verb,
        group=right.group,
        resource=right.resource,
        namespace=right.namespace or None,
        name=right.name or None,
    )
