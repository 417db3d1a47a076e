"""The parts of a Pod that are read: what the API may write there is accepted, everything else is passed over."""

import copy
from typing import Any

import msgspec
import pytest

from webhook.api.pod import Container, Pod, Quantities

decode = msgspec.json.Decoder(Pod).decode
WHOLE: dict[str, Any] = {
    "metadata": {"name": "a", "namespace": "n", "annotations": {"k": "v"}, "deletionTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {
        "containers": [
            {
                "name": "c",
                "env": [{"name": "E", "value": "secret"}],
                "envFrom": [{"secretRef": {"name": "s"}}],
                "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": True}],
                "volumeDevices": [{"name": "d", "devicePath": "/dev/xvda"}],
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "resources": {
                    "limits": {"cpu": 2, "memory": "1Gi", "ephemeral-storage": 1.5},
                    "requests": {"cpu": "100m"},
                },
                "restartPolicy": "Always",
            }
        ],
        "initContainers": [{"name": "i"}],
        "ephemeralContainers": [{"name": "e", "targetContainerName": "c"}],
        "volumes": [
            {"name": "v", "emptyDir": {"medium": "Memory"}},
            {"name": "w", "downwardAPI": {"items": []}},
        ],
        "hostNetwork": True,
        "os": {"name": "linux"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "resources": {"limits": {"memory": "2Gi"}},
    },
}


def test_every_declared_field_is_read_under_the_name_of_the_api() -> None:
    """One pod with every field that a decision may need, each found where Kubernetes writes it."""
    found = decode(msgspec.json.encode(WHOLE))
    (only,) = found.spec.containers or ()
    assert (found.metadata.name, found.metadata.namespace) == ("a", "n")
    assert found.metadata.annotations == {"k": "v"}
    assert found.metadata.deletion_timestamp == "2026-01-01T00:00:00Z"
    assert [entry.name for entry in only.env or ()] == ["E"]
    assert len(only.env_from or ()) == 1
    assert [(m.name, m.mount_path, m.read_only) for m in only.volume_mounts or ()] == [("v", "/v", True)]
    assert [device.device_path for device in only.volume_devices or ()] == ["/dev/xvda"]
    assert [(p.container_port, p.protocol) for p in only.ports or ()] == [(80, "TCP")]
    assert only.resources
    assert only.resources.limits == Quantities(2, "1Gi", 1.5)
    assert only.resources.requests == Quantities("100m")
    assert [c.name for c in found.spec.init_containers or ()] == ["i"]
    assert [c.target_container_name for c in found.spec.ephemeral_containers or ()] == ["c"]
    assert [v.empty_dir is not None for v in found.spec.volumes or ()] == [True, False]
    assert [v.downward_api is not None for v in found.spec.volumes or ()] == [False, True]
    assert found.spec.host_network is True
    assert found.spec.os
    assert found.spec.os.name == "linux"
    assert found.spec.node_selector == {"kubernetes.io/os": "linux"}
    assert found.spec.resources
    assert found.spec.resources.limits == Quantities(memory="2Gi")


def test_values_of_variables_are_never_read() -> None:
    """A secret in a pod's env cannot reach a log or a memory of ours: it is not part of what is read."""
    assert b"secret" not in msgspec.json.encode(decode(msgspec.json.encode(WHOLE)))


def _places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every member of every object in the data, by its path."""
    found: list[tuple[str | int, ...]] = []
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        found += [(*path, key)] if isinstance(value, dict) else []
        found += _places(member, (*path, key))
    return found


# A map's values are the user's own data, not a field of the API.
FIELDS = [place for place in _places(WHOLE) if place[-2:-1] not in (("annotations",), ("nodeSelector",))]
# Required by the API, and read here: names under the spec (not of a Secret or a device, which nobody reads) and places.
REQUIRED = [
    place
    for place in FIELDS
    if place[-1] in ("mountPath", "devicePath", "containerPort")
    or (place[-1] == "name" and place[0] == "spec" and not {"secretRef", "volumeDevices"} & set(place))
]
OPTIONAL = [place for place in FIELDS if place not in REQUIRED]


def _at(place: tuple[str | int, ...]) -> tuple[Any, Any]:
    """A copy of the whole pod, and the object in it that holds the place."""
    whole = copy.deepcopy(WHOLE)
    parent: Any = whole
    for key in place[:-1]:
        parent = parent[key]
    return whole, parent


@pytest.mark.parametrize("place", OPTIONAL, ids=lambda place: ".".join(map(str, place)))
def test_null_means_absent(place: tuple[str | int, ...]) -> None:
    """In an optional field of the API, null reads like a pod that does not have the field."""
    with_null, parent = _at(place)
    parent[place[-1]] = None
    without, parent = _at(place)
    del parent[place[-1]]
    assert decode(msgspec.json.encode(with_null)) == decode(msgspec.json.encode(without))


@pytest.mark.parametrize("place", REQUIRED, ids=lambda place: ".".join(map(str, place)))
def test_null_in_a_required_field_is_refused(place: tuple[str | int, ...]) -> None:
    """What the API requires cannot be null; the error names the place."""
    whole, parent = _at(place)
    parent[place[-1]] = None
    with pytest.raises(msgspec.ValidationError, match=r"got `null` - at `\$\.spec\."):
        decode(msgspec.json.encode(whole))


@pytest.mark.parametrize(
    "extra",
    [{"x": 1}, {"x": {"y": [None, {}]}}, {"x": [[[[]]]]}, {"": "é"}],
    ids=["number", "object", "arrays", "odd names"],
)
def test_fields_that_this_code_has_never_heard_of_break_nothing(extra: dict[str, Any]) -> None:
    """A newer Kubernetes may add fields at every level; what is read stays the same."""

    def widened(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            more = {} if key in ("annotations", "nodeSelector") else extra
            return {**{k: widened(v, k) for k, v in value.items()}, **more}
        return [widened(item) for item in value] if isinstance(value, list) else value

    assert decode(msgspec.json.encode(widened(WHOLE))) == decode(msgspec.json.encode(WHOLE))


def test_an_empty_object_is_a_pod_of_nothing() -> None:
    """Every field may be missing."""
    assert decode(b"{}") == Pod()


def test_a_container_is_a_value() -> None:
    """What is read can be compared and remembered: equal parts are equal and hash alike."""
    one, other = (Container(name="a", env=(), ports=()) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    with pytest.raises(AttributeError):
        one.name = "b"
