"""Laws of the recorded cases, without a cluster: none is stale, none is about another pod."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kube import schema
from tests.kube.cases import CASES, Case, CaseError, all_cases, named, read_yaml

LABEL = 63  # a namespace's name is a DNS label, RFC 1123


@pytest.fixture(params=all_cases(), ids=lambda case: case.slug)
def case(request: pytest.FixtureRequest) -> Case:
    case: Case = request.param
    return case


def _request(case: Case) -> dict[str, Any]:
    request: dict[str, Any] = json.loads(case.review.read_text())["request"]
    return request


def _pods(case: Case) -> list[dict[str, Any]]:
    """The pods that the manifest describes, as themselves or as the template of a workload."""
    found = []
    for document in read_yaml(case.manifest):
        if document["kind"] == "Pod":
            found.append(document)
        elif template := _template(document.get("spec", {})):
            found.append(template)
    return found


def _template(spec: dict[str, Any]) -> dict[str, Any] | None:
    template: dict[str, Any] | None = spec.get("jobTemplate", {}).get("spec", spec).get("template")
    return template


def _missing(part: Any, whole: Any, path: str = "") -> list[str]:
    """Where `whole` lacks something of `part`; what the API server added to it does not count."""
    match part, whole:
        case (None, _) | ("", None):  # null is absent, and what is empty is not written
            return []
        case dict(), dict():
            return [place for key, value in part.items() for place in _missing(value, whole.get(key), f"{path}/{key}")]
        case list(), list() if len(part) <= len(whole):
            pairs = enumerate(zip(part, whole, strict=False))
            return [place for index, (one, other) in pairs for place in _missing(one, other, f"{path}/{index}")]
        case _:
            return [] if part == whole else [f"{path}: {part!r} is {whole!r} in the review"]


def test_the_review_is_about_the_pod_of_the_manifest(case: Case) -> None:
    """A manifest that was changed without recording it again fails here."""
    (pod,) = _pods(case)
    pod.pop("apiVersion", None)
    assert _missing(pod, _request(case)["object"]) == []


def test_the_review_is_of_the_case_s_namespace_and_operation(case: Case) -> None:
    request = _request(case)
    assert (request["namespace"], request["operation"]) == (case.slug, case.operation)
    assert request["dryRun"] is case.special.dry_run
    assert request.get("subResource") == ("ephemeralcontainers" if case.special.debug else None)


def test_the_review_is_kept_as_the_recorder_writes_it(case: Case) -> None:
    text = case.review.read_text()
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


def test_the_recorded_pod_obeys_the_published_schema(case: Case) -> None:
    assert schema.problems(_request(case)["object"]) == []


def test_the_slug_is_a_namespace_and_the_manifest_says_what_the_story_is(case: Case) -> None:
    assert len(case.slug) <= LABEL
    assert case.manifest.read_text().startswith("# ")


def test_every_directory_holds_a_case() -> None:
    assert {case.directory for case in all_cases()} == {path for path in CASES.iterdir() if path.is_dir()}


def _write(directory: Path, text: str) -> Path:
    (directory / "manifest.yaml").write_text("kind: Pod\n")
    (directory / "case.yaml").write_text(text)
    return directory


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("dryrun: true", "unknown field `dryrun`"),
        ("dryRun: 'yes'", "Expected `bool`, got `str`"),
        ("# only a comment", "not enough values to unpack"),
        ("door: side", "Invalid enum value 'side'"),
        ("debug: {target: main}", "missing required field `pod`"),
        ("dryRun: true\ncreate: true", "made in one way: kubectl create, kubectl apply --dry-run=server"),
    ],
)
def test_a_slip_in_case_yaml_is_an_error_that_names_the_case(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(CaseError, match=f"^{tmp_path.name}/case.yaml: .*{sentence}"):
        Case.load(_write(tmp_path, text))


def test_an_unknown_name_is_an_error_that_names_those_that_there_are() -> None:
    with pytest.raises(CaseError, match=r"no such case: nope; there are: .*seed-env"):
        named(["seed-env", "nope"])
