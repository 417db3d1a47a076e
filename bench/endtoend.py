"""What a webhook adds to the creation of a pod, through the real API server, as its client sees it.

Rule: nothing is imitated but the node: kube-apiserver and etcd admit and answer, a dry run, so that nothing is stored
      and no round meets a larger cluster than the one before it. A scenario is first asked for one pod, and its
      variables must be there.
Strategy: the scenarios in turn, several rounds. Latency as the client sees it, minus that without a webhook in the same
      round; beside it the API server's own histogram of its admission plugins, and its CPU. Then bursts.
"""

import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench.bodies import SERIAL, body
from bench.drive import drive
from bench.metrics import total
from bench.peers.downward import KINDS, VARIABLES
from bench.running import SERVICES, Running, cpu_seconds, running
from bench.scenarios import LABEL, NONE, SCENARIOS, WEBHOOKS, configurations, namespace, pod, webhook_name
from bench.servers import USUAL
from tests.kube.apiserver import ApiServer

CREATIONS = 2000  # of each scenario, over all rounds
BURST = 200
DURATION = "apiserver_admission_controller_admission_duration_seconds_sum"
PLUGINS = ("MutatingAdmissionPolicy", "MutatingAdmissionWebhook")
CALLS = "apiserver_admission_webhook_request_total"
TCP = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
Json = dict[str, Any]
Say = Callable[[str], None]


class Stage(NamedTuple):
    """An API server with every scenario in it, and the pod that is created."""

    cluster: ApiServer
    servers: dict[str, Running]
    pod: Path

    def metrics(self) -> str:
        return self.cluster.kubectl("get", "--raw", "/metrics").stdout

    def cpu(self) -> float:
        return cpu_seconds(next(process.pid for process in self.cluster.processes if process.name == "kube-apiserver"))


def measure(rounds: int, say: Say) -> Json:
    """Creations one after the other, eight at a time, and bursts."""
    with staged(say) as stage:
        found: Json = {name: {"one": [], "eight": [], "burst": []} for name in SCENARIOS}
        for number in range(rounds + 1):
            for name in SCENARIOS:
                say(f"end to end, round {number} of {rounds}: {name}")
                one = creations(stage, name, "closed", 1, CREATIONS // rounds if number else 20)
                eight = creations(stage, name, "closed", 8, CREATIONS // rounds if number else 20)
                burst = creations(stage, name, "burst", BURST, 1)
                if number:
                    for kind, cell in (("one", one), ("eight", eight), ("burst", burst)):
                        found[name][kind].append(cell)
        return {"kubernetes": stage.cluster.version, "creations": CREATIONS, "scenarios": found}


def creations(stage: Stage, scenario: str, mode: str, connections: int, requests: int) -> Json:
    """Times in microseconds: `admission` in the API server's mutating plugins, `cpu` its own, both a creation."""
    webhook = stage.servers.get(scenario)
    text, cpu, used = stage.metrics(), stage.cpu(), webhook.cpu() if webhook else 0.0
    with connections_to(webhook.port if webhook else 0) as opened:
        load = _drive(stage, scenario, mode, connections, requests)
    if load.failed:
        raise RuntimeError(f"{scenario}: {load.failed} creations failed, the last one with: {load.failure}")
    cpu, used = stage.cpu() - cpu, (webhook.cpu() if webhook else 0.0) - used
    later = stage.metrics()
    spent = sum(total(later, DURATION, name=plugin) - total(text, DURATION, name=plugin) for plugin in PLUGINS)
    name = webhook_name(scenario)
    return {
        **{figure: getattr(load, figure) for figure in ("requests", "rate", "mean", "p50", "p99", "max")},
        "admission": spent / load.requests * 1e6,
        "cpu": cpu / load.requests * 1e6,
        "webhook": used / load.requests * 1e6,
        "calls": total(later, CALLS, name=name) - total(text, CALLS, name=name),
        "connections": len(opened),
    }


def _drive(stage: Stage, scenario: str, mode: str, connections: int, requests: int) -> Any:
    folder = stage.cluster.directory
    client = {"cert": folder / "admin.crt", "key": folder / "admin.key", "expect": 201}
    path = f"/api/v1/namespaces/{namespace(scenario)}/pods?dryRun=All"
    port = int(stage.cluster.url.rpartition(":")[2])
    flags = {**client, "path": path, "connections": connections, "requests": requests}
    return drive(port, folder / "ca.crt", stage.pod, mode, free=True, **flags)


@contextmanager
def staged(say: Say) -> Iterator[Stage]:
    """The API server, the webhooks, and a namespace for each scenario in which its variables have been seen."""
    say("starting an API server and the webhooks")
    with (
        ApiServer(controller_manager=True) as cluster,
        running(WEBHOOKS.values(), body(USUAL)) as servers,
        tempfile.TemporaryDirectory(prefix="podmeta-bench-") as folder,
    ):
        for name in SCENARIOS:
            cluster.namespace(namespace(name), {LABEL: namespace(name)})
        cluster.namespace(SERVICES)
        for name, server in servers.items():
            cluster.expose(namespace(name), SERVICES, server.port)
        for document in configurations(servers):
            cluster.apply(document)
        file = Path(folder) / "pod.json"
        file.write_bytes(pod())
        stage = Stage(cluster, servers, file)
        for name in SCENARIOS:
            await_variables(stage, name)
        yield stage


def await_variables(stage: Stage, scenario: str) -> None:
    """The API server reads a new configuration within seconds."""
    expected = {variable["name"] for variable in VARIABLES} if scenario != NONE else set()
    path = f"--raw=/api/v1/namespaces/{namespace(scenario)}/pods?dryRun=All"
    text = pod().replace(SERIAL.encode(), b"probe").decode()
    for _ in range(40):
        made = json.loads(stage.cluster.kubectl("create", path, "--filename=-", stdin=text).stdout)
        containers = [container for kind in KINDS for container in made["spec"].get(kind, ())]
        if all({entry["name"] for entry in container.get("env", ())} == expected for container in containers):
            return
        threading.Event().wait(0.25)
    raise RuntimeError(f"{scenario}: the variables do not come: {made['spec']}")


@contextmanager
def connections_to(port: int) -> Iterator[set[str]]:
    """The client's ends of all connections to a port of this machine, closed ones included for the minute that the
    kernel remembers them: those that were not there before.
    """
    before, seen, done = clients_of(port), set[str](), threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            seen.update(clients_of(port) - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()
        seen.update(clients_of(port) - before)


def clients_of(port: int) -> set[str]:
    """Ports of the clients, as proc_net_tcp(5) writes them: whichever end a line tells about."""
    ending, found = f":{port:04X}", set()
    for line in (line for path in TCP for line in path.read_text().splitlines()[1:]):
        _, local, remote, *_ = line.split()
        if local.endswith(ending):
            found.add(remote.rpartition(":")[2])
        elif remote.endswith(ending):
            found.add(local.rpartition(":")[2])
    return found - {"0000"}
