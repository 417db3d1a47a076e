"""The files: volumes, mounts, their names, and the mounts of the user that are left as they are."""

import hashlib
import re
from typing import Any

import pytest

from tests.pods import DEBUG, JSON, about, app, container, injected, installed, notes, patched, pod, volume
from webhook.inject.reasons import Reason
from webhook.inject.volume import volume_name

PATH = "/etc/downward"
ONLY_FILES = {"env": "none"}
MOUNT = {"name": "podmeta-downward-app", "mountPath": PATH, "readOnly": True}
KEPT = [("app", PATH, Reason.MOUNT_KEPT, True)]


def mounts(whole: JSON, name: str = "app") -> list[JSON]:
    return list(container(whole, name).get("volumeMounts") or ())


def mounting(path: str, source: JSON | None = None, **mount: Any) -> JSON:
    """A pod whose container mounts a volume of the user's."""
    return pod(
        ONLY_FILES,
        containers=[app(volumeMounts=[{"name": "data", "mountPath": path, **mount}])],
        volumes=[{"name": "data", **(source or {"configMap": {"name": "c"}})}],
    )


def test_the_volume_as_the_api_spells_it() -> None:
    """Seven files with their references, the container named, and a read-only mount."""
    after = injected(pod(ONLY_FILES))
    assert after["spec"]["volumes"] == [
        {
            "name": "podmeta-downward-app",
            "downwardAPI": {
                "items": [
                    {"path": "podName", "fieldRef": {"fieldPath": "metadata.name"}},
                    {"path": "podNamespace", "fieldRef": {"fieldPath": "metadata.namespace"}},
                    {"path": "podUid", "fieldRef": {"fieldPath": "metadata.uid"}},
                    {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
                    {"path": "annotations", "fieldRef": {"fieldPath": "metadata.annotations"}},
                    {
                        "path": "containerCpuRequestMilliCores",
                        "resourceFieldRef": {"containerName": "app", "resource": "requests.cpu", "divisor": "1m"},
                    },
                    {
                        "path": "containerMemoryLimitBytes",
                        "resourceFieldRef": {"containerName": "app", "resource": "limits.memory", "divisor": "1"},
                    },
                ]
            },
        }
    ]
    assert mounts(after) == [MOUNT]


def test_each_container_has_a_volume_of_its_own_at_the_same_path() -> None:
    """So the same path describes the container that reads it."""
    after = injected(pod(ONLY_FILES, initContainers=[app("init")], containers=[app(), app("log")]))
    for name in ("init", "app", "log"):
        assert mounts(after, name) == [{**MOUNT, "name": f"podmeta-downward-{name}"}]
        items = volume(after, f"podmeta-downward-{name}")["downwardAPI"]["items"]
        assert {i["resourceFieldRef"]["containerName"] for i in items if "resourceFieldRef" in i} == {name}
    assert [v["name"] for v in after["spec"]["volumes"]] == [f"podmeta-downward-{n}" for n in ("init", "app", "log")]


def test_further_files_stand_behind_the_standard_ones() -> None:
    """In the order of the annotation."""
    texts = {"volume-items": "build/version=metadata.labels['v'],mib=limits.memory:1Mi", **ONLY_FILES}
    items = volume(injected(pod(texts)), "podmeta-downward-app")["downwardAPI"]["items"]
    assert items[7:] == [
        {"path": "build/version", "fieldRef": {"fieldPath": "metadata.labels['v']"}},
        {
            "path": "mib",
            "resourceFieldRef": {"containerName": "app", "resource": "limits.memory", "divisor": "1Mi"},
        },
    ]


def test_another_path() -> None:
    """podmeta/volume-path is where it is mounted, without its trailing slash."""
    assert mounts(injected(pod({"volume-path": "/pod/info/", **ONLY_FILES}))) == [{**MOUNT, "mountPath": "/pod/info"}]


@pytest.mark.parametrize("installer", [True, False], ids=["by the installer", "by the pod"])
def test_no_volume_where_none_is_wanted(installer: bool) -> None:
    """Neither volume nor mount, and nothing to say about it."""
    whole = pod({} if installer else {"volume": "false"})
    defaults = installed({"volume": "false"} if installer else {})
    after = injected(whole, defaults)
    assert "volumes" not in after["spec"]
    assert not mounts(after)
    assert not about(whole, Reason.NO_VOLUME, Reason.MOUNT_KEPT, defaults=defaults)


@pytest.mark.parametrize("nothing", [{}, {"volumes": None}, {"volumes": []}], ids=["absent", "null", "empty"])
@pytest.mark.parametrize(
    "none", [{}, {"volumeMounts": None}, {"volumeMounts": []}], ids=["no mounts", "null mounts", "empty mounts"]
)
def test_lists_that_are_not_there_are_created(nothing: JSON, none: JSON) -> None:
    """The volume and the mount come where the lists are missing, null or empty."""
    after = injected(pod(ONLY_FILES, containers=[app(**none)], **nothing))
    assert mounts(after) == [MOUNT]
    assert [v["name"] for v in after["spec"]["volumes"]] == ["podmeta-downward-app"]


def test_the_users_volumes_and_mounts_keep_their_place_in_front() -> None:
    """Ours are appended."""
    after = injected(mounting("/data"))
    assert [m["mountPath"] for m in mounts(after)] == ["/data", PATH]
    assert [v["name"] for v in after["spec"]["volumes"]] == ["data", "podmeta-downward-app"]


# mounts of the user's

EMPTY = {"emptyDir": {}}


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(mounting(PATH), id="the same path"),
        pytest.param(mounting(PATH + "/"), id="the same with a slash at its end"),
        pytest.param(mounting("//etc/./downward"), id="the same, written differently"),
        pytest.param(mounting("\\etc\\downward"), id="the same with backslashes"),
        pytest.param(mounting("etc/downward"), id="the same, without the first slash"),
        pytest.param(mounting(PATH, EMPTY), id="the same, a writable emptyDir"),
        pytest.param(mounting(PATH + "/extra"), id="below"),
        pytest.param(mounting(PATH + "/extra", EMPTY), id="below, a writable emptyDir"),
        pytest.param(mounting("/etc"), id="above, a configMap"),
        pytest.param(mounting("/etc", EMPTY, readOnly=True), id="above, a read-only emptyDir"),
        pytest.param(mounting("/"), id="above all"),
    ],
)
def test_a_mount_that_ours_would_break_is_kept(whole: JSON) -> None:
    """At or below the path, or above it where no directory can be made: skipped, and the user is told."""
    assert notes(whole) == KEPT
    also = {**whole, "spec": {**whole["spec"], "containers": [*whole["spec"]["containers"], app("other")]}}
    after = injected(also)
    assert container(after) == container(whole)
    assert mounts(after, "other") == [{**MOUNT, "name": "podmeta-downward-other"}]
    assert [v["name"] for v in after["spec"]["volumes"]] == ["data", "podmeta-downward-other"]


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(mounting("/etc", EMPTY), id="above, a writable emptyDir"),
        pytest.param(mounting("/", EMPTY), id="above all, a writable emptyDir"),
        pytest.param(mounting("/etc/down"), id="a path with the same start"),
        pytest.param(mounting("/etc/downward2"), id="a path with ours as its start"),
        pytest.param(mounting("/etc/other"), id="a neighbour"),
        pytest.param(mounting("/downward"), id="the last part alone"),
    ],
)
def test_a_mount_that_is_no_obstacle(whole: JSON) -> None:
    """Paths are compared part by part, and below a writable emptyDir a directory can be made."""
    assert notes(whole) == []
    assert mounts(injected(whole))[-1] == MOUNT


