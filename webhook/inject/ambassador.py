"""The ambassador: `kubectl proxy` beside the app, so that plain HTTP on localhost reaches the API as the pod.

Rule: the pod's own identity and nothing more. It listens on the pod's loopback only, passes Pod Security `restricted`,
      brings its own expiring token (so the app needs none), and lets only reading methods through unless asked.
Strategy: what makes it impossible is a Problem where the pod asked for it, a note where an installer's default did.
Source: kubectl proxy's flags and their defaults, https://kubernetes.io/docs/reference/kubectl/generated/kubectl_proxy/
"""

from typing import Any

import msgspec

from webhook.api.jsonpatch import as_json
from webhook.api.pod import Quantity, Resources
from webhook.inject.annotations import KUBECONFIG, Problem
from webhook.inject.fields import Literal, Variable
from webhook.inject.prepared import Item
from webhook.inject.reasons import Reason
from webhook.inject.situation import AMBASSADOR, Note, Situation, amount, declared, stated

TOKEN_VOLUME = "podmeta-ambassador-token"  # noqa: S105 - the name of a volume
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - DefaultAPITokenMountPath
NATIVE_SINCE = 29  # the feature gate SidecarContainers is on by default from Kubernetes 1.29
EXPIRES = 3600  # seconds; the kubelet renews the file at 80 % of it
READ_ONLY = "^(POST|PUT|PATCH|DELETE)$"


class Access(msgspec.Struct, frozen=True):
    """What the ambassador adds to the pod. `url`: "" where the pod has none. `kubeconfig`: is the file asked."""

    url: str = ""
    kubeconfig: bool = False
    container: Item | None = None
    place: str = "containers"
    volumes: tuple[Item, ...] = ()
    annotations: dict[str, str] = {}
    notes: tuple[Note, ...] = ()
    problems: tuple[Problem, ...] = ()

    def variables(self, files: str | None) -> tuple[Variable, ...]:
        """Variables for a container that reads the files at that path, or has none."""
        if not self.url:
            return ()
        url = Variable("AMBASSADOR_URL", Literal(self.url))
        if not self.kubeconfig or files is None:
            return (url,)
        return (url, Variable("KUBECONFIG", Literal(f"{files}/kubeconfig", verbatim=True), fixed=True))


def inject(situation: Situation) -> Access:
    """The container, its token and the kubeconfig, or why not."""
    options = situation.options
    if not options.ambassador:
        return Access()
    obstacles = _obstacles(situation)
    if obstacles and situation.asked("ambassador"):
        return Access(problems=obstacles)
    if obstacles or (situation.running and not situation.has(AMBASSADOR)):
        reason = obstacles[0].reason if obstacles else Reason.EPHEMERAL
        return Access(notes=(Note(AMBASSADOR, reason),))
    url = f"http://127.0.0.1:{options.ambassador_port}"
    kubeconfig = options.ambassador_kubeconfig and options.volume
    unread = options.ambassador_kubeconfig and not options.volume
    said = (Note(KUBECONFIG, Reason.NO_VOLUME),) if unread else ()
    texts = {KUBECONFIG: _kubeconfig(url, situation.question.namespace)} if kubeconfig else {}
    present = dict(situation.question.annotations)
    mine = situation.added.annotations
    missing = {k: text for k, text in texts.items() if k not in present or (k in mine and present[k] != text)}
    if situation.has(AMBASSADOR):
        ours = AMBASSADOR in situation.added.containers
        kept = () if ours else (Note(AMBASSADOR, Reason.CONTAINER_KEPT),)
        return Access(url, kubeconfig, annotations=missing, notes=kept + said)
    native = situation.defaults.kubernetes >= NATIVE_SINCE
    return Access(
        url,
        kubeconfig,
        _container(situation, native=native),
        "initContainers" if native else "containers",
        () if TOKEN_VOLUME in dict(situation.question.volumes) else (_token(),),
        missing,
        said,
    )


