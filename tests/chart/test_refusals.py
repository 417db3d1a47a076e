"""Values that cannot be installed: each gets a sentence that names the key and says what to do."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.chart.charts import CHART, SECRET, Helm, merged

Values = Mapping[str, Any]
# A sentence of templates/refusals.yaml, and values that earn it.
CONTRADICTIONS: dict[str, Values] = {
    "certificates.mode is secret, but certificates.secret.name is empty": {"certificates": {"mode": "secret"}},
    'certificates.secret.name is "own", but certificates.mode is self-managed': {
        "certificates": {"secret": {"name": "own"}}
    },
    'certificates.certManager.issuer.name is "company", but certificates.mode is secret': merged(
        SECRET, {"certificates": {"certManager": {"issuer": {"name": "company"}}}}
    ),
    "webhook.failurePolicy is Fail, but webhook.systemNamespaces lacks kube-system": {
        "webhook": {"systemNamespaces": ["kube-public"]}
    },
    "podDisruptionBudget.minAvailable is 1, but replicas is 1": {"replicas": 1},
    "ports.webhook and ports.health are both 8080": {"ports": {"webhook": 8080}},
    "hostNetwork is true, but ports.webhook is 10250, which belongs to the kubelet": {"hostNetwork": True},
    "hostNetwork is true, but networkPolicy.enabled is too": {
        "hostNetwork": True,
        "ports": {"webhook": 11250},
        "networkPolicy": {"enabled": True},
    },
    "serviceAccount.create is false, but serviceAccount.name is empty": {"serviceAccount": {"create": False}},
    "ambassador.readers names the namespace shop twice": {
        "ambassador": {"readers": [{"namespace": "shop", "serviceAccounts": [name]} for name in ("a", "b")]}
    },
    "podLabels has app.kubernetes.io/name, which the chart sets itself": {
        "podLabels": {"app.kubernetes.io/name": "mine"}
    },
    "environment has PODMETA_ON_INVALID, which the chart sets itself": {"environment": {"PODMETA_ON_INVALID": "warn"}},
    "kubernetesVersion is 1.28: the chart needs 1.29 or newer": {"kubernetesVersion": "1.28"},
}
# The same sentences from other sides, and values at the edge that earn none.
MORE: dict[str, tuple[Values, str | None]] = {
    "another mode": (
        merged({"certificates": {"mode": "cert-manager"}}, {"certificates": {"secret": {"name": "own"}}}),
        "which does not use it",
    ),
    "Ignore cannot lock a cluster out": ({"webhook": {"failurePolicy": "Ignore", "systemNamespaces": []}}, None),
    "a share of all": ({"podDisruptionBudget": {"minAvailable": "51%"}}, "minAvailable is 51%, but replicas is 2"),
    "a share that leaves one": ({"podDisruptionBudget": {"minAvailable": "50%"}}, None),
    "one replica without a budget": ({"replicas": 1, "podDisruptionBudget": {"enabled": False}}, None),
    "the other port": (
        {"hostNetwork": True, "ports": {"webhook": 11250, "health": 10256}},
        "ports.health is 10256, which belongs to kube-proxy",
    ),
    "common labels": ({"commonLabels": {"helm.sh/chart": "x"}}, "commonLabels has helm.sh/chart"),
    "labels of one's own": ({"commonLabels": {"example.com/name": "x"}}, None),
    "an account that exists": ({"serviceAccount": {"create": False, "name": "given"}}, None),
}


@pytest.mark.parametrize(("sentence", "values"), [pytest.param(*row, id=row[0]) for row in CONTRADICTIONS.items()])
def test_a_contradiction_is_refused(helm: Helm, sentence: str, values: Values) -> None:
    said = helm.refusal(values)
    assert sentence in said
    assert said.count("\n  - ") == 1, said


@pytest.mark.parametrize(("values", "sentence"), [pytest.param(*row, id=name) for name, row in MORE.items()])
def test_and_what_is_none_is_not(helm: Helm, values: Values, sentence: str | None) -> None:
    if sentence is None:
        helm.template(values)
    else:
        assert sentence in helm.refusal(values)


def test_every_sentence_of_the_template_has_a_row() -> None:
    template = (CHART / "templates" / "refusals.yaml").read_text()
    assert len(re.findall(r"append \$problems", template)) == len(CONTRADICTIONS)


def test_all_that_is_wrong_is_said_at_once(helm: Helm) -> None:
    wrong = merged({"certificates": {"mode": "secret"}}, {"replicas": 1, "serviceAccount": {"create": False}})
    assert helm.refusal(wrong).count("\n  - ") == 3


# What the schema refuses: the key that the message has to name, and a word of it.
MALFORMED: list[tuple[Values, str, str]] = [
    ({"replica": 3}, "replica", "not allowed"),
    ({"image": {"name": "x"}}, "name", "/image"),
    ({"certificates": {"secret": {"nmae": "x"}}}, "nmae", "/certificates/secret"),
    ({"defaults": {"envprefix": "X"}}, "envprefix", "/defaults"),
    ({"resources": {"limit": {}}}, "limit", "/resources"),
    ({"resources": {"limits": {"cpus": "1"}}}, "cpus", "/resources/limits"),
    ({"ambassador": {"readers": [{"namespace": "a"}]}}, "serviceAccounts", "/ambassador/readers/0"),
    ({"networkPolicy": {"healthFrom": [{"pod": {}}]}}, "pod", "/networkPolicy/healthFrom/0"),
    ({"replicas": "2"}, "/replicas", "want integer"),
    ({"replicas": 0}, "/replicas", "minimum"),
    ({"image": {"digest": "sha256:12"}}, "/image/digest", "pattern"),
    ({"image": {"repository": "https://r.example/x y"}}, "/image/repository", "pattern"),
    ({"webhook": {"failurePolicy": "fail"}}, "/webhook/failurePolicy", "'Fail', 'Ignore'"),
    ({"webhook": {"timeoutSeconds": 31}}, "/webhook/timeoutSeconds", "maximum"),
    ({"webhook": {"excludedNamespaces": ["Shop"]}}, "/webhook/excludedNamespaces/0", "pattern"),
    ({"onInvalid": "allow"}, "/onInvalid", "'deny', 'warn'"),
    ({"defaults": {"volume": "yes"}}, "/defaults/volume", "want boolean"),
    ({"defaults": {"volume-path": "etc"}}, "/defaults/volume-path", "pattern"),
    ({"defaults": {"ambassador-port": 0}}, "/defaults/ambassador-port", "minimum"),
    ({"kubernetesVersion": 1.36}, "/kubernetesVersion", "want string"),
    ({"runAsUser": 0}, "/runAsUser", "minimum"),
    ({"resources": {"limits": {"memory": "1 GB"}}}, "/resources/limits/memory", "pattern"),
    ({"podDisruptionBudget": {"minAvailable": "half"}}, "/podDisruptionBudget/minAvailable", "pattern"),
    ({"environment": {"LOG_FORMAT": "json"}}, "LOG_FORMAT", "/environment"),
    ({"commonLabels": {"a": 1}}, "/commonLabels/a", "want string"),
    ({"logLevel": None}, "logLevel", "missing"),
]


@pytest.mark.parametrize(("values", "key", "word"), MALFORMED, ids=[f"{row[0]}" for row in MALFORMED])
def test_the_schema_names_what_it_refuses(helm: Helm, values: Values, key: str, word: str) -> None:
    said = helm.refusal(values)
    assert "values don't meet the specifications of the schema" in said
    (line,) = [line for line in said.splitlines() if line.startswith("- ")]
    assert key in line
    assert word in line, line


def test_a_parent_chart_may_hand_on_what_is_global(helm: Helm) -> None:
    helm.template({"global": {"imageRegistry": "r.example"}})
