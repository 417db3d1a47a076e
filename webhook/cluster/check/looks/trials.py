"""Pods as server-side dry runs: everything that admission does to a pod is done to them, and nothing stays.

Rule: this is the one look that judges the whole way: the API server itself calls the webhook and verifies its
      certificate, and quotas, limits, Pod Security and every other webhook have their say.
Strategy: one harmless pod, four ways to ask. It has all that a strict namespace wants, so that what is refused is what
      it asks for.
"""

from collections.abc import Iterator, Mapping

from lightkube import ApiError
from lightkube.models.core_v1 import (
    Capabilities,
    Container,
    PodSecurityContext,
    PodSpec,
    ResourceRequirements,
    SeccompProfile,
    SecurityContext,
)
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod

from webhook.cluster.check.facts import Admitted, Ask, Gap, Outcome, Refused, Right
from webhook.cluster.check.looks.access import Access
from webhook.cluster.check.looks.rights import allowed
from webhook.inject.annotations import STATUS
from webhook.inject.status import Added, load

ANNOTATIONS: Mapping[Ask, dict[str, str]] = {
    Ask.DECLINES: {"podmeta/inject": "false"},
    Ask.SILENT: {},
    Ask.ASKS: {"podmeta/inject": "true"},
    Ask.AMBASSADOR: {"podmeta/inject": "true", "podmeta/ambassador": "true"},
}
SMALL = {"cpu": "10m", "memory": "16Mi"}
RESTRICTED = SecurityContext(
    allowPrivilegeEscalation=False, readOnlyRootFilesystem=True, capabilities=Capabilities(drop=["ALL"])
)


def trials(access: Access, namespace: str) -> Mapping[Ask, Outcome] | Gap:
    """What becomes of each pod, unless the user may make none."""
    create = Right("create", "", "pods", namespace)
    # A 403 alone does not tell RBAC from a quota or Pod Security.
    may = allowed(access, create)
    if may is False:
        return access.gap(f"a pod in {namespace}", f"the user may not {create}, not even as a dry run", needed=True)
    return may if isinstance(may, Gap) else {ask: _trial(access, namespace, ask) for ask in Ask}


def _trial(access: Access, namespace: str, ask: Ask) -> Outcome:
    try:
        made = access.client.create(_pod(ask), namespace=namespace, dry_run=True)
    except ApiError as error:
        return Refused(error.status.message or str(error))
    text = ((made.metadata.annotations if made.metadata else None) or {}).get(STATUS)
    status = load(text) if text else None
    return Admitted(text is not None, tuple(missing(made, status.added)) if status else ())


def _pod(ask: Ask) -> Pod:
    container = Container(
        name="main",
        image="registry.k8s.io/pause:3.10.1",  # never pulled
        resources=ResourceRequirements(limits=SMALL, requests=SMALL),
        securityContext=RESTRICTED,
    )
    return Pod(
        metadata=ObjectMeta(generateName="podmeta-check-", annotations=ANNOTATIONS[ask]),
        spec=PodSpec(
            containers=[container],
            automountServiceAccountToken=False,
            securityContext=PodSecurityContext(
                runAsNonRoot=True, runAsUser=65532, seccompProfile=SeccompProfile(type="RuntimeDefault")
            ),
        ),
    )


def missing(pod: Pod, added: Added) -> Iterator[str]:
    """What podmeta/status names and the pod does not have."""
    spec = pod.spec or PodSpec(containers=[])
    containers = {one.name: one for one in (*(spec.initContainers or ()), *spec.containers)}
    annotations = (pod.metadata.annotations if pod.metadata else None) or {}
    for name, wanted in added.env.items():
        there = {env.name for env in (containers[name].env if name in containers else None) or ()}
        yield from (f"env {env} of container {name}" for env in wanted if env not in there)
    for name, wanted in added.volume_mounts.items():
        paths = {mount.mountPath for mount in (containers[name].volumeMounts if name in containers else None) or ()}
        yield from (f"volumeMount {path} of container {name}" for path in wanted if path not in paths)
    volumes = {volume.name for volume in spec.volumes or ()}
    yield from (f"volume {name}" for name in added.volumes if name not in volumes)
    yield from (f"container {name}" for name in added.containers if name not in containers)
    yield from (f"annotation {key}" for key in added.annotations if key not in annotations)
