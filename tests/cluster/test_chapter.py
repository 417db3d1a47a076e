"""docs/chapter.md, from `helm install` to nothing left: what it shows is what happens."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.capture import PAGE, ROOT, played, shell
from tests.kube import binaries
from tests.kube.node import Node

pytestmark = pytest.mark.xdist_group("node")


@pytest.fixture
def reader(alone: Node, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of somebody who follows the page in a checkout, on a node with the image of that checkout."""
    try:
        alone.image("podmeta")
        helm = binaries.find("helm")["helm"]
    except binaries.Unavailable as reason:
        pytest.skip(f"real node: {reason}")
    places = [str(path.parent) for path in (alone.program("kubectl"), helm, Path(sys.executable))]
    homes = {f"HELM_{name}_HOME": str(tmp_path / name) for name in ("CACHE", "CONFIG", "DATA")}
    kubectl = {"KUBECONFIG": str(alone.kubeconfig), "KUBECACHEDIR": str(tmp_path / "kubectl"), "KUBERC": "off"}
    environment = {"PATH": ":".join([*places, "/usr/bin", "/bin"]), **homes, **kubectl}
    yield environment
    shell("helm uninstall podmeta --namespace podmeta-system --ignore-not-found --wait", environment)
    alone.kubectl("delete", "namespace", "podmeta-system", "--ignore-not-found")
    alone.kubectl("delete", "pods,jobs,roles,rolebindings", "--all", "--namespace=default", "--wait=false")


def test_the_page_shows_what_happens(reader: dict[str, str], alone: Node, rewrite: bool) -> None:
    def run(command: str) -> str:
        shown = shell(command, reader)
        if command.startswith("helm upgrade"):  # faster than a person: kube-proxy needs a second for a ready replica
            dry = (
                "create",
                "--dry-run=server",
                f"--filename={ROOT / 'examples/chapter/downward.yaml'}",
                "--output=json",
            )
            alone.until(lambda: "podmeta/status" in alone.kubectl(*dry, check=False).stdout, "the webhook", 30)
        return shown

    page = PAGE.read_text()
    after = played(page, run)
    if rewrite:
        PAGE.write_text(after)
    assert PAGE.read_text() == after
