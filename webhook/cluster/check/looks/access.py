"""Asking the API server as the user of the kubeconfig.

Rule: a "no" is an answer: it becomes a gap among the facts, and its reason is kept. Only an API server that is out of
      reach, or does not know the user at all, ends the check.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TypeVar

import httpx2 as httpx
from lightkube import ApiError, Client
from lightkube.config import client_adapter
from lightkube.config.kubeconfig import SingleConfig
from lightkube.core.exceptions import ConfigError

from webhook.cluster.check.facts import Gap, Unread

Answer = TypeVar("Answer")
TIMEOUT = httpx.Timeout(65, connect=10)  # as long as kube-apiserver's --request-timeout, and some to spare


class OutOfReach(Exception):  # noqa: N818 - a state of the cluster, as Unreadable is one of bytes
    """The sentence says which API server, and why."""


class Access:
    """`client` for what has a type, `http` for what has none: both are the same user of the same API server."""

    def __init__(self, config: SingleConfig) -> None:
        self.config = config
        self.client = Client(config, timeout=TIMEOUT)
        self.http = client_adapter.Client(config, client_adapter.ConnectionParams(timeout=TIMEOUT))
        self.context, self.namespace, self.server = config.context_name, config.namespace, config.cluster.server
        self.unread: list[Unread] = []

    def ask(self, what: str, question: Callable[[], Answer], *, needed: bool = True) -> Answer | Gap:
        """The answer, or a gap in its place; `what` names it for the user."""
        try:
            return question()
        except ApiError as error:
            if error.status.code == HTTPStatus.NOT_FOUND:
                return Gap.ABSENT
            if error.status.code == HTTPStatus.UNAUTHORIZED:
                raise OutOfReach(f"{self.server} does not know the user of the context {self.context}") from error
            return self.gap(what, error.status.message or str(error), needed=needed)

    def gap(self, what: str, why: str, *, needed: bool) -> Gap:
        """Keep why something could not be looked at."""
        unread = Unread(what, why, needed)
        if unread not in self.unread:
            self.unread.append(unread)
        return Gap.UNREAD

    def close(self) -> None:
        self.http.close()
        self.client.close()


@contextmanager
def accessing(config: SingleConfig) -> Iterator[Access]:
    """While the API server can be reached; raises OutOfReach."""
    try:
        access = Access(config)
    except (AssertionError, ConfigError, OSError, ValueError) as error:  # a context without a user is asserted
        raise OutOfReach(f"the context {config.context_name} cannot be used: {error}") from error
    try:
        yield access
    except (httpx.HTTPError, OSError) as error:
        raise OutOfReach(f"{access.server} does not answer: {type(error).__name__}: {error}") from error
    except ConfigError as error:  # a plugin for credentials is only asked when it is needed
        raise OutOfReach(f"the context {config.context_name} cannot be used: {error}") from error
    finally:
        access.close()
