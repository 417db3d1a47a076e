"""podmeta on the node as an operator has it: the chart, installed by Helm with the image of this checkout."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chart.charts import CHART, RELEASE, Helm
from tests.kube import binaries
from tests.kube.node import Node


@dataclass
class Installed:
    """A release on the node, in the namespace of its own name, and how it is spoken to."""

    node: Node
    helm: Helm
    values: dict[str, Any]
    name: str = RELEASE

    def kubectl(self, *args: str, **more: Any) -> str:
        """kubectl in its namespace; what it printed."""
        return self.node.kubectl(*args, f"--namespace={self.name}", **more).stdout

    def get(self, *args: str) -> dict[str, Any]:
        return self.node.get(*args, f"--namespace={self.name}")

    def ready(self) -> None:
        self.kubectl("rollout", "status", f"deployment/{self.name}", "--timeout=120s")

    def bundles(self) -> list[str]:
        """The caBundle of each of its webhooks."""
        found = self.node.get("mutatingwebhookconfiguration", self.name)
        return [webhook["clientConfig"].get("caBundle", "") for webhook in found["webhooks"]]

    def ca(self) -> dict[str, bytes]:
        """The Secret with its CA."""
        data = self.get("secret", f"{self.name}-ca")["data"]
        return {name: base64.b64decode(text) for name, text in data.items()}

    def replicas(self) -> dict[str, str]:
        """Name and address of each pod that is not about to go."""
        found = self.get("pods", f"--selector=app.kubernetes.io/instance={self.name}")["items"]
        there = [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
        return {pod["metadata"]["name"]: pod["status"].get("podIP", "") for pod in there}

    def pods(self) -> list[str]:
        return list(self.replicas())

    def reached(self) -> bool:
        """Whether its Service leads to a replica: kube-proxy needs a second more than helm waits for."""
        address = self.get("service", self.name)["spec"]["clusterIP"]
        curl = ("curl", "--insecure", "--silent", "--max-time", "1", "--output", "/dev/null", f"https://{address}/")
        return self.node.inside(*curl).returncode == 0

    def uninstall(self) -> None:
        self.helm.run("uninstall", self.name, f"--namespace={self.name}", "--wait", "--timeout=120s")


@contextmanager
def install(
    node: Node, directory: Path, values: Mapping[str, Any], name: str = RELEASE, *, wait: bool = True
) -> Iterator[Installed]:
    """A release with these values, gone at the end, if a test did not take it away. Raises Unavailable."""
    repository, _, tag = node.image("podmeta").rpartition(":")
    helm = Helm(binaries.find("helm")["helm"], directory, node.kubeconfig)
    node.namespace(name, {"pod-security.kubernetes.io/enforce": "restricted"})
    whole = {"image": {"repository": repository, "tag": tag}, **values}
    release = Installed(node, helm, whole, name)
    flags = ("--wait", "--timeout=180s") if wait else ()
    helm.with_values("install", whole, name, CHART, f"--namespace={name}", *flags)
    try:
        if wait:
            node.until(release.reached, "a Service that leads somewhere", 30)
        yield release
    finally:
        if helm.run("list", "--short", f"--namespace={name}").stdout.strip():
            release.uninstall()


class Standing:
    """One release at a time, installed anew only where other values are wanted."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._given: tuple[Mapping[str, Any], Installed] | None = None

    def give(self, node: Node, directory: Path, values: Mapping[str, Any]) -> Installed:
        """The release with these values. Raises Unavailable."""
        if self._given is None or self._given[0] != values:
            self.close()
            self._given = values, self._stack.enter_context(install(node, directory, values))
        return self._given[1]

    def close(self) -> None:
        self._given = None
        self._stack.close()
