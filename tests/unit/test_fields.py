"""Selectors: what Kubernetes lets stand in an env and in a volume, and how an error says where it would be legal."""

import pytest

from webhook.inject.fields import (
    BOTH,
    FieldRef,
    Literal,
    Place,
    ResourceFieldRef,
    legal,
    parse_selector,
)
from webhook.inject.reasons import Reason

ENV, VOLUME = Place.ENV, Place.VOLUME
EVERYWHERE = ("metadata.name", "metadata.namespace", "metadata.uid")
ENV_ONLY = (
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_ONLY = ("metadata.labels", "metadata.annotations")
FORMS = "metadata.labels['KEY'], metadata.annotations['KEY'], limits.RESOURCE[:DIVISOR], requests.RESOURCE[:DIVISOR]"
LEGAL_ENV = (
    "metadata.name, metadata.namespace, metadata.uid, spec.nodeName, spec.serviceAccountName, status.hostIP, "
    f"status.hostIPs, status.podIP, status.podIPs, {FORMS}"
)
LEGAL_VOLUME = f"metadata.name, metadata.namespace, metadata.uid, metadata.labels, metadata.annotations, {FORMS}"
RESOURCES = (
    "limits.cpu, limits.memory, limits.ephemeral-storage, limits.hugepages-SIZE, "
    "requests.cpu, requests.memory, requests.ephemeral-storage, requests.hugepages-SIZE"
)
BYTES = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei"
QUALIFIED = "a qualified name in the brackets, such as app.kubernetes.io/name"


@pytest.mark.parametrize("place", [ENV, VOLUME], ids=["env", "volume"])
@pytest.mark.parametrize("path", EVERYWHERE)
def test_a_field_that_is_legal_in_both_places(path: str, place: Place) -> None:
    """The pod's name, namespace and uid may stand anywhere."""
    assert parse_selector(path, place) == FieldRef(path, BOTH)


@pytest.mark.parametrize("path", ENV_ONLY)
def test_a_field_that_only_an_env_may_name(path: str) -> None:
    """In a volume it is refused, with all that is legal here and the annotation where it would be legal."""
    assert parse_selector(path, ENV) == FieldRef(path, ENV)
    accepted = f"{LEGAL_VOLUME}; as a variable it is legal (podmeta/env)"
    assert parse_selector(path, VOLUME) == (Reason.SELECTOR_PLACE, path, accepted)


@pytest.mark.parametrize("path", VOLUME_ONLY)
def test_a_field_that_only_a_volume_may_name(path: str) -> None:
    """All labels or annotations are a file; in an env they are refused, with the annotation where they are."""
    assert parse_selector(path, VOLUME) == FieldRef(path, VOLUME)
    accepted = f"{LEGAL_ENV}; as a file it is legal (podmeta/volume-items)"
    assert parse_selector(path, ENV) == (Reason.SELECTOR_PLACE, path, accepted)


def test_the_sentence_of_what_is_legal_names_every_field_of_the_place() -> None:
    """The list in an error is made from the table, so it is complete."""
    assert legal(ENV) == LEGAL_ENV
    assert legal(VOLUME) == LEGAL_VOLUME


@pytest.mark.parametrize("place", [ENV, VOLUME], ids=["env", "volume"])
@pytest.mark.parametrize(
    "text",
    [
        "metadata.labels['app']",
        "metadata.labels['app.kubernetes.io/version']",
        "metadata.labels['a-b_c.D']",
        "metadata.labels['A']",
        f"metadata.labels['{'n' * 63}']",
        f"metadata.labels['{'d' * 253}/{'n' * 63}']",
        "metadata.annotations['example.com/build']",
        "metadata.annotations['Example.COM/Build']",
    ],
)
def test_one_label_or_annotation_is_legal_in_both_places(text: str, place: Place) -> None:
    """A key in brackets is a qualified name; an annotation's key is lower-cased before the check, as in Kubernetes."""
    assert parse_selector(text, place) == FieldRef(text, BOTH)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "-a",
        "a-",
        "a b",
        "é",
        "/a",
        "a/",
        "a/b/c",
        "a\n",
        "Upper.Prefix/a",
        "-a/b",
        "a-/b",
        "a..b/c",
        "a/-b",
        "n" * 64,
        "d/" + "n" * 64,
        "d" * 254 + "/n",
    ],
    ids=lambda key: repr(key) if len(key) < 20 else f"{key[:2]}... of {len(key)}",
)
def test_a_key_that_is_no_qualified_name_is_refused(key: str) -> None:
    """At most 63 characters behind an optional DNS subdomain of at most 253 (apimachinery, IsQualifiedName)."""
    text = f"metadata.labels['{key}']"
    assert parse_selector(text, ENV) == (Reason.UNKNOWN_SELECTOR, text, QUALIFIED)


