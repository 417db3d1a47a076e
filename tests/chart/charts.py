"""The chart as a test sees it: rendered by the real helm, read back as objects.

Rule: nothing of a test's helm touches the home directory or a cluster that the test did not name.
Strategy: values go in as JSON on stdin, so that a test says them as Python does; an object is found by kind and name.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from ruamel.yaml import YAML

CHART = Path(__file__).parents[2] / "charts" / "podmeta"
SITUATIONS = sorted((CHART / "ci").glob("*.yaml"))
RELEASE = NAMESPACE = "podmeta"
Object = dict[str, Any]
Values = Path | Mapping[str, Any]


class HelmError(Exception):
    """helm ended with an error; the text is what it wrote."""


@dataclass(frozen=True)
class Helm:
    """The program, and a directory for what it keeps."""

    program: Path
    home: Path
    kubeconfig: Path = Path("/dev/null")
    remembered: dict[str, str] = field(default_factory=dict)

    def run(self, *args: str | Path, stdin: str | None = None) -> CompletedProcess[str]:
        """Runs helm; raises HelmError where it fails."""
        places = {f"HELM_{name}_HOME": str(self.home / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        environment = os.environ | places | {"KUBECONFIG": str(self.kubeconfig), "HELM_NAMESPACE": NAMESPACE}
        command = [str(self.program), *map(str, args)]
        result = subprocess.run(command, input=stdin, env=environment, text=True, capture_output=True, check=False)
        if result.returncode != 0:
            raise HelmError(result.stderr + result.stdout)
        return result

    def with_values(self, verb: str, values: Values, *args: str | Path) -> str:
        """`helm VERB ARGS` with these values; what it prints."""
        text = values.read_text() if isinstance(values, Path) else json.dumps(values)
        return self.run(verb, *args, "--values", "-", stdin=text).stdout

    def template(self, values: Values, *args: str) -> str:
        """`helm template`: one text. Remembered, since many tests look at the same one."""
        key = f"{values} {args}"
        if key not in self.remembered:
            self.remembered[key] = self.with_values("template", values, RELEASE, CHART, *args)
        return self.remembered[key]

    def render(self, values: Values, *args: str) -> list[Object]:
        """`helm template`: the objects."""
        return objects(self.template(values, *args))

    def notes(self, values: Values) -> str:
        """What an installation with these values would print."""
        printed = self.with_values("install", values, RELEASE, CHART, "--dry-run=client", "--output=json")
        return str(json.loads(printed)["info"]["notes"])

    def refusal(self, values: Values) -> str:
        """What is said of values that cannot be installed."""
        try:
            self.template(values)
        except HelmError as error:
            return str(error)
        raise AssertionError(f"{values} are rendered without a word")


def objects(text: str) -> list[Object]:
    """The objects of a rendering, as the API server reads them."""
    return [json.loads(json.dumps(found)) for found in YAML(typ="safe").load_all(text) if found]


def of_kind(found: list[Object], kind: str) -> list[Object]:
    return [one for one in found if one["kind"] == kind]


def the(found: list[Object], kind: str, name: str = RELEASE) -> Object:
    """The object of this kind and name."""
    (one,) = [one for one in of_kind(found, kind) if one["metadata"]["name"] == name]
    return one


def container(found: list[Object]) -> Object:
    """The service's container."""
    (one,) = the(found, "Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(one)


def environment(found: list[Object]) -> dict[str, str | None]:
    """The service's settings; None where a value comes from the pod."""
    return {entry["name"]: entry.get("value") for entry in container(found)["env"]}


def pod_of(workload: Object) -> Object:
    """The pod that a Deployment's template makes."""
    template = workload["spec"]["template"]
    metadata = template["metadata"] | {"name": "replica", "namespace": workload["metadata"]["namespace"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def annotation(value: object) -> str:
    """A value of YAML as the text of an annotation."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def merged(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Any]:
    """Values over values, as Helm lays them."""
    both = dict(one)
    for key, value in two.items():
        inner = both.get(key)
        both[key] = merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return both


VALUES: dict[str, Any] = YAML(typ="safe").load(CHART / "values.yaml")
CERT_MANAGER = {"certificates": {"mode": "cert-manager"}}
SECRET = {"certificates": {"mode": "secret", "secret": {"name": "own"}}}
MODES: dict[str, Mapping[str, Any]] = {"self-managed": {}, "cert-manager": CERT_MANAGER, "secret": SECRET}


def values_of(situation: Path) -> dict[str, Any]:
    """The whole values of an installation with this file."""
    return merged(VALUES, YAML(typ="safe").load(situation))
