"""The images that pods of the tests run, made here: nothing is pulled from anywhere.

Rule: an image that has an official name does what the official one does, so that a manifest needs no change: busybox,
      registry.k8s.io/kubectl (which has no shell), the notes' rancher/curl, python:3.11-slim, and podmeta itself.
Strategy: programs of this machine as one layer each; Debian's Python, podmeta's Dockerfile and the programs of
      examples/clients need a build. What decides an image is hashed, so that an image is made once and kept beside the
      programs, outside of the checkout.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from tests.kube import binaries, build, clients
from tests.kube.binaries import Unavailable
from tests.kube.machine import program
from tests.kube.oci import Entry, Store, layer, libraries
from webhook import __version__

_LOCAL = "docker.io/local"
_HERE = Path(__file__)


class Image(NamedTuple):
    """`inputs`: all that decides what `make` puts into the store."""

    names: tuple[str, ...]
    inputs: Callable[[], Iterable[bytes | Path]]
    make: Callable[[Store], str]


def store() -> Store:
    return Store(binaries.cache().parent.parent / "images")


def provide(*names: str) -> Store:
    """The store, with these images of IMAGES in it; makes those that are missing. Raises Unavailable."""
    images = store()
    for name in names:
        with images.locked():
            began = time.monotonic()
            if _provide(images, name):
                took = f"image {name}: {time.monotonic() - began:.1f} s"
                print(took, file=sys.stderr, flush=True)  # noqa: T201 - progress
    return images


def _provide(images: Store, name: str) -> bool:
    image = IMAGES[name]
    digest = hashlib.sha256()
    for part in image.inputs():
        digest.update(hashlib.sha256(part if isinstance(part, bytes) else part.read_bytes()).digest())
    kept = f"cache/{name}:{digest.hexdigest()[:32]}"
    found = images.find(kept)
    made = found if found and images.holds(found) else image.make(images)
    for reference in (kept, *image.names):
        images.name(reference, made)
    return made != found


def _busybox() -> bytes:
    """The static busybox, a link for each of its programs, and the files that a user with a name needs."""
    path = program("busybox")
    applets = subprocess.run([path, "--list"], text=True, capture_output=True, check=True).stdout.split()
    links = [Entry(f"bin/{applet}", target="busybox") for applet in applets if applet != "busybox"]
    users = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"
    files = [
        Entry("bin/busybox", path),
        Entry("etc/passwd", users.encode(), mode=0o644),
        Entry("etc/group", b"root:x:0:\nnobody:x:65534:\n", mode=0o644),
        Entry("etc/nsswitch.conf", b"hosts: files dns\n", mode=0o644),
        Entry("root", mode=0o700),
        Entry("tmp", mode=0o1777),
    ]
    return layer([*files, *links])


def _curl() -> bytes:
    """This machine's curl and the libraries that it loads, each where it is."""
    path = program("curl")
    return layer([Entry("usr/bin/curl", path), *libraries(path)])


def _kubectl() -> Path:
    return binaries.find("kubectl")["kubectl"]


def _debian(images: Store) -> str:
    """Debian's Python, which is what the official image of its version is, with its commands' names."""
    with tempfile.TemporaryDirectory(prefix="podmeta-base-") as directory:
        system = Path(directory) / "system.tar"
        build.debian(system)
        names = layer([Entry("usr/local/bin/python", target="/usr/bin/python3")])
        return images.image([system, names], {"Cmd": ["python3"]})


def _podmeta(images: Store) -> str:
    _provide(images, "python")
    return build.dockerfile(images, IMAGES["python"].names[0])


def _client(language: str) -> Image:
    """A program of examples/clients, over the images below it."""
    client = clients.CLIENTS[language]

    def inputs() -> Iterable[bytes | Path]:
        yield from clients.sources(language)
        for name in client.base:
            yield from IMAGES[name].inputs()

    def make(images: Store) -> str:
        layers: list[Path | bytes] = []
        for name in client.base:
            _provide(images, name)
            layers += images.layers(IMAGES[name].names[0])
        config = {"Entrypoint": [*client.entrypoint], "User": "65532:65532"}
        return images.image([*layers, clients.made(language)], config)

    return Image((f"registry.example/client-{language}:1",), inputs, make)


IMAGES = {
    # A pod's first container; the real one only waits as well.
    "pause": Image(
        (f"{_LOCAL}/pause:1",),
        lambda: [_HERE, _busybox()],
        lambda images: images.image(
            [_busybox()], {"Entrypoint": ["/bin/busybox", "sleep", "infinity"], "User": "65535:65535"}
        ),
    ),
    "busybox": Image(
        ("docker.io/library/busybox:latest", f"{_LOCAL}/busybox:1"),
        lambda: [_HERE, _busybox()],
        lambda images: images.image([_busybox()], {"Cmd": ["sh"]}),
    ),
    "kubectl": Image(
        (f"registry.k8s.io/kubectl:{binaries.kubernetes_version()}", f"{_LOCAL}/kubectl:1"),
        lambda: [_HERE, _kubectl()],
        lambda images: images.image([layer([Entry("bin/kubectl", _kubectl())])], {"Entrypoint": ["/bin/kubectl"]}),
    ),
    "curl": Image(
        ("docker.io/rancher/curl:latest", f"{_LOCAL}/curl:1"),
        lambda: [_HERE, _busybox(), _curl()],
        lambda images: images.image([_busybox(), _curl()], {"Cmd": ["sh"]}),
    ),
    "python": Image(("docker.io/library/python:3.11-slim",), lambda: [repr(build.DEBIAN).encode()], _debian),
    # The name by which the chart asks for it, if nobody says otherwise.
    "podmeta": Image((f"docker.io/library/podmeta:{__version__}",), build.sources, _podmeta),
    **{f"client-{language}": _client(language) for language in clients.CLIENTS},
}
SMALL = ("pause", "busybox", "kubectl", "curl")


def main() -> None:
    """Makes images, by default all."""
    parser = argparse.ArgumentParser(prog="python -m tests.kube.images", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(IMAGES))
    try:
        images = provide(*parser.parse_args().names or IMAGES)
    except Unavailable as reason:
        sys.exit(str(reason))
    for image in IMAGES.values():
        for name in image.names:
            digest = images.find(name)
            if digest:
                print(f"{images.size(digest) / 1e6:7.1f} MB  {name}")  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
