"""What an installation prints: this one's facts, none of another's."""

from pathlib import Path

from tests.chart.charts import NAMESPACE, RELEASE, Helm, merged, values_of


def test_they_speak_of_this_installation(helm: Helm, situation: Path) -> None:
    notes = helm.notes(situation)
    values = values_of(situation)
    certificates = values["certificates"]
    assert ("(failurePolicy Fail)" in notes) == (values["webhook"]["failurePolicy"] == "Fail")
    assert ("(failurePolicy Ignore)" in notes) == (values["webhook"]["failurePolicy"] == "Ignore")
    assert ("the service makes its own CA" in notes) == (certificates["mode"] == "self-managed")
    assert ("cert-manager issues" in notes) == (certificates["mode"] == "cert-manager")
    assert ("delete secret podmeta-serving podmeta-issuer" in notes) == (certificates["mode"] == "cert-manager")
    assert ("Certificates: yours, in the Secret" in notes) == (certificates["mode"] == "secret")
    assert certificates["secret"]["name"] in notes
    assert ("in their nodes' network" in notes) == values["hostNetwork"]
    assert ("There is one replica" in notes) == (values["replicas"] == 1)
    assert ("onInvalid warn" in notes) == (values["onInvalid"] == "warn")
    for namespace in [*values["webhook"]["systemNamespaces"], *values["webhook"]["excludedNamespaces"], NAMESPACE]:
        assert namespace in notes
    for reader in values["ambassador"]["readers"]:
        assert f"of {reader['namespace']} may read" in notes


def test_they_say_what_to_do_next(helm: Helm, situation: Path) -> None:
    notes = helm.notes(situation)
    assert f"kubectl --namespace {NAMESPACE} rollout status deployment/{RELEASE}" in notes
    assert f"helm test {RELEASE} --namespace {NAMESPACE}" in notes
    assert 'podmeta/inject: "true"' in notes
    assert "kubectl label namespace NAME podmeta/inject=enabled" in notes


def test_they_are_whole(helm: Helm, situation: Path) -> None:
    notes = helm.notes(situation)
    assert "<no value>" not in notes
    assert "\n\n\n" not in notes
    assert max(map(len, notes.splitlines())) <= 140


def test_the_first_pod_is_in_a_namespace_where_it_is_seen(helm: Helm) -> None:
    """Not in `default` where its pods are passed over."""
    assert "kubectl --namespace default run hello" in helm.notes({})
    assert "kubectl --namespace NAMESPACE run hello" in helm.notes({"webhook": {"excludedNamespaces": ["default"]}})


def test_an_issuer_of_ones_own_is_named(helm: Helm) -> None:
    mode = {"certificates": {"mode": "cert-manager"}}
    own = merged(mode, {"certificates": {"certManager": {"issuer": {"name": "company"}}}})
    assert "from your issuer company" in helm.notes(own)
    assert "your issuer" not in helm.notes(mode)