def test_a_block_device_at_the_path_is_kept() -> None:
    """A device takes its path like a mount."""
    whole = pod(containers=[app(volumeDevices=[{"name": "disk", "devicePath": PATH}])])
    assert about(whole, Reason.MOUNT_KEPT) == KEPT


def test_an_obstacle_is_said_at_admission() -> None:
    """The warning names container, path and reason; the variables come all the same."""
    whole = pod({"env": "POD_IP"}, containers=[app(volumeMounts=[{"name": "d", "mountPath": PATH}])])
    outcome = patched(whole)
    assert outcome.warnings == (
        "podmeta: container app: /etc/downward: the container has a mount of its own at, below or above that path",
    )
    assert outcome.reasons == (Reason.MOUNT_KEPT,)
    assert outcome.containers == ("app",)


# volume names


@pytest.mark.parametrize("length", [1, 10, 46])
def test_a_name_that_fits_is_plain(length: int) -> None:
    """podmeta-downward-CONTAINER up to 63 characters."""
    name = "c" * length
    assert volume_name(name) == f"podmeta-downward-{name}"
    assert len(volume_name(name)) <= 63


def test_a_long_name_is_cut_and_made_unique_by_its_hash() -> None:
    """63 characters, the last eight from the SHA-256 of the container's name, so that it never changes."""
    name = "c" * 47
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    assert volume_name(name) == f"podmeta-downward--{'c' * 36}-{digest}"
    assert len(volume_name(name)) == 63


@pytest.mark.parametrize("name", ["a" * 35 + "-" + "b" * 20, "a" * 34 + "---" + "b" * 20, "a" * 63])
def test_a_cut_name_is_a_dns_label(name: str) -> None:
    """No dash is left before the one that joins the hash."""
    assert re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", volume_name(name))
    assert "--" not in volume_name(name).removeprefix("podmeta-downward--")
    assert len(volume_name(name)) <= 63


def test_containers_with_the_same_long_start_have_different_volumes() -> None:
    """The hash tells them apart, in the pod as well."""
    one, other = "c" * 62 + "1", "c" * 62 + "2"
    after = injected(pod(ONLY_FILES, containers=[app(one), app(other)]))
    assert len({v["name"] for v in after["spec"]["volumes"]}) == 2
    assert mounts(after, one)[0]["name"] == volume_name(one) != volume_name(other)