@pytest.mark.parametrize("text", ["metadata.name['a']", "spec.nodeName['a']", "x['a']", "metadata.labels.x['a']"])
def test_brackets_belong_to_labels_and_annotations(text: str) -> None:
    """A key behind any other field is refused, with the two fields that have keys."""
    accepted = "a key in brackets only behind metadata.labels or metadata.annotations"
    assert parse_selector(text, ENV) == (Reason.UNKNOWN_SELECTOR, text, accepted)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "metadata",
        "Metadata.name",
        "metadata.name ",
        "metadata.generateName",
        "spec.hostname",
        "status.phase",
        'metadata.labels["a"]',
        "metadata.labels[a]",
        "metadata.labels['a",
        "metadata.labels['a']x",
        "metadata.labels['a']['b']",
        "limit.memory",
        "limits.",
        "limits.memory\n",
    ],
    ids=repr,
)
def test_what_is_no_reference_at_all_is_answered_with_all_that_are(text: str) -> None:
    """The text is named as it was written, and the sentence lists what may stand at this place."""
    assert parse_selector(text, ENV) == (Reason.UNKNOWN_SELECTOR, text, LEGAL_ENV)
    assert parse_selector(text, VOLUME) == (Reason.UNKNOWN_SELECTOR, text, LEGAL_VOLUME)


@pytest.mark.parametrize("place", [ENV, VOLUME], ids=["env", "volume"])
@pytest.mark.parametrize(
    ("text", "resource", "divisor"),
    [
        ("limits.cpu", "limits.cpu", "1"),
        ("limits.cpu:1", "limits.cpu", "1"),
        ("requests.cpu:1m", "requests.cpu", "1m"),
        ("limits.memory", "limits.memory", "1"),
        ("limits.memory:1Mi", "limits.memory", "1Mi"),
        ("requests.memory:1E", "requests.memory", "1E"),
        ("limits.ephemeral-storage:1Gi", "limits.ephemeral-storage", "1Gi"),
        ("requests.hugepages-2Mi:1Ki", "requests.hugepages-2Mi", "1Ki"),
        ("limits.hugepages-1Gi", "limits.hugepages-1Gi", "1"),
    ],
)
def test_a_resource_with_its_divisor(text: str, resource: str, divisor: str, place: Place) -> None:
    """A request or limit may stand anywhere; without a divisor it is counted in ones."""
    found = parse_selector(text, place)
    assert found == ResourceFieldRef(resource, divisor, BOTH)
    assert str(found) == f"{resource}:{divisor}"


@pytest.mark.parametrize(
    "text", ["limits.gpu", "limits.nvidia.com", "requests.hugepages-", "limits.storage", "limits.CPU", "limits.cpus:1"]
)
def test_a_resource_that_the_downward_api_does_not_know(text: str) -> None:
    """The sentence lists every resource that it does know."""
    assert parse_selector(text, ENV) == (Reason.UNKNOWN_SELECTOR, text, RESOURCES)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("limits.cpu:1Mi", "a divisor of cpu: 1m, 1"),
        ("limits.cpu:", "a divisor of cpu: 1m, 1"),
        ("limits.cpu:0", "a divisor of cpu: 1m, 1"),
        ("limits.cpu:1:1", "a divisor of cpu: 1m, 1"),
        ("requests.memory:1m", f"a divisor of memory: {BYTES}"),
        ("requests.memory:1K", f"a divisor of memory: {BYTES}"),
        ("limits.memory:2Mi", f"a divisor of memory: {BYTES}"),
        ("limits.ephemeral-storage:1m", f"a divisor of ephemeral-storage: {BYTES}"),
        ("limits.hugepages-2Mi:1m", f"a divisor of hugepages-2Mi: {BYTES}"),
    ],
)
def test_a_divisor_that_kubernetes_would_refuse(text: str, accepted: str) -> None:
    """Each resource has its own divisors, all of them named in the error."""
    assert parse_selector(text, ENV) == (Reason.BAD_DIVISOR, text, accepted)


def test_a_field_in_the_form_of_the_api() -> None:
    """fieldRef never names a container; resourceFieldRef does where one is given; a literal is shown in quotes."""
    field, resource = FieldRef("metadata.name", BOTH), ResourceFieldRef("limits.cpu", "1m")
    assert field.to_json() == field.to_json("app") == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert resource.to_json() == {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}
    assert resource.to_json("app") == {
        "resourceFieldRef": {"containerName": "app", "resource": "limits.cpu", "divisor": "1m"}
    }
    assert list(resource.to_json("app")["resourceFieldRef"]) == ["containerName", "resource", "divisor"]
    assert [str(field), str(resource), str(Literal("x"))] == ["metadata.name", "limits.cpu:1m", "'x'"]