def _obstacles(situation: Situation) -> tuple[Problem, ...]:
    question, port = situation.question, situation.options.ambassador_port
    found = []
    if question.host_network:
        found.append(
            Problem(Reason.HOST_NETWORK, "podmeta/ambassador", "true", '"false", or a pod without hostNetwork: true')
        )
    if question.windows:
        found.append(Problem(Reason.WINDOWS, "podmeta/ambassador", "true", '"false" in a Windows pod'))
    if TOKEN_VOLUME in dict(question.volumes) and TOKEN_VOLUME not in situation.added.volumes:
        accepted = f"a pod that has no volume of its own called {TOKEN_VOLUME}"
        found.append(Problem(Reason.VOLUME_KEPT, "podmeta/ambassador", "true", accepted))
    found += [
        Problem(
            Reason.PORT_TAKEN,
            "podmeta/ambassador-port",
            str(port),
            f"a port that no container declares; {target.name} declares {port}",
        )
        for target in question.targets
        if target.name not in situation.ours
        and any(p.container_port == port and p.protocol in (None, "TCP") for p in target.ports)
    ]
    return tuple(found)


def _container(situation: Situation, *, native: bool) -> Item:
    options, defaults = situation.options, situation.defaults
    server = f"--server=http://127.0.0.1:{options.ambassador_port}"
    reject = [f"--reject-methods={READ_ONLY}"] if options.ambassador_access == "read-only" else []
    container: dict[str, Any] = {
        "name": AMBASSADOR,
        "image": defaults.ambassador_image,
        "command": ["kubectl"],
        "args": ["proxy", "--address=127.0.0.1", f"--port={options.ambassador_port}", *reject],
        "resources": _resources(situation),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": defaults.ambassador_user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        # The pod's init containers and its app wait until the API has answered through the proxy.
        "startupProbe": {
            "exec": {"command": ["kubectl", server, "get", "--raw", "/livez"]},
            "periodSeconds": 1,
            "timeoutSeconds": 10,
            "failureThreshold": 60,
        },
        "volumeMounts": [{"name": TOKEN_VOLUME, "mountPath": TOKEN_PATH, "readOnly": True}],
    }
    if native:
        container["restartPolicy"] = "Always"
    return Item(AMBASSADOR, as_json(container))


def _resources(situation: Situation) -> dict[str, dict[str, str]]:
    """Requests and limits, always; equal ones in a Guaranteed pod, so that it stays Guaranteed.

    A resource that the pod declares for all its containers together is left to that: the API server refuses a pod whose
    containers request more than the pod does.
    """
    shared, defaults = situation.question.resources, situation.defaults
    requests = defaults.ambassador_limits if _guaranteed(situation) else defaults.ambassador_requests
    sections = {"limits": dict(defaults.ambassador_limits), "requests": dict(requests)}
    return {
        kind: {name: figure for name, figure in figures.items() if not _shared(shared, name)}
        for kind, figures in sections.items()
    }


def _shared(resources: Resources | None, name: str) -> bool:
    field = name.replace("-", "_")
    return declared(resources, "limits", field) or declared(resources, "requests", field)


def _guaranteed(situation: Situation) -> bool:
    """Whether every container has requests equal to limits for cpu and memory (ComputePodQOS).

    A request that is not written is the limit, as the API server will have it (SetDefaults_Pod).
    """
    figures = [t.resources for t in situation.question.targets if t.kind != "ephemeralContainers"]
    return bool(figures) and all(
        declared(one, "limits", name) and equal(stated(one, "limits", name), stated(one, "requests", name))
        for one in figures
        for name in ("cpu", "memory")
    )


def equal(limit: Quantity | None, request: Quantity | None) -> bool:
    return request is None or amount(limit) == amount(request)


def _token() -> Item:
    """What the ServiceAccount admission plugin would mount, for this one container: token, CA and namespace."""
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": EXPIRES}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    return Item(TOKEN_VOLUME, as_json({"name": TOKEN_VOLUME, "projected": {"sources": sources}}))


def _kubeconfig(url: str, namespace: str) -> str:
    # There is no TLS on the way to the ambassador, and @kubernetes/client-node takes http:// only where that is said.
    cluster = f"server: '{url}', insecure-skip-tls-verify: true"
    return "\n".join(
        [
            "apiVersion: v1",
            "kind: Config",
            f"clusters: [{{name: ambassador, cluster: {{{cluster}}}}}]",
            "users: [{name: pod, user: {}}]",
            f"contexts: [{{name: pod, context: {{cluster: ambassador, user: pod, namespace: '{namespace}'}}}}]",
            "current-context: pod",
            "",
        ]
    )
