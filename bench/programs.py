"""The programs of the benchmark: the peers and the load in Go, kopf in a virtual environment of its own.

Rule: what is measured is what go.mod, go.sum and requirements.txt name, built as people release it.
Strategy: built once into the cache, in a folder named by a hash of all that decides the result; a lock lets two runs
      wait for each other.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kube.binaries import Unavailable

HERE = Path(__file__).parent
PACKAGES = {
    "load": "./load",
    "go-http": "./peers/go-http",
    "go-controller-runtime": "./peers/go-controller-runtime",
    "go-tricks": "./peers/go-tricks",
}
KOPF = HERE / "peers/kopf/requirements.txt"


def go(name: str) -> Path:
    """The path of a Go program; builds it where it is missing (minutes, the first time)."""
    sources = [HERE / "go.mod", HERE / "go.sum", *sorted(HERE.rglob("*.go"))]
    with _cached("go", sources) as directory:
        if not (directory / name).exists():
            _build(name, directory)
    return directory / name


def kopf_python() -> Path:
    """The interpreter of a virtual environment that has kopf, and nothing but what is pinned for it."""
    with _cached("kopf", [KOPF], sys.version) as directory:
        python, ready = directory / "bin/python", directory / ".ready"
        if not ready.exists():
            _run([sys.executable, "-m", "venv", str(directory)])
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _run([*pip, "--require-hashes", "-r", str(KOPF)])
            ready.touch()
    return python


def _build(name: str, directory: Path) -> None:
    if shutil.which("go") is None:
        raise Unavailable(f"{name} is not built yet and there is no `go` on PATH to build it; install Go 1.26 or newer")
    print(f"building {name}", file=sys.stderr, flush=True)
    half = directory / f".{name}.half"
    flags = ["-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", "-s -w"]
    _run(["go", "build", *flags, "-o", str(half), PACKAGES[name]], CGO_ENABLED="0", GOWORK="off")
    half.replace(directory / name)


def _run(command: list[str], **environment: str) -> None:
    done = subprocess.run(command, cwd=HERE, env=os.environ | environment, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(command[:3])}: {done.stderr.strip()[-1500:]}")


@contextmanager
def _cached(kind: str, sources: list[Path], more: str = "") -> Iterator[Path]:
    digest = hashlib.sha256(f"{sys.platform} {platform.machine()} {more}".encode())
    for source in sources:
        digest.update(source.read_bytes())
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(base) / "podmeta" / "bench" / f"{kind}-{digest.hexdigest()[:16]}"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given back when the file is closed, even by a crash
        yield directory


def main() -> None:
    """Builds what is missing, so that neither a test nor a measurement waits for it."""
    try:
        for name in PACKAGES:
            go(name)
        kopf_python()
    except Unavailable as reason:
        sys.exit(str(reason))


if __name__ == "__main__":
    main()
