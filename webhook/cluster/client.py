"""Where to find the API server, for somebody who calls it from a terminal: as kubectl does."""

from pathlib import Path

import yaml  # type: ignore[import-untyped] # lightkube reads with it
from lightkube import KubeConfig
from lightkube.config.kubeconfig import SingleConfig
from lightkube.core.exceptions import ConfigError
from msgspec import MsgspecError


class UnconfiguredError(Exception):
    """A sentence that says why there is no cluster to talk to."""


def configured(kubeconfig: Path | None = None, context: str = "") -> SingleConfig:
    """Cluster, user and namespace of the given kubeconfig, else of KUBECONFIG, ~/.kube/config, or the pod itself."""
    where = kubeconfig or "the kubeconfig (--kubeconfig, KUBECONFIG or ~/.kube/config)"
    accepted = "accepted: one of a cluster that kubectl reaches"
    try:
        config = KubeConfig.from_file(str(kubeconfig)) if kubeconfig else KubeConfig.from_env()
        found = config.get(context or None)
    except KeyError as error:
        raise UnconfiguredError(f"{where} has no {error}; {accepted}") from None
    except (ConfigError, MsgspecError, OSError, TypeError, ValueError, yaml.YAMLError) as error:
        raise UnconfiguredError(f"{where}: {error}; {accepted}") from None
    if found is None or found.user is None:  # without a user lightkube ends with an assertion
        raise UnconfiguredError(f"{where}: the context names no user; {accepted}")
    return found
