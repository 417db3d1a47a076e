"""helm, and an API server that the chart's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chart.charts import SITUATIONS, Helm
from tests.kube import binaries
from tests.kube.apiserver import ApiServer


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    try:
        program = binaries.find("helm")["helm"]
    except binaries.Unavailable as reason:
        pytest.skip(str(reason))
    return Helm(program, tmp_path_factory.mktemp("helm"))


@pytest.fixture(params=SITUATIONS, ids=lambda path: path.stem)
def situation(request: pytest.FixtureRequest) -> Path:
    """Every file of ci/, found by listing."""
    found: Path = request.param
    return found


@pytest.fixture(scope="session")
def cluster() -> Iterator[ApiServer]:
    """A real API server whose controllers run, and no node."""
    try:
        server = ApiServer(controller_manager=True)
    except binaries.Unavailable as reason:
        pytest.skip(str(reason))
    with server:
        yield server
