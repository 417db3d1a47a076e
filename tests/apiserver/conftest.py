"""What the tests against a real kube-apiserver share."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.kube import apiserver
from tests.kube.apiserver import ApiServer
from tests.kube.binaries import Unavailable
from tests.kube.cases import Case, read_yaml
from tests.kube.cluster import Cluster
from tests.kube.record import RecordingServer
from tests.service import Service, dev_service
from tests.stories import Story


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One API server with its controllers for all the tests; each test works in namespaces of its own."""
    try:
        real = apiserver.cluster(controller_manager=True)
    except Unavailable as reason:
        pytest.skip(f"real kube-apiserver: {reason}")
    with real:
        yield real


PLAIN = "plain"  # a namespace that the webhook leaves alone
NAME, NAMESPACE = "podmeta", "podmeta-system"
MUTATE = "object.metadata.?annotations[?'podmeta/inject'].orValue('false') != 'false'"
SILENT = "!('podmeta/inject' in object.metadata.?annotations.orValue({}))"


@dataclass
class Hooked:
    """An API server that calls the real service, as an installation would have it."""

    cluster: ApiServer
    service: Service
    later_server: RecordingServer

    def reviews(self) -> float:
        """How many reviews the service has answered."""
        return self.service.metric("podmeta_reviews_total")

    def causes(self, story: Story) -> list[str]:
        """The sentences of a denial, as kubectl prints them: one for each problem."""
        lines = story.read("explain.txt").splitlines()
        (message,) = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
        parts = re.split(r"(?:^| )\(\d+\) ", message)
        return [part.split(": ", 1)[1].strip() for part in parts if part]

    def later(self, case: Case) -> None:
        """The webhook of somebody else that comes after ours, where the story has one."""
        if case.special.later_webhook:
            self.later_server.reviews.patches[case.slug] = case.special.later_webhook
            self.later_server.register(self.cluster, f"zz-{case.slug}", f"/later/{case.slug}", case.slug)

    def offline(self, case: Case) -> str:
        """A namespace like the story's own, whose pods the webhook does not see."""
        name = f"offline-{case.slug}"[:63].rstrip("-")
        labels = {"podmeta-test/unseen": "true"}
        before = read_yaml(case.setup) if case.setup else []
        for document in before:
            if document["kind"] == "Namespace":
                labels |= document["metadata"].get("labels", {})
        self.cluster.namespace(name, labels)
        for document in before:
            if document["kind"] == "ServiceAccount":
                self.account(document["metadata"]["name"], name)
        return name

    def account(self, name: str, namespace: str) -> None:
        """A ServiceAccount, without which no pod of it is let in."""
        meta = {"name": name, "namespace": namespace}
        self.cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})

    @contextmanager
    def broken(self, policy: str, namespace: str) -> Iterator[None]:
        """A second webhook for one namespace, at a port where nobody listens."""
        webhook = pod_webhook("down.podmeta.test", {"url": "https://127.0.0.1:1/mutate"}, policy)
        webhook["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
        configuration = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration"}
        # First as `Fail`, whose effect shows when it is in force; a change of the policy comes within the same second.
        self.cluster.apply(
            {**configuration, "metadata": {"name": "down"}, "webhooks": [{**webhook, "failurePolicy": "Fail"}]}
        )
        await_webhook(self.cluster, namespace, lambda code: code != 0)
        self.cluster.apply({**configuration, "metadata": {"name": "down"}, "webhooks": [webhook]})
        await_webhook(self.cluster, namespace, lambda code: (code == 0) == (policy == "Ignore"))
        try:
            yield
        finally:
            self.cluster.kubectl("delete", "mutatingwebhookconfiguration", "down")


def await_webhook(cluster: Cluster, namespace: str, called: Callable[[int], bool]) -> None:
    """Ask until `called` is true of kubectl's exit code: the API server reads a new configuration within a second."""
    meta = {"name": "probe", "annotations": {"podmeta/inject": "true"}}
    spec = {"containers": [{"name": "probe", "image": "probe"}]}
    pod = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    arguments = ("create", "--dry-run=server", "--filename=-", f"--namespace={namespace}")
    for _ in range(100):
        if called(cluster.kubectl(*arguments, stdin=pod, check=False).returncode):
            return
        time.sleep(0.1)
    raise AssertionError("the API server does not call the webhook")


def pod_webhook(name: str, client: dict[str, Any], policy: str = "Fail") -> dict[str, Any]:
    """One webhook, with the rules and the matchConditions of an installation."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "scope": "Namespaced"}
    return {
        "name": name,
        "clientConfig": client,
        "rules": [
            {**rule, "operations": ["CREATE"], "resources": ["pods"]},
            {**rule, "operations": ["UPDATE"], "resources": ["pods/ephemeralcontainers"]},
        ],
        "matchConditions": [{"name": "the-pod-asks", "expression": MUTATE}],
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "reinvocationPolicy": "IfNeeded",
        "failurePolicy": policy,
        "timeoutSeconds": 5,
    }


def configuration(service: Service) -> dict[str, Any]:
    """Both doors; kube-system, our own namespace and those that a test wants unseen are left alone."""
    unseen = [
        {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", NAMESPACE, PLAIN]},
        {"key": "podmeta-test/unseen", "operator": "DoesNotExist"},
    ]
    doors = []
    for door, path in (("pod", "/mutate"), ("namespace", "/mutate/namespace")):
        reference = {"name": NAME, "namespace": NAMESPACE, "port": service.port, "path": path}
        webhook = pod_webhook(f"{door}.inject.podmeta", {"service": reference, "caBundle": service.ca_bundle})
        webhook["namespaceSelector"] = {"matchExpressions": unseen}
        doors.append(webhook)
    doors[1]["matchConditions"] = [{"name": "the-pod-says-nothing", "expression": SILENT}]
    doors[1]["namespaceSelector"]["matchLabels"] = {"podmeta/inject": "enabled"}
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration"}
    return {**kind, "metadata": {"name": NAME}, "webhooks": doors}


@pytest.fixture(scope="session")
def hooked() -> Iterator[Hooked]:
    """An API server of its own, so that no other test's pods pass through the webhook."""
    try:
        real = ApiServer(controller_manager=True)
    except Unavailable as reason:
        pytest.skip(f"real kube-apiserver: {reason}")
    names = f"--dev-names={NAME}.{NAMESPACE}.svc"
    with real, dev_service(names, "--log-level=info") as service, RecordingServer() as later:
        real.namespace(NAMESPACE)
        real.namespace(PLAIN)
        real.expose(NAME, NAMESPACE, service.port)
        real.apply(configuration(service))
        found = Hooked(real, service, later)
        await_webhook(real, "default", lambda _: bool(found.reviews()))
        yield found
