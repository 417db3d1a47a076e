"""Laws of the images and of the registry that serves them."""

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.kube import machine
from tests.kube.oci import MANIFEST, Entry, Store, layer
from tests.kube.registry import Registry

FILES = [Entry("etc/passwd", b"root"), Entry("bin/sh", target="busybox"), Entry("tmp", mode=0o1777)]


@pytest.fixture
def images(tmp_path: Path) -> Store:
    return Store(tmp_path / "images")


@pytest.fixture
def url(images: Store) -> Iterator[str]:
    """A registry of the images, without its host in the names: docker.io."""

    class Quiet(Registry):
        directory = images.directory

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def get(url: str) -> http.client.HTTPResponse:
    answer: http.client.HTTPResponse = urllib.request.urlopen(url)  # noqa: S310 - our own server's
    return answer


def test_the_same_content_is_the_same_image(images: Store) -> None:
    made = {images.image([layer(order)], {"Cmd": ["sh"]}) for order in (FILES, FILES[::-1])}
    assert len(made) == 1


def test_an_image_is_whole_only_with_all_its_layers(images: Store) -> None:
    digest = images.image([layer(FILES)], {})
    assert images.holds(digest)
    part = json.loads(images.blob(digest).read_bytes())["layers"][0]["digest"]
    images.blob(part).unlink()
    assert not images.holds(digest)
    assert not images.holds("sha256:" + "0" * 64)


def test_a_client_gets_an_image_by_its_name(images: Store, url: str) -> None:
    content = layer(FILES)
    images.name("registry.example/tools/sh:1", images.image([content], {"Cmd": ["sh"]}))
    with get(f"{url}/v2/tools/sh/manifests/1?ns=registry.example") as answer:
        assert answer.headers["Content-Type"] == MANIFEST
        manifest = json.load(answer)
    with get(f"{url}/v2/tools/sh/blobs/{manifest['layers'][0]['digest']}") as answer:
        assert answer.read() == content


@pytest.mark.parametrize(
    "path",
    ["tools/sh/manifests/1", "tools/sh/manifests/2?ns=registry.example", "../names/manifests/1", "sh/blobs/sha256:00"],
)
def test_what_is_not_here_is_not_found(images: Store, url: str, path: str) -> None:
    images.name("registry.example/tools/sh:1", images.image([layer(FILES)], {}))
    with pytest.raises(urllib.error.HTTPError) as error:
        get(f"{url}/v2/{path}")
    with error.value as answer:
        assert answer.code == 404


def test_every_package_that_a_node_asks_for_is_listed() -> None:
    lines = (Path(machine.__file__).parent / "packages.txt").read_text().splitlines()
    listed = [line.split("#")[0].strip() for line in lines if not line.startswith("#")]
    assert listed == sorted(listed)
    assert set(machine._NEEDED.values()) <= set(listed)
