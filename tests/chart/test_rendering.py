"""Renderings: the same bytes each time, no certificate, and settings that the service understands."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.chart.charts import (
    CERT_MANAGER,
    CHART,
    MODES,
    NAMESPACE,
    RELEASE,
    VALUES,
    Helm,
    annotation,
    container,
    environment,
    objects,
    of_kind,
    the,
)
from webhook.inject.annotations import defaults
from webhook.inject.situation import Defaults
from webhook.server.settings import Settings, read_settings, variable

ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
TEXT = re.compile(r'"(\\.|[^"\\])*"|/\*.*?\*/', re.DOTALL)
FORBIDDEN = re.compile(r"\b(gen[A-Z]\w+|rand[A-Z]\w+|derivePassword|uuidv4|now|date|htpasswd|lookup)\b")


def test_it_passes_the_strictest_lint(helm: Helm, situation: Path) -> None:
    helm.run("lint", "--strict", CHART, "--values", situation)


def test_two_renderings_are_the_same_bytes(helm: Helm, situation: Path) -> None:
    one, other = (helm.with_values("template", situation, RELEASE, CHART) for _ in range(2))
    assert one == other


def test_no_rendering_holds_a_certificate(helm: Helm, situation: Path) -> None:
    text = helm.template(situation)
    assert not re.search(r"^\s*caBundle\s*:", text, re.MULTILINE)
    assert "-----BEGIN" not in text
    assert of_kind(helm.render(situation), "Secret") == []


def test_templates_generate_nothing() -> None:
    """Neither certificates, passwords and dates, nor what a look into the cluster would bring."""
    for path in (CHART / "templates").rglob("*.*"):
        actions = " ".join(TEXT.sub("", action) for action in ACTION.findall(path.read_text()))
        assert FORBIDDEN.findall(actions) == [], path.name


def test_the_order_of_a_list_of_namespaces_makes_no_difference(helm: Helm) -> None:
    one, other = ({"webhook": {"excludedNamespaces": list(names)}} for names in (("a", "b", "a-c"), ("a-c", "b", "a")))
    assert helm.template(one) == helm.template(other)


@pytest.mark.parametrize("mode", MODES)
def test_the_service_understands_its_settings(helm: Helm, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model that the service reads them with finds no fault, and no name that it does not know."""
    given = {name: text or "from-the-pod" for name, text in environment(helm.render(MODES[mode])).items()}
    assert given.keys() <= {variable(name) for name in Settings.model_fields}
    for name in [name for name in os.environ if name.startswith("PODMETA_")]:
        monkeypatch.delenv(name)
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    settings = read_settings([])
    assert isinstance(settings, Settings), settings
    assert settings.port == VALUES["ports"]["webhook"]
    assert settings.core() == Defaults(defaults({})[0], kubernetes=settings.core().kubernetes)


def test_every_default_arrives(helm: Helm) -> None:
    """As text, whatever YAML makes of it."""
    asked = {
        "env": "standard,-POD_IP",
        "env-prefix": "K8S_",
        "volume": False,
        "volume-path": "/srv/meta",
        "volume-items": "node=metadata.uid",
        "ambassador": True,
        "ambassador-port": 18001,
        "ambassador-access": "read-write",
        "ambassador-kubeconfig": False,
    }
    assert asked.keys() == VALUES["defaults"].keys()
    rendered = json.loads(environment(helm.render({"defaults": asked}))["PODMETA_DEFAULTS"] or "")
    assert rendered == {key: annotation(value) for key, value in asked.items()}
    assert defaults(rendered)[1] == []


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({}, "podmeta:0.1.0"),
        ({"tag": "2.0"}, "podmeta:2.0"),
        ({"repository": "r.example/a", "digest": "sha256:" + "0" * 64}, "r.example/a:0.1.0@sha256:" + "0" * 64),
    ],
)
def test_the_image(helm: Helm, image: dict[str, str], expected: str) -> None:
    found = helm.render({"image": image})
    test = the(found, "Pod", "podmeta-test")["spec"]["containers"][0]
    assert (container(found)["image"], test["image"]) == (expected, expected)


def test_the_platform_may_choose_the_user(helm: Helm) -> None:
    found = helm.render({"runAsUser": None})
    context = the(found, "Deployment")["spec"]["template"]["spec"]["securityContext"]
    assert context == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


@pytest.mark.parametrize(("asked", "found"), [("1.30.4", "1.30"), ("1.31.5+k3s1", "1.31"), ("v1.33.0-eks-1", "1.33")])
def test_the_clusters_version_is_passed_on(helm: Helm, asked: str, found: str) -> None:
    assert environment(helm.render({}, "--kube-version", asked))["PODMETA_KUBERNETES_VERSION"] == found
    said = {"kubernetesVersion": "1.35"}
    assert environment(helm.render(said, "--kube-version", asked))["PODMETA_KUBERNETES_VERSION"] == "1.35"


@pytest.mark.parametrize("release", ["n" * 53, "podmeta-" + "n" * 45])
def test_names_fit(helm: Helm, release: str) -> None:
    """Also with a release's name that is as long as Helm lets it be."""
    values = CERT_MANAGER | {"ambassador": {"readers": [{"namespace": "shop", "serviceAccounts": ["default"]}]}}
    names = {one["metadata"]["name"] for one in objects(helm.with_values("template", values, release, CHART))}
    assert max(map(len, names)) <= 63
    assert {name[:50] for name in names} == {release[:50]}


def test_every_object_is_in_the_releases_namespace(helm: Helm, situation: Path) -> None:
    """Said in so many words, so that a rendering can be applied by something other than Helm."""
    cluster_wide = {"ClusterRole", "ClusterRoleBinding", "MutatingWebhookConfiguration"}
    for one in helm.render(situation):
        if one["metadata"]["name"] != "podmeta-reader":
            expected = None if one["kind"] in cluster_wide else NAMESPACE
            assert one["metadata"].get("namespace") == expected, one["kind"]
