"""What a test does with an API server, whoever runs it: kubectl, namespaces, other users.

Rule: a test speaks to the cluster as people do, by kubectl; what it cannot say so, it should not rely on.
Strategy: one class says what there is; who runs the API server (apiserver.py, or somebody else) fills in the addresses.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from types import TracebackType
from typing import Any, Self

from tests.kube import binaries
from tests.kube.processes import Failed

EXISTING = "PODMETA_TEST_CLUSTER"  # =1 together with KUBECONFIG: use that cluster, make and delete things in it


class KubectlError(Exception):
    """kubectl ended with an error; the text has its command line and what it wrote."""

    def __init__(self, result: CompletedProcess[str]) -> None:
        self.result = result
        self.stderr = result.stderr
        command = " ".join(map(str, result.args[1:]))
        super().__init__(f"kubectl {command}: code {result.returncode}: {result.stderr.strip()}")


class Cluster:
    """What a test does with an API server, whoever runs it."""

    kubeconfig: Path
    url: str
    version: str
    _kubectl: Path
    _environment: Mapping[str, str]

    def kubectl(
        self, *args: str | Path, stdin: str | None = None, check: bool = True, kubeconfig: Path | None = None
    ) -> CompletedProcess[str]:
        """Runs kubectl as an administrator, or as the user of another kubeconfig."""
        result = subprocess.run(
            [str(self._kubectl), f"--kubeconfig={kubeconfig or self.kubeconfig}", *map(str, args)],
            input=stdin,
            env=dict(self._environment),
            text=True,
            capture_output=True,
            check=False,
        )
        if check and result.returncode != 0:
            self.check()
            raise KubectlError(result)
        return result

    def get(self, *args: str) -> dict[str, Any]:
        """`kubectl get ARGS -o json`, read."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *args, "--output=json").stdout)
        return found

    def raw(self, path: str) -> Any:
        """The JSON that the API server answers to a GET of this path."""
        return json.loads(self.kubectl("get", "--raw", path).stdout)

    def apply(self, manifest: str | Path | Mapping[str, Any], *args: str) -> CompletedProcess[str]:
        """`kubectl apply`: of a file or directory, of YAML text, or of an object."""
        if isinstance(manifest, Path):
            return self.kubectl("apply", f"--filename={manifest}", *args)
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        return self.kubectl("apply", "--filename=-", *args, stdin=text)

    def namespace(self, name: str, labels: Mapping[str, str] | None = None) -> str:
        """Makes a namespace in which pods can be made: that is once it has its ServiceAccount."""
        metadata = {"name": name, "labels": dict(labels or {})}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        self.await_created("serviceaccount/default", name)
        return name

    def await_created(self, what: str, namespace: str, seconds: int = 30) -> None:
        """Waits until something exists, such as `configmap/kube-root-ca.crt`."""
        self.kubectl("wait", "--for=create", what, f"--namespace={namespace}", f"--timeout={seconds}s")

    def user(self, name: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig for `kubectl(kubeconfig=...)` that acts as this user."""
        raise NotImplementedError

    def check(self) -> None:
        """Raises Failed when the cluster is no longer there."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class ExistingCluster(Cluster):
    """A cluster that KUBECONFIG points at: kind, envtest, one's own. Nothing of it is changed but by the tests."""

    def __init__(self, kubeconfig: Path) -> None:
        kubectl = shutil.which("kubectl")
        if kubectl is None:
            raise binaries.Unavailable(f"{EXISTING} is set, but there is no kubectl on PATH")
        self.kubeconfig = kubeconfig
        self._kubectl = Path(kubectl)
        self._environment = dict(os.environ)
        self._directory = tempfile.TemporaryDirectory(prefix="podmeta-kube-")

    def __enter__(self) -> Self:
        answer = self.kubectl("version", "--output=json", check=False)
        server = json.loads(answer.stdout or "{}").get("serverVersion")
        if server is None:
            raise Failed(f"the cluster of {self.kubeconfig} does not answer: {answer.stderr.strip()}")
        self.version = server["gitVersion"]
        self.url = self._config()["clusters"][0]["cluster"]["server"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._directory.cleanup()

    def _config(self) -> Any:
        return json.loads(self.kubectl("config", "view", "--minify", "--raw", "--flatten", "--output=json").stdout)

    def user(self, name: str, groups: Sequence[str] = ()) -> Path:
        """Here by impersonation: the CA's key of such a cluster is not at hand."""
        config = self._config()
        user = config["users"][0]["user"] | {"as": name, "as-groups": [*groups, "system:authenticated"]}
        path = Path(self._directory.name) / f"{name.replace(':', '-')}.kubeconfig"
        path.write_text(json.dumps(kubeconfig_of(config["clusters"][0]["cluster"], user)))
        return path


def kubeconfig_of(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": dict(cluster)}],
        "users": [{"name": "test", "user": dict(user)}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
