"""The command line where it speaks: what it refuses, what it warns of, how it ends."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from webhook.cli.main import app

ROOT = Path(__file__).parents[2]
POD = """# kept
apiVersion: v1
kind: Pod
metadata:
  name: web   # kept too
  annotations:
    podmeta/inject: {inject}
    podmeta/ambassador: "{ambassador}"
spec:
  containers: [{{name: main, image: busybox}}]
"""


def podmeta(*arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(app, [*arguments, "-f", "-"], input=text)


def manifest(inject: str = '"true"', ambassador: str = "false") -> str:
    return POD.format(inject=inject, ambassador=ambassador)


def test_what_does_not_ask_passes_through_to_the_byte() -> None:
    text = manifest('"false"')
    assert podmeta("inject", text=text).stdout == text


def test_a_refused_pod_names_file_line_and_document_and_prints_nothing() -> None:
    result = podmeta("inject", text="kind: ConfigMap\n---\n" + manifest('"yes"'))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("podmeta: -:9: document 2: podmeta/inject: 'yes': not a boolean; accepted:")


def test_an_annotation_that_is_no_string_is_told_how_to_become_one() -> None:
    result = podmeta("inject", text=manifest("true"))
    assert result.exit_code == 2
    assert 'podmeta/inject: true is not a string; accepted: a string, such as "true" in quotes' in result.stderr


def test_a_kubeconfig_for_a_namespace_that_nobody_named_is_warned_of() -> None:
    text = manifest(ambassador="true")
    assert "--namespace" in podmeta("inject", text=text).stderr
    assert podmeta("inject", "-n", "shop", text=text).stderr == ""
    assert "namespace: 'shop'" in podmeta("inject", "-n", "shop", text=text).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-f", "nowhere.yaml"], "nowhere.yaml: No such file or directory; accepted: a file, a folder, a URL or -"),
        (["-f", "-", "--default", "env"], "--default env: accepted: KEY=VALUE"),
        (["-f", "-", "--default", "enw=all"], "--default enw: 'all': no such annotation; accepted: env,"),
        (["-f", "-", "--kubernetes-version", "two"], "--kubernetes-version two: accepted: a version such as 1.36"),
        (["-f", "-", "-f", "-"], "-: standard input can be read only once"),
    ],
)
def test_usage_errors_end_with_two(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["inject", *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_serve_takes_its_arguments_as_they_are() -> None:
    """As an application of Typer, too, where it is not called past it."""
    result = CliRunner().invoke(app, ["serve", "--port=x", "--dev"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("podmeta serve: --port (PODMETA_PORT): 'x': ")


def test_explain_has_an_exit_code_for_ci() -> None:
    assert podmeta("explain", "--exit-code", text=manifest()).exit_code == 0
    assert podmeta("explain", "--exit-code", text=manifest('"yes"')).exit_code == 1
    assert podmeta("explain", text=manifest('"yes"')).exit_code == 0


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_explain_gives_data(output: str) -> None:
    result = podmeta("explain", "-o", output, text=manifest())
    assert result.exit_code == 0
    assert "POD_NAMESPACE" in result.stdout
    assert "metadata.namespace" in result.stdout


def test_several_files_become_one_stream(tmp_path: Path) -> None:
    """Without a marker of its own and even without its last line break, no document runs into the next."""
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text(f"kind: ConfigMap\nmetadata: {{name: {name}}}")
    result = CliRunner().invoke(app, ["inject", "-f", str(tmp_path)])
    assert result.stdout == "kind: ConfigMap\nmetadata: {name: a}\n---\nkind: ConfigMap\nmetadata: {name: b}"


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_is_injected_as_it_should(example: Path) -> None:
    """It asks, gets all that it asks for, and comes back to the byte."""
    text = example.read_text()
    assert podmeta("explain", "--exit-code", text=text).exit_code == 0
    injected = podmeta("inject", "-n", "shop", text=text).stdout
    assert "podmeta/status" in injected
    assert podmeta("uninject", text=injected).stdout == text


def test_a_diff_shows_only_what_changes() -> None:
    shown = podmeta("inject", "--diff", text=(ROOT / "examples/chapter/downward.yaml").read_text()).stdout.splitlines()
    assert [line for line in shown if line.startswith("-") and not line.startswith("---")] == []
    assert any(line.startswith("+    podmeta/status:") for line in shown)