@pytest.mark.parametrize("name", ["c" * 47, "c" * 63, "a" * 35 + "-" + "b" * 20])
def test_a_cut_name_meets_no_plain_one(name: str) -> None:
    """No container can be called what another's volume was cut to: its name would not be a DNS label."""
    rest = volume_name(name).removeprefix("podmeta-downward-")
    assert not re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", rest)


# a volume of that name is there already


@pytest.mark.parametrize("source", [{"emptyDir": {}}, {"configMap": {"name": "c"}}, {}], ids=str)
def test_a_volume_of_the_users_that_has_our_name_is_kept(source: JSON) -> None:
    """It is not mounted as if it held our files; the container goes without, and the user is told."""
    whole = pod(ONLY_FILES, volumes=[{"name": "podmeta-downward-app", **source}])
    assert notes(whole) == [("app", PATH, Reason.VOLUME_KEPT, True)]


def test_a_volume_of_the_users_that_has_our_name_is_not_taken_for_ours_because_it_is_mounted() -> None:
    """Mounted by the user, an emptyDir of our name is still the user's, and the container still goes without."""
    whole = pod(
        ONLY_FILES,
        containers=[app(volumeMounts=[{"name": "podmeta-downward-app", "mountPath": "/x"}])],
        volumes=[{"name": "podmeta-downward-app", "emptyDir": {}}],
    )
    assert notes(whole) == [("app", PATH, Reason.VOLUME_KEPT, True)]


def test_a_downward_volume_of_our_name_is_mounted_and_not_added_again() -> None:
    """An earlier round added it: only the mount is missing."""
    whole = pod(ONLY_FILES, volumes=[{"name": "podmeta-downward-app", "downwardAPI": {"items": []}}])
    after = injected(whole)
    assert after["spec"]["volumes"] == whole["spec"]["volumes"]
    assert mounts(after) == [MOUNT]


def test_a_second_round_finds_what_the_first_one_added() -> None:
    """Even at another path than the annotation names by now."""
    after = injected(pod(ONLY_FILES))
    after["metadata"]["annotations"]["podmeta/volume-path"] = "/elsewhere"
    assert notes(after) == []
    after["spec"]["containers"].append(app("late"))
    again = injected(after)
    assert mounts(again) == [MOUNT]
    assert mounts(again, "late") == [{**MOUNT, "name": "podmeta-downward-late", "mountPath": "/elsewhere"}]


# kubectl debug


def running(*debuggers: JSON, **spec: Any) -> JSON:
    """A pod that was injected at its creation, with debuggers that were just added."""
    whole = injected(pod(ONLY_FILES, **spec))
    whole["spec"]["ephemeralContainers"] = list(debuggers)
    return whole


def test_a_debug_container_mounts_the_volume_of_the_container_that_it_debugs() -> None:
    """The volume exists, so it can be mounted; nothing else is added to the running pod."""
    whole = running(app("debugger", targetContainerName="app"))
    after = injected(whole, **DEBUG)
    assert mounts(after, "debugger") == [MOUNT]
    del after["spec"]["ephemeralContainers"]
    del whole["spec"]["ephemeralContainers"]
    assert after == whole


def test_a_debug_container_for_whom_there_is_no_volume_goes_without() -> None:
    """A running pod takes no new volume: said, not tried."""
    never = pod(ephemeralContainers=[app("debugger", targetContainerName="app")])
    assert about(never, Reason.EPHEMERAL, **DEBUG) == [("debugger", PATH, Reason.EPHEMERAL, True)]
    bare = running(app("bare"))
    assert notes(bare, **DEBUG) == [("bare", PATH, Reason.EPHEMERAL, True)]
    assert "volumes" not in injected(pod(ephemeralContainers=[app("bare")]), **DEBUG)["spec"]


def test_a_debug_container_with_a_mount_of_its_own_keeps_it() -> None:
    """The rules about paths hold there too."""
    own = {"name": "data", "mountPath": PATH}
    whole = running(app("debugger", targetContainerName="app", volumeMounts=[own]))
    assert notes(whole, **DEBUG) == [("debugger", PATH, Reason.MOUNT_KEPT, True)]


def test_windows_pods_get_their_files() -> None:
    """The volume is Kubernetes', not Linux'; a drive may be named."""
    whole = pod({"volume-path": "C:\\pod", **ONLY_FILES}, os={"name": "windows"})
    assert mounts(injected(whole)) == [{**MOUNT, "mountPath": "C:/pod"}]
    taken = pod(
        {"volume-path": "C:\\pod", **ONLY_FILES},
        os={"name": "windows"},
        containers=[app(volumeMounts=[{"name": "d", "mountPath": "C:\\pod\\x"}])],
    )
    assert notes(taken) == [("app", "C:/pod", Reason.MOUNT_KEPT, True)]
