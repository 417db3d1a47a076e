"""One service for all hostile requests: whatever one of them does to it, the next test meets."""

from collections.abc import Iterator

import pytest

from tests.edge.service import Service, started
from tests.kube.pki import Authority


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Service]:
    with started(tmp_path_factory.mktemp("service"), authority) as found:
        yield found
