"""Laws of the tables: written out as data, so that a row that is changed by accident is noticed.

Source: the contract's tables of annotations, variables, files and reasons.
"""

import re

import pytest

from webhook.inject.annotations import ANNOTATIONS, INSTALLABLE, WRITTEN, Annotation
from webhook.inject.fields import (
    ALL,
    CATALOGUE,
    DIVISORS,
    FIELDS,
    FILES,
    PRESETS,
    STANDARD,
    Literal,
    Place,
    Variable,
    parse_selector,
)
from webhook.inject.question import Door
from webhook.inject.reasons import Reason
from webhook.inject.values import C_IDENTIFIER

KEYS_AND_DEFAULTS = {
    "podmeta/inject": "false",
    "podmeta/env": "standard",
    "podmeta/env-prefix": "",
    "podmeta/volume": "true",
    "podmeta/volume-path": "/etc/downward",
    "podmeta/volume-items": "",
    "podmeta/ambassador": "false",
    "podmeta/ambassador-port": "8001",
    "podmeta/ambassador-access": "read-only",
    "podmeta/ambassador-kubeconfig": "true",
    "podmeta/containers": "",
    "podmeta/skip-containers": "",
}
STANDARD_SET = [
    ("POD_NAME", "metadata.name"),
    ("POD_NAMESPACE", "metadata.namespace"),
    ("POD_IP", "status.podIP"),
    ("NODE_NAME", "spec.nodeName"),
    ("SERVICE_ACCOUNT", "spec.serviceAccountName"),
    ("CONTAINER_CPU_REQUEST_MILLICORES", "requests.cpu:1m"),
    ("CONTAINER_MEMORY_LIMIT_KIBIBYTES", "limits.memory:1Ki"),
]
WHOLE_SET = [
    *STANDARD_SET,
    ("POD_UID", "metadata.uid"),
    ("POD_IPS", "status.podIPs"),
    ("HOST_IP", "status.hostIP"),
    ("HOST_IPS", "status.hostIPs"),
    ("CONTAINER_NAME", "'{container}'"),
    ("CONTAINER_CPU_LIMIT_MILLICORES", "limits.cpu:1m"),
    ("CONTAINER_MEMORY_REQUEST_KIBIBYTES", "requests.memory:1Ki"),
    ("CONTAINER_EPHEMERAL_STORAGE_REQUEST_MEBIBYTES", "requests.ephemeral-storage:1Mi"),
    ("CONTAINER_EPHEMERAL_STORAGE_LIMIT_MEBIBYTES", "limits.ephemeral-storage:1Mi"),
    ("NODE_ZONE", "metadata.labels['topology.kubernetes.io/zone']"),
    ("NODE_REGION", "metadata.labels['topology.kubernetes.io/region']"),
]
GO = [("GOMAXPROCS", "limits.cpu:1"), ("GOMEMLIMIT", "limits.memory:1")]
JVM = [("JAVA_TOOL_OPTIONS", "'-XX:MaxRAMPercentage=75.0'")]
FILE_TABLE = [
    ("podName", "metadata.name"),
    ("podNamespace", "metadata.namespace"),
    ("podUid", "metadata.uid"),
    ("labels", "metadata.labels"),
    ("annotations", "metadata.annotations"),
    ("containerCpuRequestMilliCores", "requests.cpu:1m"),
    ("containerMemoryLimitBytes", "limits.memory:1"),
]
BYTES = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")


def test_the_annotations_are_those_of_the_contract_with_its_defaults() -> None:
    """Keys, order and defaults; the two that the webhook writes are no rows of the table."""
    assert {row.key: row.default for row in ANNOTATIONS} == KEYS_AND_DEFAULTS
    assert [row.key for row in ANNOTATIONS] == list(KEYS_AND_DEFAULTS)
    assert WRITTEN == ("podmeta/status", "podmeta/kubeconfig")


@pytest.mark.parametrize("row", ANNOTATIONS, ids=lambda row: row.key)
def test_a_row_says_what_it_accepts_and_means(row: Annotation) -> None:
    """The documentation is made from it; its own default is accepted by its own parser."""
    assert row.accepts
    assert row.meaning
    assert row.parse(row.default)[1] == []


