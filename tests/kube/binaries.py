"""The Kubernetes programs that the tests start, built from their Go modules.

Rule: a test runs the versions that go/*/go.mod names, and go.sum pins their sources by hash; no finished program is
      downloaded. What KUBEBUILDER_ASSETS holds is taken from there instead.
Strategy: one `go build` a program into a cache directory whose name is a hash of all that decides the result, so that
      a new version never meets an old program. A program appears there by a rename, when it is whole; a lock lets the
      workers of one run, and several runs, wait for each other instead of building twice.
"""

import argparse
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

MODULES = Path(__file__).parent / "go"
ASSETS = "KUBEBUILDER_ASSETS"  # https://book.kubebuilder.io/reference/envtest: a directory with the programs
_FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly")


class Unavailable(Exception):  # noqa: N818 - a state of the machine, not a fault of the code
    """The programs cannot be had on this machine; the text is the sentence that a skipped test shows."""


class Program(NamedTuple):
    """One row: the program's name, the folder of go/ that pins it, its package, and how it is built."""

    name: str
    module: str
    package: str
    stamped: bool = False
    tags: str = ""
    cgo: bool = False


def _kubernetes(name: str) -> Program:
    return Program(name, "kube", f"k8s.io/kubernetes/cmd/{name}", stamped=True)


def _containerd(name: str) -> Program:
    # The snapshotters left out want headers of libraries that no test needs.
    package = f"github.com/containerd/containerd/v2/cmd/{name}"
    return Program(name, "containerd", package, tags="no_btrfs no_devmapper no_zfs")


CONTROL_PLANE = (
    Program("etcd", "kube", "go.etcd.io/etcd/server/v3"),
    _kubernetes("kube-apiserver"),
    _kubernetes("kube-controller-manager"),
    _kubernetes("kubectl"),
)
NODE = (
    _kubernetes("kube-scheduler"),
    _kubernetes("kubelet"),
    _kubernetes("kube-proxy"),
    _containerd("containerd"),
    _containerd("containerd-shim-runc-v2"),
    _containerd("ctr"),
    Program("coredns", "coredns", "podmeta.test/coredns"),
    # Without libseccomp no container with `seccompProfile: RuntimeDefault` starts.
    Program("runc", "runc", "github.com/opencontainers/runc", tags="seccomp", cgo=True),
)
CHART = (Program("helm", "helm", "helm.sh/helm/v4/cmd/helm"),)
PROGRAMS = {program.name: program for program in CONTROL_PLANE + NODE + CHART}


def kubernetes_version(modules: Path = MODULES) -> str:
    """The version of Kubernetes that go.mod requires, such as v1.36.3."""
    required = re.search(r"^\s*k8s\.io/kubernetes (v\S+)", (modules / "kube" / "go.mod").read_text(), re.MULTILINE)
    if required is None:
        raise Unavailable(f"{modules / 'kube' / 'go.mod'} requires no k8s.io/kubernetes")
    return required.group(1)


def _command(program: Program, output: Path, modules: Path) -> list[str]:
    ldflags = "-s -w"
    if program.stamped:  # a program that is not stamped calls itself v0.0.0, and discovery says so to every client
        version = kubernetes_version(modules)
        major, minor, _ = version.removeprefix("v").split(".", 2)
        stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
        ldflags += "".join(f" -X k8s.io/component-base/version.{name}={text}" for name, text in stamps.items())
    tags = ["-tags", program.tags] if program.tags else []
    return ["go", "build", *_FLAGS, *tags, "-ldflags", ldflags, "-o", str(output), program.package]


def key(modules: Path = MODULES) -> str:
    """A hash of everything that decides what is built: the pinned sources, the commands, the platform."""
    digest = hashlib.sha256(f"{sys.platform} {platform.machine()}".encode())
    for module in sorted({program.module for program in PROGRAMS.values()}):
        for name in ("go.mod", "go.sum"):
            digest.update((modules / module / name).read_bytes())
    for program in PROGRAMS.values():
        digest.update(repr((_command(program, Path(program.name), modules), program.cgo)).encode())
    return digest.hexdigest()[:16]


def cache(modules: Path = MODULES) -> Path:
    """Where the programs are kept, outside of the checkout."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "podmeta" / "kube" / key(modules)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given back when the file is closed, even by a crash
        yield


def _build(program: Program, directory: Path, modules: Path) -> None:
    """Builds one program that is not there yet. The name appears by a rename: a build that is cut off leaves none."""
    if shutil.which("go") is None:
        raise Unavailable(
            f"{program.name} is not built yet and there is no `go` on PATH to build it; install Go, or set {ASSETS} to "
            "a directory that has etcd, kube-apiserver, kube-controller-manager and kubectl"
        )
    began = time.monotonic()
    half = directory / f".{program.name}.half"
    environment = os.environ | {"CGO_ENABLED": "1" if program.cgo else "0", "GOWORK": "off"}
    built = subprocess.run(
        _command(program, half, modules),
        cwd=modules / program.module,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )
    if built.returncode != 0:
        raise Unavailable(f"{program.name} could not be built: {built.stderr.strip()[-1500:]}")
    half.replace(directory / program.name)
    print(f"{program.name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)  # noqa: T201 - progress


def build(programs: Iterable[Program] = CONTROL_PLANE, modules: Path = MODULES) -> Path:
    """The cache directory, with these programs in it; builds those that are missing (minutes, the first time)."""
    directory = cache(modules)
    missing = [program for program in programs if not (directory / program.name).exists()]
    if missing:
        with _locked(directory):
            for program in missing:
                if not (directory / program.name).exists():  # another worker may have built it while this one waited
                    _build(program, directory, modules)
    return directory


def find(*names: str) -> dict[str, Path]:
    """The path of each program: from KUBEBUILDER_ASSETS where it has it, else built. Raises Unavailable."""
    assets = os.environ.get(ASSETS)
    given = {name: Path(assets) / name for name in names if (Path(assets) / name).exists()} if assets else {}
    if not all(name in given for name in names):
        directory = build([PROGRAMS[name] for name in names if name not in given])
        given |= {name: directory / name for name in names if name not in given}
    return given


def main() -> None:
    """Builds what is missing: progress on stderr, the directory on stdout."""
    parser = argparse.ArgumentParser(prog="python -m tests.kube.binaries", description=main.__doc__)
    parser.add_argument("--node", action="store_true", help="also what a node needs: kubelet, containerd, runc ...")
    wanted = CONTROL_PLANE + CHART + (NODE if parser.parse_args().node else ())
    try:
        print(build(wanted))  # noqa: T201 - the answer
    except Unavailable as reason:
        sys.exit(str(reason))


if __name__ == "__main__":
    main()
