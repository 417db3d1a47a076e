"""The machine that a node runs on: namespaces and a control group of its own on this machine.

Rule: a node changes nothing of the machine around it. Links, routes, iptables rules and mounts are made in namespaces
      that end with their last process; every process, whoever started it, is in one control group and ends with it.
Strategy: a process that only sleeps holds a network and a mount namespace; programs enter both on their way to
      starting. One veth pair leads there, with addresses of the range for benchmarks, which no network uses
      (RFC 2544), and no route leads on: what runs on the node reaches nothing but the node. /run and the like are
      empty there after each start, so that stop and start are what a reboot is: only the node's directory is kept.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tests.kube.binaries import Unavailable
from tests.kube.processes import Process, wait_until

HOST = "198.18.0.1"  # this machine, as the node sees it
ADDRESS = "198.18.0.2"  # the node
PLUGINS = Path("/usr/lib/cni")  # where Debian's containernetworking-plugins are
_LINK = "podmeta"
_GROUP = "podmeta"
_CGROUPS = Path("/sys/fs/cgroup")
_LOCK = Path("/run/podmeta-node.lock")
# What the kubelet sets for the whole machine (pkg/kubelet/cm, setupKernelTunables); put back at the end.
_TUNABLES = tuple(
    f"/proc/sys/{name}"
    for name in (
        "vm/overcommit_memory",
        "kernel/panic",
        "kernel/panic_on_oops",
        "kernel/keys/root_maxkeys",
        "kernel/keys/root_maxbytes",
    )
)
_EMPTY = ("/run", "/var/lib/kubelet", "/var/lib/cni", "/var/log/pods", "/var/log/containers")
_NEEDED = {
    "unshare": "util-linux", "nsenter": "util-linux", "setpriv": "util-linux", "ip": "iproute2",
    "iptables": "iptables", str(PLUGINS / "ptp"): "containernetworking-plugins", "busybox": "busybox-static",
}  # fmt: skip
_ENTER = 'echo $$ >"$0" && exec "$@"'


def require() -> None:
    """Raises Unavailable with the sentence why no node can run here."""
    if sys.platform != "linux":
        raise Unavailable("a node needs Linux")
    if os.geteuid() != 0:
        raise Unavailable("a node needs root: it makes namespaces, mounts and control groups")
    missing = sorted({package for name, package in _NEEDED.items() if shutil.which(name) is None})
    if missing:
        raise Unavailable(f"Debian packages are missing: {' '.join(missing)}; `make packages` installs them")
    tried = subprocess.run(["unshare", "--mount", "--net", "true"], text=True, capture_output=True, check=False)
    if tried.returncode != 0:
        raise Unavailable(f"root may not make namespaces here, as in most containers: {tried.stderr.strip()}")


def program(name: str) -> Path:
    """A program of this machine. Raises Unavailable."""
    path = shutil.which(name)
    if path is None:
        raise Unavailable(f"there is no `{name}` on PATH; `make packages` installs what packages.txt lists")
    return Path(path)


@contextmanager
def alone(given: Path | None = None, seconds: float = 60) -> Iterator[Path]:
    """One node at a time on a machine: a directory for its state, by default a temporary one, removed at the end.

    What a node left behind that was killed is cleared away first: the file that is the lock says what that is.
    """
    with _LOCK.open("a+") as lock:
        _take(lock, time.monotonic() + seconds)
        _clear()
        if left := _read(lock):
            _restore(left)
        directory = given or Path(tempfile.mkdtemp(prefix="podmeta-node-"))
        directory.mkdir(exist_ok=True)
        before = {"directory": str(directory), **{path: Path(path).read_text() for path in _TUNABLES}}
        lock.truncate(0)
        lock.write(json.dumps(before))
        lock.flush()
        # In memory: to remove what was unpacked from images takes a slow disk longer than all else together.
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(directory))
        try:
            yield directory
        finally:
            _restore(before)
            lock.truncate(0)


def _read(lock: TextIO) -> dict[str, str]:
    lock.seek(0)
    try:
        found: dict[str, str] = json.loads(lock.read())
    except ValueError:  # empty, or cut off
        return {}
    return found


def _restore(before: dict[str, str]) -> None:
    for path in _TUNABLES:
        Path(path).write_text(before[path])
    directory = Path(before["directory"])
    if directory.is_mount():
        _run("umount", "--lazy", str(directory))
    shutil.rmtree(directory, ignore_errors=True)


def _take(lock: TextIO, deadline: float) -> None:
    """Waits for the lock; raises Unavailable, which names who has it."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                where = _read(lock).get("directory", "a directory of its own")
                raise Unavailable(
                    f"a node runs here already, in {where}; `make cluster-down` ends the one of `make cluster`"
                ) from None
            time.sleep(0.2)
        else:
            return


