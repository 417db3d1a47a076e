"""`make cluster`: a node that stays for a person to play with, podmeta installed on it, until `make cluster-down`.

Rule: it is the node of the tests, no other, and the chart as anybody installs it; what the person gets is a kubeconfig
      and the kubectl and helm that fit.
Strategy: a process in the background holds the node; it ends the node when it is told to end. One that was killed
      cannot, so `down` clears away what is left as well.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.kube import binaries, build, machine
from tests.kube.binaries import Unavailable
from tests.kube.node import Node
from tests.kube.processes import Failed

DIRECTORY = Path(".cluster")
_TRY = """
export KUBECONFIG={directory}/kubeconfig PATH={directory}/bin:$PATH
kubectl get nodes,pods --all-namespaces
kubectl apply -f examples/chapter/downward.yaml -f examples/chapter/curl-with-ambassador.yaml
kubectl exec downward -- env
kubectl exec downward -- ls -lL /etc/downward
kubectl exec curl-with-ambassador -c main -- curl -s localhost:8001/api/v1/namespaces/default/pods
make cluster-down
"""


def up(directory: Path) -> None:
    """Starts a node in the background and returns when it is ready."""
    if _running(directory):
        print(f"it runs already:{_TRY.format(directory=directory)}")  # noqa: T201 - what the person asked for
        return
    directory.mkdir(exist_ok=True)
    log = directory / "node.log"
    with log.open("wb") as output, log.open("r") as progress:
        command = [sys.executable, "-m", "tests.kube.keep", "hold", str(directory)]
        # Of its own session, so that it survives the terminal that started it.
        node = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        while node.poll() is None and not (directory / "kubeconfig").exists():
            sys.stderr.write(progress.read())
            time.sleep(0.2)
        sys.stderr.write(progress.read())
    if node.poll() is not None:
        sys.exit("the node did not start")
    print(f"the cluster is there; try:{_TRY.format(directory=directory)}")  # noqa: T201 - what the person asked for


def hold(directory: Path) -> None:
    """Is the process in the background: a node from start to SIGTERM."""
    end = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: end.set())
    with Node(directory) as node:
        (directory / "pid").write_text(str(os.getpid()))
        helm = binaries.find("helm")["helm"]
        (directory / "bin").mkdir()
        for program in (node.program("kubectl"), helm):
            (directory / "bin" / program.name).symlink_to(program)
        half = directory / "kubeconfig.half"
        half.write_text(node.kubectl("config", "view", "--flatten", "--raw").stdout)
        _install(node, helm)
        half.rename(directory / "kubeconfig")  # the last thing: `up` waits for it
        end.wait()


def _install(node: Node, helm: Path) -> None:
    """podmeta as the chart has it by default; where that fails, the node is still there to find out why."""
    node.image("podmeta")
    where = (f"--kubeconfig={node.kubeconfig}", "--namespace=podmeta-system", "--create-namespace")
    command = (helm, "install", "podmeta", build.ROOT / "charts" / "podmeta", *where, "--wait", "--timeout=90s")
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    said = "podmeta is installed" if done.returncode == 0 else f"podmeta is NOT installed: {done.stderr.strip()}"
    print(said, file=sys.stderr, flush=True)  # noqa: T201 - progress


def down(directory: Path) -> None:
    """Ends it, and removes what it left."""
    if _running(directory):
        os.kill(int((directory / "pid").read_text()), signal.SIGTERM)
    if directory.exists():
        with machine.alone(directory):
            pass  # to have been given the directory is enough: it is removed


def _running(directory: Path) -> bool:
    """Whether the process that holds the node is there, and is that one."""
    try:
        pid = (directory / "pid").read_text()
        command = Path("/proc", pid, "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"hold" in command and os.fsencode(directory) in command


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.kube.keep", description=__doc__)
    parser.add_argument("what", choices=("up", "hold", "down"))
    parser.add_argument("directory", nargs="?", type=Path, default=DIRECTORY)
    arguments = parser.parse_args()
    try:
        {"up": up, "hold": hold, "down": down}[arguments.what](arguments.directory.resolve())
    except (Unavailable, Failed) as reason:
        sys.exit(str(reason))


if __name__ == "__main__":
    main()
