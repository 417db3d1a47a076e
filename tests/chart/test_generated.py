"""values.yaml is the one source: schema, README and the core's own defaults agree with it."""

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.chart.charts import CHART, VALUES, annotation
from webhook import __version__
from webhook.inject.annotations import ANNOTATIONS, INSTALLABLE, PREFIX, defaults
from webhook.inject.situation import Defaults

GENERATE = CHART.parent / "generate.py"

# Objects whose keys are not the chart's: maps, pieces of Kubernetes that the API server knows better, and a parent's.
OPEN = {
    "properties.affinity.properties.nodeAffinity",
    "properties.affinity.properties.podAffinity",
    "properties.affinity.properties.podAntiAffinity",
    "properties.global",
}


def generate(chart: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Runs a copy of the generator that stands beside this chart."""
    return subprocess.run(
        [sys.executable, str(chart.parent / "generate.py"), *args], text=True, capture_output=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(CHART, tmp_path / "podmeta")
    shutil.copy(GENERATE, tmp_path)
    return tmp_path / "podmeta"


def test_schema_and_readme_are_as_values_yaml_says() -> None:
    result = generate(CHART, "--check")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", ["values.schema.json", "README.md"])
def test_a_stale_file_is_named_and_written_anew(copy: Path, name: str) -> None:
    values = copy / "values.yaml"
    values.write_text(values.read_text().replace("replicas: 2", "replicas: 3"))
    check = generate(copy, "--check")
    assert (check.returncode, name in check.stderr) == (1, True)
    before = (copy / name).read_text()
    assert generate(copy).returncode == 0
    assert (copy / name).read_text() != before
    assert generate(copy, "--check").returncode == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("undescribed: 1", "has no comment"),
        ("# A list.\nlisted: []", "needs a @type"),
        ("# A thing.\n# @type thing\nthing: x", "no such hint or type: thing"),
        ("# A thing.\n# @kind name\nthing: x", "no such hint or type: @kind"),
    ],
)
def test_a_value_that_says_too_little_is_an_error(copy: Path, text: str, sentence: str) -> None:
    with (copy / "values.yaml").open("a") as values:
        values.write(f"\n{text}\n")
    result = generate(copy)
    assert (result.returncode, sentence in result.stderr) == (1, True), result.stderr


def schemas(schema: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every schema inside a schema, with its path."""
    found = [(path, schema)]
    for key in ("properties", "items", "additionalProperties"):
        inner = schema.get(key)
        if not isinstance(inner, dict):
            continue
        for name, one in inner.items() if key == "properties" else [("", inner)]:
            found += schemas(one, ".".join(filter(None, (path, key, name))))
    return found


def test_the_schema_lets_no_unknown_key_through() -> None:
    whole = json.loads((CHART / "values.schema.json").read_text())
    assert whole["$schema"] == "http://json-schema.org/draft-07/schema#"
    objects = {path: schema for path, schema in schemas(whole) if schema.get("type") == "object"}
    assert {path for path, schema in objects.items() if schema.get("additionalProperties") is True} == OPEN
    assert [path for path, schema in objects.items() if "additionalProperties" not in schema] == []


def test_the_chart_is_of_this_version() -> None:
    chart = YAML(typ="safe").load(CHART / "Chart.yaml")
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_defaults_are_those_of_the_core() -> None:
    """What an installer sees in values.yaml is what the annotations' own table says."""
    installed = {key: annotation(value) for key, value in VALUES["defaults"].items()}
    table = {row.key.removeprefix(PREFIX): row.default for row in ANNOTATIONS}
    assert installed == {key: table[key] for key in INSTALLABLE}
    core = Defaults(defaults({})[0])
    ambassador = VALUES["ambassador"]
    assert ambassador["image"] == core.ambassador_image
    assert ambassador["user"] == core.ambassador_user
    assert ambassador["resources"]["requests"] == dict(core.ambassador_requests)
    assert ambassador["resources"]["limits"] == dict(core.ambassador_limits)


def test_each_template_holds_one_kind() -> None:
    for path in (CHART / "templates").rglob("*.yaml"):
        kinds = {line for line in path.read_text().splitlines() if line.startswith("kind: ")}
        assert len(kinds) <= 1, path.name


def test_each_situation_says_what_it_is_for() -> None:
    readme = (CHART / "README.md").read_text()
    for path in (CHART / "ci").glob("*.yaml"):
        assert path.read_text().startswith("# "), path.name
        assert f"`{path.name}`" in readme


def test_the_generator_can_be_imported() -> None:
    """So that a page of the documentation can ask it."""
    assert "generated" in runpy.run_path(str(GENERATE))
