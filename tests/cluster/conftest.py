"""What the tests on a real node share: the node, and a look at it when one of them fails."""

import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from tests.cluster.release import Installed, Standing
from tests.kube.binaries import Unavailable
from tests.kube.node import Node, cluster
from tests.kube.running import Running


@pytest.fixture(scope="session")
def node() -> Iterator[Running]:
    """One node for all the tests; each works in a namespace of its own."""
    with ExitStack() as stack:
        try:
            real = stack.enter_context(cluster())
        except Unavailable as reason:
            pytest.skip(f"real node: {reason}")
        yield real


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    """The chart's values of this module's release; a module that needs others has a fixture of this name."""
    return {}


@pytest.fixture(scope="session")
def standing() -> Iterator[Standing]:
    """The release that stays from module to module while they ask for the same values."""
    with closing(Standing()) as release:
        yield release


@pytest.fixture(scope="module")
def installed(
    node: Running, standing: Standing, values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    """podmeta by its chart, as the tests of this module want it."""
    if not isinstance(node, Node):
        pytest.skip("real node: the image of this checkout is only on a node of our own")
    try:
        return standing.give(node, tmp_path_factory.mktemp("helm"), values)
    except Unavailable as reason:
        pytest.skip(f"real node: {reason}")


@pytest.fixture(scope="module")
def alone(node: Running, standing: Standing) -> Node:
    """The node without a release, for a module that installs its own."""
    if not isinstance(node, Node):
        pytest.skip("real node: the image of this checkout is only on a node of our own")
    standing.close()
    return node


@pytest.fixture
def space(node: Running, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace named after the test, gone afterwards with all that is in it."""
    words = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    name = words[:63].strip("-")
    yield node.namespace(name)
    node.kubectl("delete", "namespace", name, "--wait=false")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows the node as it was at that moment."""
    report = yield
    node = getattr(item, "funcargs", {}).get("node")
    if call.when != "teardown" and report.failed and node is not None:
        report.sections.append(("the node", node.report()))
    return report