class Machine:
    """The namespaces and the control group, from start() to stop(), any number of times."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._holder: Process | None = None

    def start(self) -> None:
        self._holder = holder = Process(["unshare", "--mount", "--net", "sleep", "infinity"], self._log)
        own = Path("/proc/self/ns/net").readlink()
        wait_until(lambda: Path(f"/proc/{holder.pid}/ns/net").readlink() != own, [holder], "a network namespace")
        for group in _roots():
            group.mkdir(exist_ok=True)
        _members().parent.mkdir(exist_ok=True)
        _run("ip", "link", "add", _LINK, "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid))
        _run("ip", "address", "add", f"{HOST}/30", "dev", _LINK)
        _run("ip", "link", "set", _LINK, "up")
        _run(*self.command("sh", "-e", "-c", _setup()))

    def command(self, *command: str | Path) -> list[str]:
        """The command that runs this one on the machine."""
        if self._holder is None:
            raise RuntimeError("the machine is not running")
        enter = ["nsenter", f"--target={self._holder.pid}", "--mount", "--net", "sh", "-c", _ENTER]
        return [*enter, str(_members()), *map(str, command)]

    def stop(self) -> None:
        """Ends every process of the machine, and with them its mounts, links and rules."""
        if self._holder is None:
            return
        self._holder.kill()
        self._holder = None
        _clear()


def _setup() -> str:
    empty = "\n".join(f"mkdir -p {path}\nmount -t tmpfs -o mode=755 tmpfs {path}" for path in _EMPTY)
    return f"""
        mount --make-rshared /
        {empty}
        ip link set lo up
        ip address add {ADDRESS}/30 dev eth0
        ip link set eth0 up
        ip route add 10.96.0.0/24 dev eth0 src {ADDRESS}
        echo 1 > /proc/sys/net/ipv4/ip_forward
    """


def _roots() -> list[Path]:
    """Our group in every hierarchy: one with cgroup v2, one a controller with v1."""
    if (_CGROUPS / "cgroup.procs").exists():
        return [_CGROUPS / _GROUP]
    return [path / _GROUP for path in _CGROUPS.iterdir() if (path / "cgroup.procs").exists()]


def _members() -> Path:
    """Where a process writes its id to be one of ours; with v2 only a group without children may have processes."""
    where = _CGROUPS if (_CGROUPS / "cgroup.procs").exists() else _CGROUPS / "pids"
    return where / _GROUP / "system" / "cgroup.procs"


def _clear() -> None:
    """Ends all processes in our group, then removes the group and the link."""
    _until(lambda: not _end(), "the node's processes")
    _until(_ungrouped, "the node's control groups")
    # The namespace would take the link along, but the kernel may keep one for minutes in which a connection still
    # waits for an answer. So it can be gone already, or go in this moment.
    subprocess.run(["ip", "link", "delete", _LINK], capture_output=True, check=False)
    if Path("/sys/class/net", _LINK).exists():
        raise RuntimeError(f"the link {_LINK} cannot be removed")


def _end() -> bool:
    """Kills what is in our group; whether there was anything."""
    found = {int(pid) for root in _roots() for file in root.rglob("cgroup.procs") for pid in file.read_text().split()}
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return bool(found)


def _ungrouped() -> bool:
    for root in _roots():
        for directory, _, _ in os.walk(root, topdown=False):
            try:
                Path(directory).rmdir()
            except OSError:  # a process of it is still on its way out
                return False
    return True


def _until(done: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not end within {seconds:.0f} s")
        time.sleep(0.02)


def _run(*command: str) -> None:
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
