"""Laws of what images are made of, and of the programs of examples/clients. Nothing is built here."""

import json
import re
import shutil
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.kube import clients
from tests.kube.oci import Entry, Store, layer, libraries, tree

LANGUAGES = sorted(clients.CLIENTS)
PINNED = {
    "python/requirements.txt": r"^kubernetes==(\S+)",
    "go/go.mod": r"k8s\.io/client-go v(\S+)",
    "javascript/package.json": r'"@kubernetes/client-node": "(\S+)"',
    "java/pom.xml": r"<artifactId>kubernetes-client</artifactId>\s*<version>(\S+)</version>",
    "kubectl/pod.yaml": r"kubectl:v(\S+)",
}


def test_a_tree_goes_into_a_layer_with_its_links(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tool").write_bytes(b"tool")
    (tmp_path / "bin" / "alias").symlink_to("tool")
    with tarfile.open(fileobj=BytesIO(layer(tree(tmp_path, "app")))) as tar:
        assert tar.getnames() == ["app", "app/bin", "app/bin/alias", "app/bin/tool"]
        assert tar.getmember("app/bin/alias").linkname == "tool"


def test_the_libraries_of_a_program_are_those_it_was_not_given_with() -> None:
    python = Path(sys.executable).resolve()
    found = {entry.path: entry.source for entry in libraries(python)}
    (libc,) = (path for path in found if path.endswith("/libc.so.6"))
    assert any("/ld-linux" in path for path in found)
    assert {entry.path for entry in libraries(python, Path(libc))} == found.keys() - {libc}


def test_an_image_on_top_of_another_begins_with_its_layers(tmp_path: Path) -> None:
    images = Store(tmp_path)
    images.name("base:1", images.image([layer([Entry("a", b"")]), layer([Entry("b", b"")])], {}))
    top = layer([Entry("c", b"")])
    images.name("made:1", images.image([*images.layers("base:1"), top], {}))
    assert images.layers("made:1")[:2] == images.layers("base:1")
    assert images.layers("made:1")[2].read_bytes() == top


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_file_of_a_program_decides_its_image(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(clients.FOLDER / language, tmp_path / language)
    before = read(language)
    monkeypatch.setattr(clients, "FOLDER", tmp_path)
    assert read(language) == before
    for name in clients.CLIENTS[language].files:
        text = (folder / name).read_bytes()
        (folder / name).write_bytes(text + b"\n")
        assert read(language) != before
        (folder / name).write_bytes(text)


def read(language: str) -> list[bytes]:
    return [part if isinstance(part, bytes) else part.read_bytes() for part in clients.sources(language)]


def test_every_folder_is_a_program_but_that_of_kubectl() -> None:
    assert {path.parent.name for path in clients.FOLDER.glob("*/pod.yaml")} == {*LANGUAGES, "kubectl"}


def test_what_is_built_is_pinned_by_its_hash_and_from_no_certain_registry() -> None:
    """Maven has no file for hashes: its versions are fixed, and it checks what it fetched by `--strict-checksums`."""
    packages = json.loads((clients.FOLDER / "javascript" / "package-lock.json").read_text())["packages"]
    assert all("integrity" in package for name, package in packages.items() if name)
    assert not any("resolved" in package for package in packages.values())
    requirements = (clients.FOLDER / "python" / "requirements.txt").read_text()
    assert all("--hash=sha256:" in one for one in re.split(r"\n(?=\S)", requirements))
    assert "://" not in requirements


@pytest.mark.parametrize("name", PINNED)
def test_the_page_names_the_versions_that_are_pinned(name: str) -> None:
    found = re.search(PINNED[name], (clients.FOLDER / name).read_text(), re.MULTILINE)
    page = (clients.FOLDER / "README.md").read_text()
    (row,) = (line for line in page.splitlines() if line.startswith(f"| [{name.partition('/')[0]}]("))
    assert found is not None
    assert re.search(rf"\| {re.escape(found[1])}[ ,]", row)
