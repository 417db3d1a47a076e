"""Container images as files: layers, configurations, manifests and their names in one directory.

Rule: the formats are those of the OCI image specification; a blob's name is the hash of its bytes, and whatever is in
      the directory under its final name is whole.
Strategy: layers are plain tar files: packing 60 MB costs more than reading them from the disk does. Everything that
      could differ between two runs (times, owners, order) is fixed, so that the same content is the same image.
"""

import fcntl
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

# https://github.com/opencontainers/image-spec/blob/main/media-types.md
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_LOADED = re.compile(r"(/\S+) \(0x")  # by ldd: `libc.so.6 => /lib/libc.so.6 (0x00007f...)`, or without the arrow
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Entry(NamedTuple):
    """Something in a layer: a file of this machine, bytes, a link (`target`), or else a directory."""

    path: str
    source: Path | bytes | None = None
    target: str = ""
    mode: int = 0o755


class Blob(NamedTuple):
    digest: str
    size: int


class Store:
    """A directory with images: blobs/HEX, and names/HOST/REPOSITORY/TAG, whose text is a manifest's digest."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._blobs, self._names = directory / "blobs", directory / "names"
        for path in (self._blobs, self._names):
            path.mkdir(parents=True, exist_ok=True)

    def blob(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")

    def add(self, content: bytes | Path) -> Blob:
        """Keeps the bytes, or the bytes of a file."""
        half = Path(tempfile.mkstemp(dir=self._blobs, prefix=".half-")[1])
        if isinstance(content, bytes):
            half.write_bytes(content)
        else:
            shutil.copyfile(content, half)
        with half.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = half.stat().st_size
        half.replace(self._blobs / digest)
        return Blob(f"sha256:{digest}", size)

    def image(self, layers: Sequence[Path | bytes], config: Mapping[str, Any]) -> str:
        """Makes an image of layers and its `config` (Entrypoint, Env ...); the digest of its manifest."""
        blobs = [self.add(layer) for layer in layers]
        machine = {"architecture": _MACHINES.get(platform.machine(), platform.machine()), "os": "linux"}
        rootfs = {"type": "layers", "diff_ids": [blob.digest for blob in blobs]}
        described = {"config": {"Env": [PATH]} | dict(config), "rootfs": rootfs}
        history = [{"created_by": "tests/kube/oci.py"} for _ in blobs]  # buildah counts them
        made = self.add(_json(machine | described | {"history": history}))
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(_CONFIG, made),
            "layers": [_descriptor(_LAYER, blob) for blob in blobs],
        }
        return self.add(_json(manifest)).digest

    def layers(self, reference: str) -> list[Path]:
        """The layers of the image of that name, for one on top of it."""
        digest = self.find(reference)
        if digest is None:
            raise KeyError(reference)
        return [self.blob(part["digest"]) for part in json.loads(self.blob(digest).read_bytes())["layers"]]

    def take(self, directory: Path) -> str:
        """Keeps the image that `buildah push IMAGE dir:DIRECTORY` wrote: its blobs, named by their hash, a manifest."""
        for blob in directory.iterdir():
            if blob.name != "version":
                self.add(blob)
        return self.add(directory / "manifest.json").digest

    def lay_out(self, reference: str, layout: Path) -> None:
        """Writes the image of that name as an OCI layout."""
        digest = self.find(reference)
        if digest is None:
            raise KeyError(reference)
        manifest = self.blob(digest).read_bytes()
        parts = json.loads(manifest)
        blobs = layout / "blobs" / "sha256"
        blobs.mkdir(parents=True)
        for part in (digest, parts["config"]["digest"], *(layer["digest"] for layer in parts["layers"])):
            (blobs / part.removeprefix("sha256:")).symlink_to(self.blob(part))
        index = {"schemaVersion": 2, "manifests": [_descriptor(MANIFEST, Blob(digest, len(manifest)))]}
        (layout / "index.json").write_bytes(_json(index))
        (layout / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One maker at a time: several runs wait for each other instead of making the same image twice."""
        with (self._names / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def name(self, reference: str, digest: str) -> None:
        """Gives an image a name such as docker.io/library/busybox:latest."""
        path = self._path(reference)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f".{path.name}.{os.getpid()}")
        half.write_text(digest)
        half.replace(path)

    def find(self, reference: str) -> str | None:
        """The digest of the manifest of that name."""
        path = self._path(reference)
        return path.read_text() if path.exists() else None

    def holds(self, digest: str) -> bool:
        """Whether the image is here, whole."""
        if not self.blob(digest).exists():
            return False
        manifest = json.loads(self.blob(digest).read_bytes())
        return all(self.blob(part["digest"]).exists() for part in (manifest["config"], *manifest["layers"]))

    def size(self, digest: str) -> int:
        """What a registry sends: the bytes of all layers."""
        return sum(layer["size"] for layer in json.loads(self.blob(digest).read_bytes())["layers"])

    def _path(self, reference: str) -> Path:
        repository, _, tag = reference.rpartition(":")
        return self._names / repository / tag


def layer(entries: Iterable[Entry]) -> bytes:
    """A tar file of the entries and the directories above them, everything root's and of 1970."""
    stream = io.BytesIO()
    made: set[str] = set()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in sorted(entries):
            for parent in reversed(PurePosixPath(entry.path.lstrip("/")).parents[:-1]):
                if str(parent) not in made:
                    made.add(str(parent))
                    tar.addfile(_info(Entry(str(parent))))
            if entry.path.lstrip("/") not in made:
                content = entry.source.read_bytes() if isinstance(entry.source, Path) else entry.source
                tar.addfile(_info(entry, len(content or b"")), io.BytesIO(content or b""))
                made.add(entry.path.lstrip("/"))
    return stream.getvalue()


def tree(directory: Path, at: str) -> Iterator[Entry]:
    """All that is in a directory, for a layer that has it at another place."""
    for path in directory.rglob("*"):
        name = f"{at}/{path.relative_to(directory)}"
        if path.is_symlink():
            yield Entry(name, target=str(path.readlink()))
        elif path.is_file():
            yield Entry(name, path)


def libraries(*programs: Path) -> Iterator[Entry]:
    """The libraries of this machine that programs load, each where it is; not those that are given themselves."""
    given = {path.resolve() for path in programs}
    loaded = subprocess.run(["ldd", *programs], text=True, capture_output=True, check=True).stdout
    for path in {Path(name) for name in _LOADED.findall(loaded)}:
        if path.resolve() not in given:
            yield Entry(str(path), path)


def _info(entry: Entry, size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(entry.path.lstrip("/"))
    info.mode, info.size, info.linkname = entry.mode, size, entry.target
    if entry.target:
        info.type = tarfile.SYMTYPE
    elif entry.source is None:
        info.type = tarfile.DIRTYPE
    return info


def _descriptor(kind: str, blob: Blob) -> dict[str, Any]:
    return {"mediaType": kind, "digest": blob.digest, "size": blob.size}


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
