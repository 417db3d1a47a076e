"""Builds the programs of examples/clients as the layers of an image, each with the tools of its own language.

Rule: a folder's own files pin what goes in (requirements.txt, go.sum, package-lock.json, pom.xml); it comes from the
      language's registry, by its usual client, as that is set up on this machine.
Strategy: a copy of its files is built in a temporary directory, so that the checkout stays as it is. Python has an
      image below it; a program that was linked to libraries of this machine brings them along.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.kube.binaries import Unavailable
from tests.kube.build import ROOT, run
from tests.kube.machine import program
from tests.kube.oci import Entry, layer, libraries, tree

FOLDER = ROOT / "examples" / "clients"
# What `jdeps --print-module-deps` names for the client and its jars, without what only a desktop has.
_MODULES = ("java.base", "java.logging", "java.management", "java.naming", "java.sql", "jdk.unsupported")
_CLASSES = "/app/target/classes:/app/target/dependency/*"


class Client(NamedTuple):
    """`files`: of the folder. `build`: what goes into the layer, made in a copy of them. `base`: the image below."""

    files: tuple[str, ...]
    build: Callable[[Path], Iterator[Entry]]
    entrypoint: tuple[str, ...]
    base: tuple[str, ...] = ()


def made(language: str) -> bytes:
    """The layer with the program of that folder. Raises Unavailable."""
    client = CLIENTS[language]
    with tempfile.TemporaryDirectory(prefix="podmeta-client-") as directory:
        for name in client.files:
            copy = Path(directory) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(FOLDER / language / name, copy)
        return layer([Entry("tmp", mode=0o1777), *client.build(Path(directory))])


def sources(language: str) -> Iterator[bytes | Path]:
    """All that decides the program: its files with their names, and how it is built."""
    yield Path(__file__)
    for name in CLIENTS[language].files:
        yield name.encode()
        yield FOLDER / language / name


def _python(place: Path) -> Iterator[Entry]:
    pinned = ("--require-hashes", "--only-binary=:all:", "--python-version=3.11", "--requirement=requirements.txt")
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target=.", *pinned, directory=place)
    # As in the Dockerfile: byte code that is never checked, for a pod that may write none.
    compiled = ("-m", "compileall", "-q", "--invalidation-mode=unchecked-hash")
    run(sys.executable, *compiled, "-s", place, "-p", "/app", place, directory=place)
    return tree(place, "app")


def _go(place: Path) -> Iterator[Entry]:
    flags = ("-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags=-s -w")
    run(program("go"), "build", *flags, "-o", "list-pods", directory=place, CGO_ENABLED="0", GOWORK="off")
    yield Entry("app/list-pods", place / "list-pods")


def _javascript(place: Path) -> Iterator[Entry]:
    run(program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", directory=place)
    node = next(place.glob("node_modules/node-linux-*/bin/node"), None)
    if node is None:
        raise Unavailable("npm left out Node.js, which package.json has for Linux on x64 and arm64")
    yield Entry("usr/local/bin/node", node)
    yield from libraries(node)
    yield from (entry for entry in tree(place, "app") if "/node-linux-" not in entry.path)


def _java(place: Path) -> Iterator[Entry]:
    goals = ("compile", "dependency:copy-dependencies", "-DincludeScope=runtime")
    run(program("mvn"), "--batch-mode", "--quiet", "--strict-checksums", *goals, directory=place)
    runtime = place / "java"
    stripped = ("--strip-debug", "--no-header-files", "--no-man-pages")
    run(program("jlink"), f"--add-modules={','.join(_MODULES)}", *stripped, f"--output={runtime}", directory=place)
    yield from tree(place, "app")
    yield from libraries(runtime / "bin" / "java", *runtime.rglob("*.so"))


CLIENTS = {
    "python": Client(("list_pods.py", "requirements.txt"), _python, ("python", "/app/list_pods.py"), base=("python",)),
    "go": Client(("main.go", "go.mod", "go.sum"), _go, ("/app/list-pods",)),
    "javascript": Client(
        ("list-pods.js", "package.json", "package-lock.json"),
        _javascript,
        ("node", "/app/list-pods.js"),
    ),
    "java": Client(
        ("pom.xml", "src/main/java/ListPods.java", "src/main/resources/simplelogger.properties"),
        _java,
        # A program that is over in a second has no use for the second compiler.
        ("/app/java/bin/java", "-XX:TieredStopAtLevel=1", "-cp", _CLASSES, "ListPods"),
    ),
}
