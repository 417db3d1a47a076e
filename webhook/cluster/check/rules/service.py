"""What is wrong behind the Service: endpoints, Deployment, replicas, and what their ServiceAccount may do."""

from collections.abc import Iterator

from webhook.cluster.check.facts import Deployment, Facts, Service
from webhook.cluster.check.findings import Code, Finding


def reachable(facts: Facts) -> Iterator[Finding]:
    """The Service is there, and somebody behind it is ready."""
    for target in facts.missing_services:
        yield Finding(Code.SERVICE_MISSING, str(target), "the webhooks name it, and there is none")
    for service in facts.services:
        if not service.selects_pods:
            yield Finding(Code.ELSEWHERE, str(service.target), "it has no selector")
        elif service.endpoints == 0:
            yield Finding(Code.NO_ENDPOINT, str(service.target), "no endpoint is ready")


def replicas(facts: Facts) -> Iterator[Finding]:
    """As many as are wanted, and none alone."""
    for service in facts.services:
        for replica in service.replicas:
            if replica.reason:
                yield Finding(Code.POD_UNREADY, f"Pod {service.target.namespace}/{replica.name}", replica.reason)
        if isinstance(service.deployment, Deployment):
            yield from _deployment(service, service.deployment)


def _deployment(service: Service, deployment: Deployment) -> Iterator[Finding]:
    where = f"Deployment {service.target.namespace}/{deployment.name}"
    if deployment.wanted == 0:
        yield Finding(Code.REPLICAS, where, "it is scaled to 0")
    elif deployment.ready < deployment.wanted:
        yield Finding(Code.REPLICAS, where, f"{deployment.ready} of {deployment.wanted} replicas are ready")
    if deployment.wanted == 1:
        yield Finding(Code.ONE_REPLICA, where, "replicas: 1")
    elif deployment.wanted > 1 and service.budgeted is False:
        yield Finding(Code.NO_BUDGET, where, "no PodDisruptionBudget selects its pods")


def rights(facts: Facts) -> Iterator[Finding]:
    """The service may do what it has to do by itself."""
    for service in facts.services:
        if service.lacking and isinstance(service.deployment, Deployment):
            where = f"ServiceAccount {service.target.namespace}/{service.deployment.account}"
            yield Finding(Code.SERVICE_RIGHTS, where, f"it may not: {'; '.join(map(str, service.lacking))}")


def version(facts: Facts) -> Iterator[Finding]:
    """The cluster has what is injected, and the service knows which cluster it is."""
    if not facts.minor:
        return
    if facts.minor < 29:
        yield Finding(Code.CLUSTER_OLD, "cluster", f"Kubernetes 1.{facts.minor}")
    for service in facts.services:
        if isinstance(service.deployment, Deployment):
            told = service.deployment.settings.get("PODMETA_KUBERNETES_VERSION", "")
            if told and told.split(".")[1:2] != [str(facts.minor)]:
                where = f"Deployment {service.target.namespace}/{service.deployment.name}"
                said = f"PODMETA_KUBERNETES_VERSION: {told}, the cluster is 1.{facts.minor}"
                yield Finding(Code.VERSION_SETTING, where, said)
