"""`make cluster`: a node that stays for a person to play with, until `make cluster-down`.

Rule: it is the node of the tests, no other; what the person gets is a kubeconfig and the kubectl that fits.
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

from tests.kube import machine
from tests.kube.binaries import Unavailable
from tests.kube.node import Node
from tests.kube.processes import Failed

DIRECTORY = Path(".cluster")
_TRY = """
export KUBECONFIG={directory}/kubeconfig PATH={directory}/bin:$PATH
kubectl get nodes,pods --all-namespaces
kubectl run hello --image=busybox --command -- sleep 9999999
kubectl exec hello -- env
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
        (directory / "bin").mkdir()
        (directory / "bin" / "kubectl").symlink_to(node.program("kubectl"))
        half = directory / "kubeconfig.half"
        half.write_text(node.kubectl("config", "view", "--flatten", "--raw").stdout)
        half.rename(directory / "kubeconfig")  # the last thing: `up` waits for it
        end.wait()


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
