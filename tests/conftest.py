"""One flag rewrites the goldens; the run's last lines say which kinds of test this machine could not run, and why."""

import os
from functools import partial
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter
from xdist.scheduler import LoadScopeScheduling

from tests.stories import DEFAULTS, STORIES, Story
from webhook.inject.mutate import decide
from webhook.server.app import Application

CLUSTERED = ("tests/apiserver/", "tests/cluster/", "tests/chart/")


def pytest_addoption(parser: pytest.Parser) -> None:
    goldens = "rewrite the goldens: of the cases, of examples/chapter/injected, of docs/chapter.md"
    parser.addoption("--rewrite", action="store_true", help=goldens)


@pytest.fixture(scope="session")
def rewrite(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--rewrite"))


@pytest.fixture(params=STORIES, ids=lambda story: story.slug)
def story(request: pytest.FixtureRequest) -> Story:
    """Every recorded story, found by listing tests/cases/."""
    found: Story = request.param
    return found


@pytest.fixture
def application() -> Application:
    """The ASGI application over the core with nothing configured."""
    return Application(partial(decide, defaults=DEFAULTS))


class ByCluster(LoadScopeScheduling):
    """For pytest -n: what shares a cluster stays on one worker, everything else is shared out file by file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "/".join(file.split("/")[:2]) if file.startswith(CLUSTERED) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByCluster:
    return ByCluster(config, log)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """A kind of test that did not run is named at the very end; where CI is set, that is a failure."""
    reasons = sorted({str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", ())})
    for reason in reasons:
        terminalreporter.write_line(f"not run here: {reason.removeprefix('Skipped: ')}", yellow=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and reporter.stats.get("skipped") and os.environ.get("PODMETA_NOTHING_SKIPPED") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
