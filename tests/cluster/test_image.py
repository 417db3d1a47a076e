"""The image that the Dockerfile makes: it runs under Pod Security `restricted`, and the API server reaches it."""

import json
from collections.abc import Iterator

import pytest

from tests.kube.binaries import Unavailable
from tests.kube.node import Node
from tests.kube.running import Running

pytestmark = pytest.mark.xdist_group("node")

SYSTEM = "podmeta-system"
SERVICE = """
apiVersion: v1
kind: Pod
metadata: {name: podmeta, labels: {app: podmeta}}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 1
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: webhook
    image: %s
    args: [serve, --dev, --dev-names=podmeta.podmeta-system.svc]
    readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
    resources: {limits: {memory: 128Mi}}
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
---
apiVersion: v1
kind: Service
metadata: {name: podmeta}
spec:
  selector: {app: podmeta}
  ports: [{port: 443, targetPort: 8443}]
"""
ASKING = """
apiVersion: v1
kind: Pod
metadata: {name: asking, annotations: {podmeta/inject: "true"}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: busybox, command: [sleep, "9999999"]}
"""


@pytest.fixture(scope="module")
def service(node: Running) -> Iterator[str]:
    """The image as a pod and a Service; the caBundle that it printed."""
    if not isinstance(node, Node):
        pytest.skip("the image of this checkout is only on a node of our own")
    try:
        image = node.image("podmeta")
    except Unavailable as reason:
        pytest.skip(f"podmeta's image: {reason}")
    node.namespace(SYSTEM, {"pod-security.kubernetes.io/enforce": "restricted"})
    node.run(SERVICE % image, SYSTEM)
    lines = [json.loads(line) for line in node.logs("podmeta", SYSTEM).splitlines() if line.startswith("{")]
    yield next(line["caBundle"] for line in lines if "caBundle" in line)
    node.kubectl("delete", "namespace", SYSTEM, "--wait=false")


def test_nothing_in_it_installs_software_or_is_root(node: Running, service: str) -> None:
    assert service
    found = "[name for name in ('pip', 'ensurepip', 'setuptools') if importlib.util.find_spec(name)]"
    ask = ("python", "-c", f"import importlib.util, os; print(os.getuid(), {found})")
    assert node.execute("podmeta", *ask, namespace=SYSTEM) == "65532 []\n"


def test_the_api_server_calls_it_by_its_service(node: Running, service: str, space: str) -> None:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    reference = {"name": "podmeta", "namespace": SYSTEM, "path": "/mutate"}
    webhook = {
        "name": "pod.inject.podmeta",
        "clientConfig": {"service": reference, "caBundle": service},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
    }
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration"}
    node.apply({**kind, "metadata": {"name": space}, "webhooks": [webhook]})
    try:
        dry = ("create", "--filename=-", "--dry-run=server", f"--namespace={space}", "--output=json")
        node.until(lambda: "POD_NAME" in node.kubectl(*dry, stdin=ASKING).stdout, "the webhook's effect", 20)
        node.run(ASKING, space)
    finally:
        node.kubectl("delete", "mutatingwebhookconfiguration", space)
    assert "POD_NAME=asking" in node.execute("asking", "env", namespace=space).splitlines()
