"""Builds the two images that need more than files of this machine: Debian's Python, and podmeta by its Dockerfile.

Rule: the Dockerfile is built as it stands. What only this machine needs (its package index, its CA) is given as build
      secrets, which no layer holds.
Strategy: mmdebstrap makes a root file system with apt's own checks; buildah needs no daemon, and works in a directory
      that is gone afterwards.
"""

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from tests.kube.binaries import Unavailable
from tests.kube.machine import program
from tests.kube.oci import Store

ROOT = Path(__file__).parents[2]
_UNREAD = ("doc", "info", "locale", "man")
DEBIAN = (  # bookworm has Python 3.11
    "--variant=minbase",
    "--include=python3,python3-venv,ca-certificates",
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _UNREAD),
    "bookworm",
)
_INDEX = ("index-url", "extra-index-url", "trusted-host")
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


def debian(system: Path) -> None:
    """Writes the root file system of a small Debian, as a tar file."""
    run(program("mmdebstrap"), *DEBIAN, system)


def sources() -> Iterator[bytes | Path]:
    """All that decides podmeta's image; the folders' files with their names."""
    yield ROOT / "Dockerfile"
    yield ROOT / ".dockerignore"
    for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock", "README.md", "LICENSE"):
        yield ROOT / name
    for folder in ("certs", "webhook"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield str(path.relative_to(ROOT)).encode()
                yield path


def dockerfile(images: Store, base: str) -> str:
    """Builds the project's Dockerfile on an image of the store; the digest of the result."""
    with _workplace() as directory:
        images.lay_out(base, directory / "base")
        # Its own mounts, so that a build that is cut off leaves none. The steps that did not change are kept.
        kept = (f"--root={images.directory / 'buildah'}", f"--runroot={directory / 'run'}", "--storage-driver=overlay")
        buildah = ("unshare", "--mount", program("buildah"), *kept)
        secrets = (f"--secret=id=pip,src={_pip_conf(directory)}", f"--secret=id=ca,src={_authorities()}")
        given = (f"--build-arg=BASE=oci:{directory / 'base'}", *secrets, "--tag=podmeta")
        run(*buildah, "bud", "--layers", "--isolation=chroot", "--format=oci", *given, ROOT)
        run(*buildah, "push", "--disable-compression", "podmeta", f"dir:{directory / 'made'}")
        return images.take(directory / "made")


@contextmanager
def _workplace() -> Iterator[Path]:
    """A temporary directory. Buildah reads its path as an image name, in which tempfile's `_` may not end a part."""
    directory = Path(tempfile.gettempdir()) / f"podmeta-build-{uuid4().hex}"
    directory.mkdir(mode=0o700)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _authorities() -> str:
    """The CA bundle that this machine's pip trusts."""
    named = (os.environ.get(name) for name in ("PIP_CERT", "SSL_CERT_FILE"))
    return next((path for path in named if path), str(_AUTHORITIES))


def _pip_conf(directory: Path) -> Path:
    """Where this machine's pip looks for packages, for the pip of the build."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], text=True, capture_output=True, check=False
    ).stdout
    settings = ["[global]", "cert = /run/secrets/ca"]
    for key, value in (line.split("=", 1) for line in listed.splitlines() if "=" in line):
        name = key.rpartition(".")[2]
        if name in _INDEX:
            settings.append(f"{name} = {ast.literal_eval(value)}")
    path = directory / "pip.conf"
    path.write_text("\n".join(settings) + "\n")
    return path


def run(*command: str | Path, directory: Path = ROOT, **environment: str) -> None:
    """Runs a step of a build. Raises Unavailable with what it said, where it fails."""
    given = os.environ | environment
    done = subprocess.run([*map(str, command)], cwd=directory, env=given, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise Unavailable(
            f"{' '.join(map(str, command[:4]))} ... failed: {(done.stderr or done.stdout).strip()[-3000:]}"
        )