def test_an_installer_sets_everything_but_who_is_injected() -> None:
    """Every key but inject, containers and skip-containers, without the prefix."""
    pods_own = ("podmeta/inject", "podmeta/containers", "podmeta/skip-containers")
    assert [f"podmeta/{name}" for name in INSTALLABLE] == [key for key in KEYS_AND_DEFAULTS if key not in pods_own]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (STANDARD, STANDARD_SET),
        (PRESETS["standard"], STANDARD_SET),
        (ALL, WHOLE_SET),
        (PRESETS["all"], WHOLE_SET),
        (tuple(CATALOGUE.values()), WHOLE_SET),
        (PRESETS["go"], GO),
        (PRESETS["jvm"], JVM),
        (PRESETS["none"], []),
    ],
    ids=["STANDARD", "standard", "ALL", "all", "CATALOGUE", "go", "jvm", "none"],
)
def test_the_variables_are_those_of_the_contract(variables: tuple, expected: list[tuple[str, str]]) -> None:
    """Names, selectors, divisors and order."""
    assert [(variable.name, str(variable.source)) for variable in variables] == expected


def test_what_is_special_about_a_variable() -> None:
    """Presets need their limit and keep their name, the topology labels need Kubernetes 1.35; all else is plain."""
    special = {
        v.name: (v.needs, v.since, v.fixed) for vs in PRESETS.values() for v in vs if v.needs or v.since or v.fixed
    }
    assert special == {
        "NODE_ZONE": (None, 35, False),
        "NODE_REGION": (None, 35, False),
        "GOMAXPROCS": ("cpu", 0, True),
        "GOMEMLIMIT": ("memory", 0, True),
        "JAVA_TOOL_OPTIONS": ("memory", 0, True),
    }
    assert list(PRESETS) == ["standard", "all", "none", "go", "jvm"]


@pytest.mark.parametrize("name", sorted({v.name for vs in PRESETS.values() for v in vs}))
def test_a_name_is_one_that_every_shell_can_read(name: str) -> None:
    """Upper case, digits and underscores."""
    assert C_IDENTIFIER.fullmatch(name)
    assert name == name.upper()


@pytest.mark.parametrize("variable", ALL, ids=lambda variable: variable.name)
def test_a_variable_of_the_catalogue_is_what_a_user_could_have_written(variable: Variable) -> None:
    """Its source is that of NAME=SELECTOR, with the same places; only the container's name is no selector."""
    expected = (
        Literal("{container}") if variable.name == "CONTAINER_NAME" else parse_selector(str(variable.source), Place.ENV)
    )
    assert variable.source == expected


def test_the_files_are_those_of_the_contract() -> None:
    """Names, selectors and order; each may stand in a volume."""
    assert [(file.path, str(file.selector)) for file in FILES] == FILE_TABLE
    assert all(Place.VOLUME in file.selector.places for file in FILES)


def test_where_a_field_is_legal_is_kubernetes_rule() -> None:
    """validEnvDownwardAPIFieldPathExpressions and validVolumeDownwardAPIFieldPathExpressions."""
    assert {path for path, places in FIELDS.items() if Place.ENV in places} == {
        *("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName"),
        *("status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"),
    }
    assert {path for path, places in FIELDS.items() if Place.VOLUME in places} == {
        *("metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations"),
    }


def test_which_divisors_a_resource_has_is_kubernetes_rule() -> None:
    """The divisor sets of the API's validation."""
    assert DIVISORS == {"cpu": ("1m", "1"), "memory": BYTES, "ephemeral-storage": BYTES, "hugepages-": BYTES}


def test_every_reason_has_a_code_of_its_own() -> None:
    """Unique, in kebab case: it is a metric label, a log field and an anchor."""
    codes = [reason.value for reason in Reason.__members__.values()]
    assert len(codes) == len(set(codes)) == len(Reason.__members__)
    assert [code for code in codes if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", code)] == []


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    """It is put behind a colon, so it has no full stop and no second line, and no other reason has the same one."""
    assert len(reason.sentence) > len("no such")
    assert "\n" not in reason.sentence
    assert reason.sentence == reason.sentence.strip(" .")
    assert [other for other in Reason if other.sentence == reason.sentence] == [reason]


def test_there_are_two_doors() -> None:
    """The pod's own and its namespace's."""
    assert [door.value for door in Door] == ["pod", "namespace"]
