"""A real kube-apiserver for tests.

Rule: nothing is imitated: etcd, kube-apiserver and, where asked for, kube-controller-manager run as they do in a
      cluster, with the admission plugins that they enable by default, and NodeRestriction.
Strategy: everything lives in one temporary directory and on loopback ports, so that several can run side by side.
      There is no node: a pod is admitted, stored and listed, never run. At the end the programs are killed, since
      kube-apiserver would spend a minute on an orderly end and its state is thrown away.
"""

import http.client
import json
import os
import ssl
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kube import binaries
from tests.kube.cluster import EXISTING, Cluster, ExistingCluster, kubeconfig_of
from tests.kube.pki import Authority, Pair, key_pem, new_key, public_pem
from tests.kube.processes import LOOPBACK, Port, Process, wait_until

_MASTERS = "system:masters"
_SERVICE_RANGE = "10.96.0.0/24"
_NAMES = ("localhost", LOOPBACK, "10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


class ApiServer(Cluster):
    """etcd and kube-apiserver of one's own, from `with` to its end. Raises binaries.Unavailable before it starts.

    `flags` are further flags for kube-apiserver; `controller_manager` also runs what makes ServiceAccounts and the
    pods of workloads.
    """

    def __init__(self, *, controller_manager: bool = False, flags: Sequence[str] = ()) -> None:
        names = ["etcd", "kube-apiserver", "kubectl", *(["kube-controller-manager"] if controller_manager else [])]
        self._programs = binaries.find(*names)
        self._kubectl = self._programs["kubectl"]
        self._controller_manager = controller_manager
        self._flags = tuple(flags)
        self._stack = ExitStack()
        self.processes: list[Process] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="podmeta-kube-")))
            stack.callback(self._kill)
            etcd, own = stack.enter_context(Port()), stack.enter_context(Port())
            peer = stack.enter_context(Port())
            self.url = f"https://{own}"
            # No cache of discovery and no preferences from the home directory: another API server had this port once.
            self._environment = os.environ | {"KUBECACHEDIR": str(self.directory / "cache"), "KUBERC": "off"}
            self._issue()
            self._start_etcd(etcd, peer)
            self._start_apiserver(etcd, own)
            wait_until(self._ready, self.processes, "a ready kube-apiserver")
            if self._controller_manager:
                self._start_controller_manager()
                wait_until(self._accounts, self.processes, "the ServiceAccount `default` and `kube-root-ca.crt`")
            self.version = json.loads(self._request("/version")[1])["gitVersion"]
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def check(self) -> None:
        for process in self.processes:
            process.check()

    def user(self, name: str, groups: Sequence[str] = ()) -> Path:
        path = self.directory / f"{name.replace(':', '-')}.kubeconfig"
        return self._write_kubeconfig(path, self._authority.issue(name, groups))

    def expose(self, name: str, namespace: str, port: int) -> None:
        """Makes a Service by which a webhook's `clientConfig.service`, with this port, reaches a port of this machine.

        Nothing routes a ClusterIP here, but for an ExternalName the API server dials that name, and still expects the
        certificate of NAME.NAMESPACE.svc.
        """
        spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}
        metadata = {"name": name, "namespace": namespace}
        self.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})

    def _kill(self) -> None:
        for process in reversed(self.processes):
            process.kill()

    def _issue(self) -> None:
        self._authority = Authority()
        (self.directory / "ca.crt").write_bytes(self._authority.certificate)
        self._serving = self._authority.issue("kube-apiserver", hosts=_NAMES).write(self.directory, "apiserver")
        accounts = new_key()
        (self.directory / "accounts.key").write_bytes(key_pem(accounts))
        (self.directory / "accounts.pub").write_bytes(public_pem(accounts))
        admin = self._authority.issue("admin", [_MASTERS])
        self.kubeconfig = self._write_kubeconfig(self.directory / "admin.kubeconfig", admin)
        self._tls = ssl.create_default_context(cafile=str(self.directory / "ca.crt"))
        self._tls.load_cert_chain(*admin.write(self.directory, "admin"))

    def _write_kubeconfig(self, path: Path, pair: Pair) -> Path:
        certificate, key = pair.write(path.parent, path.stem)
        user = {"client-certificate": str(certificate), "client-key": str(key)}
        cluster = {"server": self.url, "certificate-authority": str(self.directory / "ca.crt")}
        path.write_text(json.dumps(kubeconfig_of(cluster, user)))
        return path

    def _start(self, name: str, *flags: str) -> None:
        self.processes.append(Process([self._programs[name], *flags], self.directory / f"{name}.log"))

    def _start_etcd(self, clients: Port, peers: Port) -> None:
        self._start(
            "etcd",
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls=http://{clients}",
            f"--advertise-client-urls=http://{clients}",
            f"--listen-peer-urls=http://{peers}",
            f"--initial-advertise-peer-urls=http://{peers}",
            f"--initial-cluster=default=http://{peers}",
            "--socket-reuse-port",
            "--unsafe-no-fsync",  # the data does not outlive the process
            "--heartbeat-interval=10",  # alone it elects itself: a second of waiting saved
            "--election-timeout=100",
        )

    def _start_apiserver(self, etcd: Port, own: Port) -> None:
        certificate, key = self._serving
        self._start(
            "kube-apiserver",
            f"--etcd-servers=http://{etcd}",
            f"--bind-address={LOOPBACK}",
            f"--advertise-address={LOOPBACK}",
            f"--secure-port={own.number}",
            "--permit-port-sharing",
            # The Service `kubernetes` may have no loopback address as its endpoint, and nothing here routes to it.
            "--endpoint-reconciler-type=none",
            f"--service-cluster-ip-range={_SERVICE_RANGE}",
            f"--client-ca-file={self.directory / 'ca.crt'}",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={self.directory / 'accounts.key'}",
            f"--service-account-key-file={self.directory / 'accounts.pub'}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged",
            *self._flags,
        )

    def _start_controller_manager(self) -> None:
        self._start(
            "kube-controller-manager",
            f"--kubeconfig={self.user('system:kube-controller-manager')}",
            f"--service-account-private-key-file={self.directory / 'accounts.key'}",
            f"--root-ca-file={self.directory / 'ca.crt'}",
            "--use-service-account-credentials",  # else no pod says which controller made it
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=500",  # its controllers start in turn, each with requests: 4 s at the default of 20
            "--kube-api-burst=1000",
        )

    def _request(self, path: str) -> tuple[int, str]:
        """A GET without kubectl, which would take longer to start than the API server needs to get ready."""
        connection = http.client.HTTPSConnection(self.url.removeprefix("https://"), context=self._tls, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def _ready(self) -> bool:
        try:
            return self._request("/readyz")[0] == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def _accounts(self) -> bool:
        made = ("serviceaccounts/default", "configmaps/kube-root-ca.crt")
        return all(self._request(f"/api/v1/namespaces/default/{one}")[0] == http.HTTPStatus.OK for one in made)


def cluster(*, controller_manager: bool = False, flags: Sequence[str] = ()) -> Cluster:
    """The cluster to test against: the one that the environment names, else one of our own."""
    if os.environ.get(EXISTING) == "1" and "KUBECONFIG" in os.environ:
        return ExistingCluster(Path(os.environ["KUBECONFIG"]))
    return ApiServer(controller_manager=controller_manager, flags=flags)
