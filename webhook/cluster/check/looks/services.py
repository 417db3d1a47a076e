"""What stands behind the Service of a webhook: endpoints, pods, Deployment, budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import httpx2 as httpx
from lightkube.core.resource import NamespacedResource
from lightkube.models.core_v1 import PodStatus
from lightkube.resources.apps_v1 import Deployment as DeploymentResource
from lightkube.resources.core_v1 import Pod
from lightkube.resources.core_v1 import Service as ServiceResource
from lightkube.resources.discovery_v1 import EndpointSlice
from lightkube.resources.policy_v1 import PodDisruptionBudget

from certs import Bundle, Unreadable
from webhook.cluster.check.facts import Deployment, Gap, Replica, Service, Target
from webhook.cluster.check.looks.access import Access
from webhook.cluster.check.looks.configurations import selector
from webhook.cluster.check.looks.handshake import shown
from webhook.cluster.check.looks.rights import lacking

HEALTH = "health"  # the chart's name for the port of /readyz
Kind = TypeVar("Kind", bound=NamespacedResource)


@dataclass(frozen=True)
class Endpoints:
    """How many are ready, and the port on which all of them listen; 0: nobody knows."""

    ready: int
    port: int


def service(access: Access, target: Target, configuration: str, ca: Bundle | Unreadable) -> Service | Gap:
    """Everything behind it, as far as the user may look."""
    found = access.ask(str(target), lambda: access.client.get(ServiceResource, target.name, namespace=target.namespace))
    if isinstance(found, Gap):
        return found
    labels = (found.spec.selector if found.spec else None) or {}
    if not labels:
        return Service(target, selects_pods=False)
    port = next((one.name for one in (found.spec and found.spec.ports) or () if one.port == target.port), None)
    endpoints = _endpoints(access, target, port)
    listens = 0 if isinstance(endpoints, Gap) else endpoints.port
    deployment = _deployment(access, target, labels)
    return Service(
        target,
        endpoints=endpoints if isinstance(endpoints, Gap) else endpoints.ready,
        replicas=_replicas(access, target, labels, listens, ca),
        deployment=deployment,
        budgeted=_budgeted(access, target, labels),
        lacking=() if isinstance(deployment, Gap) else lacking(access, target.namespace, configuration, deployment),
    )


def _listed(
    access: Access, kind: type[Kind], target: Target, labels: Mapping[str, str], *, needed: bool = True
) -> Sequence[Kind] | Gap:
    return access.ask(
        f"{kind.__name__}s in {target.namespace}",
        lambda: list(access.client.list(kind, namespace=target.namespace, labels=dict(labels))),
        needed=needed,
    )


def _endpoints(access: Access, target: Target, port: str | None) -> Endpoints | Gap:
    found = _listed(access, EndpointSlice, target, {"kubernetes.io/service-name": target.name})
    if isinstance(found, Gap):
        return found
    ports = [one.port or 0 for piece in found for one in piece.ports or () if (one.name or None) == port]
    conditions = [one.conditions for piece in found for one in piece.endpoints or ()]
    # "nil should be interpreted as true": discovery/v1, EndpointConditions
    ready = [one for one in conditions if one is None or one.ready is not False]
    return Endpoints(len(ready), ports[0] if ports else 0)


def _deployment(access: Access, target: Target, labels: Mapping[str, str]) -> Deployment | Gap:
    """The one whose pods the Service selects."""
    found = _listed(access, DeploymentResource, target, {})
    if isinstance(found, Gap):
        return found
    for one in found:
        template = one.spec.template
        carried = (template.metadata.labels if template.metadata else None) or {}
        if template.spec and labels.items() <= carried.items():
            return Deployment(
                name=(one.metadata.name if one.metadata else None) or "",
                wanted=1 if one.spec.replicas is None else one.spec.replicas,
                ready=(one.status.readyReplicas if one.status else None) or 0,
                account=template.spec.serviceAccountName or "default",
                settings={env.name: env.value or "" for part in template.spec.containers for env in part.env or ()},
            )
    return Gap.ABSENT


def _budgeted(access: Access, target: Target, labels: Mapping[str, str]) -> bool | Gap:
    found = _listed(access, PodDisruptionBudget, target, {}, needed=False)
    if isinstance(found, Gap):
        return found
    return any(one.spec and selector(one.spec.selector).selects(labels) for one in found)


def _replicas(
    access: Access, target: Target, labels: Mapping[str, str], port: int, ca: Bundle | Unreadable
) -> tuple[Replica, ...]:
    found = _listed(access, Pod, target, labels)
    if isinstance(found, Gap):
        return ()
    # Without those that are about to go, as in every rollout.
    pods = {
        pod.metadata.name or "": (pod, pod.status)
        for pod in found
        if pod.metadata and not pod.metadata.deletionTimestamp and pod.status
    }
    running = [name for name, (_, status) in pods.items() if status.phase == "Running"]
    served = shown(access, target, running, port, ca)
    return tuple(
        Replica(name, _reason(access, target, pod, status), served.get(name, Gap.ABSENT))
        for name, (pod, status) in pods.items()
    )


def _reason(access: Access, target: Target, pod: Pod, status: PodStatus) -> str:
    """Why it is not ready; "" where it is."""
    if any(one.type == "Ready" and one.status == "True" for one in status.conditions or ()):
        return ""
    return _stopped(status) or _readyz(access, target, pod) or "it gives no reason"


def _stopped(status: PodStatus) -> str:
    """What keeps its container from running, or itself from a node; "" where it runs."""
    waiting = [one.state.waiting for one in status.containerStatuses or () if one.state and one.state.waiting]
    if waiting:
        return f"{waiting[0].reason}: {waiting[0].message or ''}".rstrip(": ")
    unscheduled = [one for one in status.conditions or () if one.type == "PodScheduled" and one.status == "False"]
    return f"{unscheduled[0].reason}: {unscheduled[0].message or ''}".rstrip(": ") if unscheduled else ""


def _readyz(access: Access, target: Target, pod: Pod) -> str:
    """Its own sentences, which no condition of the pod repeats; "" where they cannot be had."""
    ports = [port for one in (pod.spec.containers if pod.spec else ()) for port in one.ports or ()]
    health = next((port.containerPort for port in ports if port.name == HEALTH), None)
    name = pod.metadata.name if pod.metadata else None
    try:
        answer = access.http.get(f"/api/v1/namespaces/{target.namespace}/pods/{name}:{health}/proxy/readyz")
    except httpx.TransportError:
        return ""
    # Where the API server itself refuses, or does not reach the pod, it answers with a Status in JSON.
    own = answer.headers.get("content-type", "").startswith("text/plain")
    return "; ".join(answer.text.splitlines()) if own else ""
