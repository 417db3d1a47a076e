"""A whole node: what apiserver.py runs, and scheduler, controller-manager, containerd, kubelet, kube-proxy and CoreDNS.

Rule: pods really run. The programs are those of a cluster, with their own certificates and roles; nothing is pulled
      from outside, and nothing is left behind on the machine.
Strategy: every program runs on a Machine (namespaces and a control group of its own), beside a registry that answers
      from the images made here. `stop` and `start` are a reboot: what is on the disk stays, all else is gone.
"""

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Self
from urllib.request import urlopen

from tests.kube import binaries, configs, images, machine, registry
from tests.kube.apiserver import ApiServer
from tests.kube.cluster import EXISTING
from tests.kube.machine import ADDRESS, Machine
from tests.kube.processes import Port, Process, wait_until
from tests.kube.running import ExistingRunning, Running

_NAMES = ("localhost", ADDRESS, "10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


class Node(Running, ApiServer):
    """A cluster of one node of one's own, from `with` to its end. Raises binaries.Unavailable before it starts.

    `directory`: where the state is kept, by default a temporary one; it is removed at the end either way.
    """

    def __init__(self, directory: Path | None = None, flags: Sequence[str] = ()) -> None:
        machine.require()
        super().__init__(controller_manager=True, flags=flags)
        self._programs |= binaries.find(*(program.name for program in binaries.NODE))
        self._given = directory
        self._store = images.provide(*images.SMALL)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.directory = stack.enter_context(machine.alone(self._given))
            self._etcd, self._peers, self._own = (stack.enter_context(Port()) for _ in range(3))
            self.url = f"https://{ADDRESS}:{self._own.number}"
            self._environment = os.environ | {"KUBECACHEDIR": str(self.directory / "cache"), "KUBERC": "off"}
            self._issue()
            self._configure()
            self._machine = Machine(self.directory / "machine.log")
            stack.callback(self.stop)
            self.start()
            self.version = json.loads(self._request("/version")[1])["gitVersion"]
            self._stack = stack.pop_all()
        return self

    def start(self) -> None:
        """Starts the machine and waits until pods can run on it."""
        self._started = dt.datetime.now(dt.UTC).replace(microsecond=0)  # as exact as a heartbeat
        with _told("machine"):
            self._machine.start()
        with _told("control plane"):
            self._start_etcd(self._etcd, self._peers)
            self._start_apiserver(self._etcd, self._own)
            self._start_containerd()
            wait_until(self._ready, self.processes, "a ready kube-apiserver")
        with _told("node"):
            self._start_controller_manager()
            self._start_node()
            self.apply(configs.dns())
            self._start("coredns", "-conf", str(self.directory / "Corefile"))
            wait_until(self._accounts, self.processes, "the ServiceAccount `default` and `kube-root-ca.crt`")
            wait_until(self._node_ready, self.processes, "a ready node")
            wait_until(self._dns_ready, self.processes, "a ready CoreDNS")

    def stop(self) -> None:
        """Ends every process of the machine, containers included; what is on the disk stays."""
        self._machine.stop()  # etcd too: what it wrote is the kernel's already
        self._kill()
        self.processes.clear()

    def expose(self, name: str, namespace: str, port: int) -> None:
        """Makes a Service that leads to a port on this machine: to a server that listens on machine.HOST."""
        metadata = {"name": name, "namespace": namespace, "labels": {"kubernetes.io/service-name": name}}
        ports = [{"port": port, "protocol": "TCP"}]
        for more in (
            {"apiVersion": "v1", "kind": "Service", "spec": {"ports": ports}},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "ports": ports,
             "endpoints": [{"addresses": [machine.HOST]}]},
        ):  # fmt: skip
            self.apply({"metadata": metadata, **more})

    def image(self, name: str) -> str:
        """Makes one more of images.IMAGES, so that the node can pull it; its name."""
        images.provide(name)
        return images.IMAGES[name].names[-1]

    def inside(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs a command in the node's network, from where pods and Services can be reached."""
        path = f"PATH={Path(sys.executable).parent}:{os.environ['PATH']}"
        entered = self._machine.command("env", path, *command)
        return subprocess.run(entered, text=True, capture_output=True, check=False)

    def program(self, name: str) -> Path:
        """The path of one of the programs, such as kubectl."""
        return self._programs[name]

    def report(self) -> str:
        return "\n".join([super().report(), *(f"{process.name}:\n{process.tail(5)}" for process in self.processes)])

    def _issue(self) -> None:
        super()._issue()
        issue = self._authority.issue
        self._serving = issue("kube-apiserver", hosts=_NAMES).write(self.directory, "apiserver")
        self._to_kubelet = issue("kubelet-client", ["system:masters"]).write(self.directory, "kubelet-client")
        self._kubelet_serving = issue("kubelet", hosts=[ADDRESS, configs.NODE]).write(self.directory, "kubelet")

    def _configure(self) -> None:
        files = {
            "containerd.toml": configs.containerd(self.directory),
            "registry/_default/hosts.toml": configs.registry(),
            "cni/10-pods.conflist": configs.cni(self.directory),
            "kubelet.yaml": configs.kubelet(self.directory, *self._kubelet_serving),
            "resolv.conf": "",
            "Corefile": configs.corefile(self.user("system:coredns")),
        }
        for name, text in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self._users = {
            "kube-scheduler": self.user("system:kube-scheduler"),
            "kube-proxy": self.user("system:kube-proxy"),
            "kubelet": self.user(f"system:node:{configs.NODE}", ["system:nodes"]),
        }

    def _start(self, name: str, *flags: str) -> None:
        path = f"PATH={self._programs['containerd'].parent}:{os.environ['PATH']}"
        command = self._machine.command("env", path, self._programs.get(name, sys.executable), *flags)
        process = Process(command, self.directory / f"{name}.log")
        process.name = name
        self.processes.append(process)

    def _start_apiserver(self, etcd: Port, own: Port) -> None:
        certificate, key = self._to_kubelet
        given = self._flags
        self._flags = (  # where a flag is named twice, the last one counts
            f"--bind-address={ADDRESS}",
            f"--advertise-address={ADDRESS}",
            "--endpoint-reconciler-type=lease",
            f"--kubelet-client-certificate={certificate}",
            f"--kubelet-client-key={key}",
            "--kubelet-preferred-address-types=InternalIP",  # the node's name is known to nobody
            *given,
        )
        super()._start_apiserver(etcd, own)
        self._flags = given

    def _start_containerd(self) -> None:
        self._start("registry", registry.__file__, str(self._store.directory), configs.REGISTRY.rpartition(":")[2])
        self._start("containerd", f"--config={self.directory / 'containerd.toml'}")

    def _start_node(self) -> None:
        users = {name: f"--kubeconfig={path}" for name, path in self._users.items()}
        self._start("kube-scheduler", users["kube-scheduler"], "--leader-elect=false", "--secure-port=0")
        self._start(
            "kubelet",
            users["kubelet"],
            f"--config={self.directory / 'kubelet.yaml'}",
            f"--hostname-override={configs.NODE}",
            f"--node-ip={ADDRESS}",
            f"--root-dir={self.directory / 'kubelet'}",
        )
        self._start(
            "kube-proxy",
            users["kube-proxy"],
            "--proxy-mode=iptables",
            f"--hostname-override={configs.NODE}",
            f"--cluster-cidr={configs.PODS}",
            "--conntrack-max-per-core=0",  # the whole machine's affair, and read-only in a network namespace
        )

    def _node_ready(self) -> bool:
        """Whether the kubelet has said so since the start: what it said before a reboot is still there to read."""
        status, text = self._request(f"/api/v1/nodes/{configs.NODE}")
        conditions = json.loads(text)["status"].get("conditions", []) if status == HTTPStatus.OK else []
        ready = next((one for one in conditions if one["type"] == "Ready"), None)
        return (
            ready is not None
            and ready["status"] == "True"
            and dt.datetime.fromisoformat(ready["lastHeartbeatTime"]) >= self._started
        )

    def _dns_ready(self) -> bool:
        try:
            urlopen(f"http://{configs.DNS_READY}/ready", timeout=1).close()  # raises where it answers 503
        except OSError:
            return False
        return True


@contextmanager
def _told(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)  # noqa: T201 - progress


def cluster() -> Running:
    """The cluster to run pods on: the one that the environment names, else a node of our own."""
    if os.environ.get(EXISTING) == "1" and "KUBECONFIG" in os.environ:
        return ExistingRunning(Path(os.environ["KUBECONFIG"]))
    return Node()
