"""podmeta on the node as an operator has it: the chart, installed by Helm with the image of this checkout."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chart.charts import CHART, NAMESPACE, RELEASE, Helm
from tests.kube import binaries
from tests.kube.node import Node


@dataclass
class Installed:
    """A release on the node, and how it is spoken to."""

    node: Node
    helm: Helm
    values: dict[str, Any]

    def ready(self) -> None:
        self.node.kubectl("rollout", "status", f"deployment/{RELEASE}", f"--namespace={NAMESPACE}", "--timeout=120s")

    def bundles(self) -> list[str]:
        found = self.node.get("mutatingwebhookconfiguration", RELEASE)
        return [webhook["clientConfig"].get("caBundle", "") for webhook in found["webhooks"]]

    def pods(self) -> list[str]:
        found = self.node.get("pods", f"--namespace={NAMESPACE}", f"--selector=app.kubernetes.io/instance={RELEASE}")
        return [pod["metadata"]["name"] for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]


@contextmanager
def install(node: Node, directory: Path, values: Mapping[str, Any]) -> Iterator[Installed]:
    """A release with these values, gone at the end, if a test did not take it away. Raises Unavailable."""
    repository, _, tag = node.image("podmeta").rpartition(":")
    helm = Helm(binaries.find("helm")["helm"], directory, node.kubeconfig)
    node.namespace(NAMESPACE, {"pod-security.kubernetes.io/enforce": "restricted"})
    whole = {"image": {"repository": repository, "tag": tag}, **values}
    helm.with_values("install", whole, RELEASE, CHART, "--wait", "--timeout=180s")
    try:
        yield Installed(node, helm, whole)
    finally:
        if helm.run("list", "--short").stdout.strip():
            helm.run("uninstall", RELEASE, "--wait")
