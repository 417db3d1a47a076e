"""Every value of values.yaml does something to the rendering."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.chart.charts import SECRET, VALUES, Helm, merged

# Values that change nothing by themselves, and what has to be beside them.
BESIDE: dict[str, Mapping[str, Any]] = {
    "certificates.secret": SECRET,
    "certificates.certManager": {
        "certificates": {"mode": "cert-manager", "certManager": {"issuer": {"name": "company", "kind": "Issuer"}}}
    },
    "networkPolicy": {"networkPolicy": {"enabled": True}},
    "metrics.serviceMonitor": {"metrics": {"serviceMonitor": {"enabled": True}}},
    "metrics.prometheusRule": {"metrics": {"prometheusRule": {"enabled": True}}},
    "serviceAccount.create": {"serviceAccount": {"name": "given"}},
    "hostNetwork": {"ports": {"webhook": 11250}},
}
# A value other than the default, where one cannot be made up.
OTHER: dict[str, Any] = {
    "image.digest": "sha256:" + "0" * 64,
    "image.pullPolicy": "Always",
    "image.pullSecrets": ["registry"],
    "resources": {"limits": {"cpu": "1"}},
    "logLevel": "debug",
    "environment": {"PODMETA_LOG_FORMAT": "console"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "webhook.failurePolicy": "Ignore",
    "webhook.systemNamespaces": ["kube-system"],
    "webhook.excludedNamespaces": ["other"],
    "onInvalid": "warn",
    "defaults.volume-path": "/srv",
    "defaults.ambassador-access": "read-write",
    "kubernetesVersion": "1.30",
    "ambassador.resources": {"limits": {"cpu": "1"}},
    "ambassador.readers": [{"namespace": "shop", "serviceAccounts": ["default"]}],
    "certificates.mode": "cert-manager",
    "certificates.selfManaged.duration": "48h",
    "certificates.selfManaged.caDuration": "720h",
    "certificates.certManager.duration": "48h",
    "certificates.certManager.renewBefore": "47h",
    "podDisruptionBudget.minAvailable": "30%",
    "networkPolicy.healthFrom": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
    "networkPolicy.apiServer.cidrs": ["10.0.0.0/8"],
    "networkPolicy.apiServer.ports": [8443],
    "metrics.serviceMonitor.interval": "1m",
}


def leaves(values: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every value of values.yaml that has a meaning of its own."""
    name = ".".join(path)
    if not isinstance(values, dict) or not values or name in OTHER or name == "nodeSelector":
        yield name, values
    else:
        for key, value in values.items():
            yield from leaves(value, (*path, key))


def other(name: str, default: Any) -> Any:
    """A value that is not the default."""
    if name in OTHER:
        return OTHER[name]
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return default + 1
    return {"x": "y"} if isinstance(default, dict) else f"{default}x"


@pytest.mark.parametrize(("name", "default"), [pytest.param(*leaf, id=leaf[0]) for leaf in leaves(VALUES)])
def test_every_value_does_something(helm: Helm, name: str, default: Any) -> None:
    needed = not name.endswith(".enabled")
    beside = next((values for prefix, values in BESIDE.items() if needed and name.startswith(prefix)), {})
    changed: Any = other(name, default)
    for key in reversed(name.split(".")):
        changed = {key: changed}
    assert helm.template(beside) != helm.template(merged(beside, changed))
