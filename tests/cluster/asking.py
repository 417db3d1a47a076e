"""The API asked from inside of a container, and the right to ask it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kube.running import Running


@dataclass(frozen=True)
class Curl:
    """curl in a container of a pod."""

    node: Running
    space: str
    pod: str
    container: str = "main"

    def run(self, *arguments: str) -> str:
        """What it printed; raises KubectlError where curl fails."""
        return self.node.execute(self.pod, "curl", "-sS", *arguments, namespace=self.space, container=self.container)

    def json(self, *arguments: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run(*arguments))
        return answer

    def code(self, *arguments: str) -> int:
        """The HTTP status."""
        return int(self.run("-o", "/dev/null", "-w", "%{http_code}", *arguments))


def grant(node: Running, space: str, manifest: str | Path, *wanted: str) -> None:
    """Applies what `podmeta rbac` prints for the pods of a manifest. `wanted`: such as `get,list/pods`."""
    text = manifest.read_text() if isinstance(manifest, Path) else manifest
    asked = [argument for one in wanted for argument in ("--for", one)]
    command = (sys.executable, "-m", "webhook", "rbac", "--filename=-", f"--namespace={space}", *asked)
    printed = subprocess.run(command, input=text, text=True, capture_output=True, check=True).stdout
    node.apply(printed)
