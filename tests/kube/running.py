"""What a test does with a cluster whose pods really run, whoever runs it.

Rule: as in cluster.py, by kubectl, and with images under their official names, so that a cluster which can pull needs
      nothing from here.
Strategy: a class for the words; node.py mixes it into a node of one's own, here it is mixed into an existing cluster.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.kube.cluster import Cluster, ExistingCluster

_LINES = 40  # of a list in a report


class Running(Cluster):
    """A cluster that runs pods."""

    def run(self, manifest: str | Path | Mapping[str, Any], namespace: str = "default", seconds: int = 60) -> None:
        """Applies pods and waits until they are ready."""
        made = self.apply(manifest, f"--namespace={namespace}", "--output=name").stdout.split()
        for pod in (name for name in made if name.startswith("pod/")):
            self.wait("condition=Ready", pod, namespace, seconds)

    def wait(self, what: str, name: str, namespace: str = "default", seconds: int = 60) -> CompletedProcess[str]:
        """`kubectl wait --for=WHAT NAME`."""
        return self.kubectl("wait", f"--for={what}", name, f"--namespace={namespace}", f"--timeout={seconds}s")

    def execute(self, pod: str, *command: str, namespace: str = "default", container: str = "") -> str:
        """`kubectl exec`; what the command wrote."""
        return self.attempt(pod, *command, namespace=namespace, container=container, check=True).stdout

    def attempt(
        self, pod: str, *command: str, namespace: str = "default", container: str = "", check: bool = False
    ) -> CompletedProcess[str]:
        """`kubectl exec` of a command that may fail."""
        where = [pod, f"--namespace={namespace}", *([f"--container={container}"] if container else [])]
        return self.kubectl("exec", *where, "--", *command, check=check)

    def logs(self, pod: str, namespace: str = "default", container: str = "") -> str:
        """`kubectl logs`."""
        where = [pod, f"--namespace={namespace}", *([f"--container={container}"] if container else [])]
        return self.kubectl("logs", *where).stdout

    def memory(self, pod: str, container: str, namespace: str = "default") -> dict[str, int]:
        """The bytes that a container uses, as its kubelet says: workingSetBytes, rssBytes ..."""
        (node,) = (item["metadata"]["name"] for item in self.get("nodes")["items"])
        for one in self.raw(f"/api/v1/nodes/{node}/proxy/stats/summary")["pods"]:
            if one["podRef"]["name"] == pod and one["podRef"]["namespace"] == namespace:
                found: dict[str, int] = next(part["memory"] for part in one["containers"] if part["name"] == container)
                return found
        raise KeyError(pod)

    def until(self, true: Callable[[], bool], what: str, seconds: float = 120) -> float:
        """Asks until it is true; the seconds that it took."""
        began = time.monotonic()
        while not true():
            if time.monotonic() - began > seconds:
                raise AssertionError(f"{what} did not come within {seconds:.0f} s")
            time.sleep(0.2)
        return time.monotonic() - began

    def report(self) -> str:
        """What a person would look at first when something went wrong."""
        parts = []
        for asked in (("pods,jobs,services", "--output=wide"), ("events", "--sort-by=.lastTimestamp")):
            lines = self.kubectl("get", *asked, "--all-namespaces", check=False).stdout.splitlines()
            parts.append("\n".join([f"kubectl get {' '.join(asked)}", *lines[-_LINES:]]))
        return "\n".join([*parts, *self._logs_of_failures()])

    def _logs_of_failures(self) -> list[str]:
        """The last lines of every container that ended badly or was restarted."""
        pods = json.loads(self.kubectl("get", "pods", "--all-namespaces", "--output=json", check=False).stdout or "{}")
        found = []
        for pod in pods.get("items", []):
            status, meta = pod["status"], pod["metadata"]
            for one in (*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])):
                ended = one["state"].get("terminated", {}).get("exitCode", 0)
                if ended or one["restartCount"]:
                    where = (meta["name"], f"--namespace={meta['namespace']}", f"--container={one['name']}")
                    said = self.kubectl("logs", *where, "--tail=15", check=False)
                    found.append(f"kubectl logs {' '.join(where)}\n{said.stdout}{said.stderr}")
        return found


class ExistingRunning(Running, ExistingCluster):
    """A cluster that KUBECONFIG points at, with nodes that can pull."""
