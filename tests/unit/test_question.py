"""The Question: what a decision may depend on, read from the request, and nothing that varies within a workload."""

from typing import Any

import pytest

from tests.pods import DEBUG, JSON, app, asked, pod
from webhook.api.pod import ContainerPort, EnvVar, Quantities, Resources
from webhook.inject.question import Door, Mount, Target


def test_everything_that_is_asked_about_a_pod() -> None:
    """One request with every fact that counts, each in its place."""
    whole = pod(
        {"env": "all", "kubernetes.io/config.mirror": "x", "example.com/other": "y"},
        initContainers=[app("init")],
        containers=[
            app(
                env=[{"name": "A", "value": "secret"}],
                envFrom=[{"configMapRef": {"name": "c"}}],
                volumeMounts=[{"name": "data", "mountPath": "/data"}],
                ports=[{"containerPort": 80, "protocol": "UDP", "name": "dns"}],
                resources={"limits": {"cpu": "1"}},
            )
        ],
        ephemeralContainers=[app("debugger", targetContainerName="app")],
        volumes=[{"name": "data", "emptyDir": {}}, {"name": "podmeta-x", "downwardAPI": {"items": []}}],
        hostNetwork=True,
        resources={"requests": {"memory": "1Gi"}},
    )
    old = pod(ephemeralContainers=[app("older")])
    found = asked(whole, Door.NAMESPACE, **DEBUG, oldObject=old)
    assert (found.door, found.resource, found.operation) == (Door.NAMESPACE, "pods/ephemeralcontainers", "UPDATE")
    assert found.namespace == "shop"
    assert found.annotations == (("podmeta/inject", "true"), ("podmeta/env", "all"))
    assert (found.has_annotations, found.has_volumes, found.missing) == (True, True, ())
    assert (found.mirror, found.deleting, found.host_network, found.windows) == (True, False, True, False)
    assert found.old == {"older"}
    assert found.volumes == (("podmeta-x", True),)
    assert found.resources == Resources(requests=Quantities(memory="1Gi"))
    assert found.targets == (
        Target("initContainers", 0, "init", (), False, (), False, (), None),
        Target(
            "containers",
            0,
            "app",
            (EnvVar("A"),),
            True,
            (Mount("/data", "", True),),
            True,
            (ContainerPort(80, "UDP"),),
            Resources(limits=Quantities(cpu="1")),
        ),
        Target("ephemeralContainers", 0, "debugger", (), False, (), False, (), None, "app"),
    )


def test_a_pod_of_nothing() -> None:
    """Where there is no object at all, the Question is about an empty pod."""
    found = asked(None)
    assert (found.targets, found.annotations, found.volumes, found.old) == ((), (), (), frozenset())
    assert found.missing == ("/metadata", "/spec")
    assert not any((found.has_annotations, found.has_volumes))
    assert not any((found.mirror, found.deleting, found.host_network, found.windows))


def test_containers_are_found_by_their_index_in_their_list() -> None:
    """A patch needs the list and the index."""
    whole = pod(initContainers=[app("i"), app("j")], containers=[app("a"), app("b")])
    assert [(t.kind, t.index, t.name) for t in asked(whole).targets] == [
        ("initContainers", 0, "i"),
        ("initContainers", 1, "j"),
        ("containers", 0, "a"),
        ("containers", 1, "b"),
    ]


@pytest.mark.parametrize("empty", [None, "empty", "missing"])
def test_a_parent_that_is_missing_null_or_empty_is_not_there(empty: str | None) -> None:
    """Absent, null and empty lists and maps are one: the parent must be created."""
    whole: JSON = {"metadata": {}, "spec": {"containers": [{"name": "app"}]}}
    if empty != "missing":
        nothing: Any = None if empty is None else []
        whole["metadata"]["annotations"] = None if empty is None else {}
        whole["spec"] |= {"volumes": nothing, "initContainers": nothing, "ephemeralContainers": nothing}
        whole["spec"]["containers"][0] |= {"env": nothing, "volumeMounts": nothing, "envFrom": nothing}
    found = asked(whole)
    assert not any((found.has_annotations, found.has_volumes))
    (target,) = found.targets
    assert (target.env, target.env_from, target.has_mounts) == ((), False, False)


@pytest.mark.parametrize(
    ("whole", "missing"),
    [
        ({}, ("/metadata", "/spec")),
        ({"metadata": None, "spec": None}, ("/metadata", "/spec")),
        ({"metadata": {}}, ("/spec",)),
        ({"spec": {}}, ("/metadata",)),
        ({"metadata": {}, "spec": {}}, ()),
    ],
    ids=str,
)
def test_which_of_the_pods_own_parts_are_missing(whole: JSON, missing: tuple[str, ...]) -> None:
    """Absent or null, they must be created before anything can be added below them."""
    assert asked(whole).missing == missing


def test_an_old_pod_without_a_spec_had_no_debuggers() -> None:
    """What is missing there makes every ephemeral container a new one."""
    assert asked(pod(), oldObject={}).old == frozenset()
    assert asked(pod(), oldObject={"spec": {"ephemeralContainers": None}}).old == frozenset()


@pytest.mark.parametrize(
    ("volume", "mount", "expected"),
    [
        pytest.param({"emptyDir": {}}, {}, Mount("/m", "", True), id="a writable emptyDir has room"),
        pytest.param({"emptyDir": {}}, {"readOnly": True}, Mount("/m", "", False), id="a read-only one has none"),
        pytest.param({"emptyDir": {}}, {"readOnly": False}, Mount("/m", "", True), id="said to be writable"),
        pytest.param({"emptyDir": {"medium": "Memory"}}, {}, Mount("/m", "", True), id="in memory"),
        pytest.param({"emptyDir": None}, {}, Mount("/m", "", False), id="null is no emptyDir"),
        pytest.param({"configMap": {"name": "c"}}, {}, Mount("/m", "", False), id="a configMap has none"),
        pytest.param({"hostPath": {"path": "/"}}, {}, Mount("/m", "", False), id="a hostPath has none"),
    ],
)
def test_whether_a_directory_could_be_made_in_a_mount(volume: JSON, mount: JSON, expected: Mount) -> None:
    """Of a volume of the user's only that counts; its name does not."""
    whole = pod(
        containers=[app(volumeMounts=[{"name": "v", "mountPath": "/m", **mount}])], volumes=[{"name": "v", **volume}]
    )
    assert asked(whole).targets[0].mounts == (expected,)


def test_a_block_device_takes_its_path_like_a_mount() -> None:
    """Mounts first, then devices; a device alone is no volumeMounts list to append to."""
    both = app(
        volumeMounts=[{"name": "v", "mountPath": "/m"}], volumeDevices=[{"name": "d", "devicePath": "/dev/xvda"}]
    )
    device = app("device", volumeDevices=[{"name": "d", "devicePath": "/dev/xvda"}])
    first, second = asked(pod(containers=[both, device])).targets
    assert first.mounts == (Mount("/m", "", False), Mount("/dev/xvda", "", False))
    assert (second.mounts, second.has_mounts) == ((Mount("/dev/xvda", "", False),), False)


def test_our_own_volumes_are_known_by_name_and_kind() -> None:
    """A mount of a podmeta- volume keeps its name; whether the volume is a downwardAPI one is remembered."""
    whole = pod(
        containers=[
            app(volumeMounts=[{"name": "podmeta-a", "mountPath": "/a"}, {"name": "podmet", "mountPath": "/b"}])
        ],
        volumes=[
            {"name": "podmeta-a", "downwardAPI": {}},
            {"name": "podmeta-b", "emptyDir": {}},
            {"name": "podmet", "downwardAPI": {}},
        ],
    )
    found = asked(whole)
    assert found.volumes == (("podmeta-a", True), ("podmeta-b", False))
    assert [mount.volume for mount in found.targets[0].mounts] == ["podmeta-a", ""]


@pytest.mark.parametrize(
    ("spec", "windows"),
    [
        pytest.param({"os": {"name": "windows"}}, True, id="os.name"),
        pytest.param({"os": {"name": "linux"}}, False, id="os.name linux"),
        pytest.param({"nodeSelector": {"kubernetes.io/os": "windows"}}, True, id="nodeSelector"),
        pytest.param({"nodeSelector": {"kubernetes.io/os": "linux"}}, False, id="nodeSelector linux"),
        pytest.param({"nodeSelector": {"os": "windows"}}, False, id="another label"),
        pytest.param(
            {"os": {"name": "linux"}, "nodeSelector": {"kubernetes.io/os": "windows"}}, False, id="os.name counts first"
        ),
        pytest.param({"os": None, "nodeSelector": None}, False, id="neither"),
    ],
)
def test_which_pods_are_windows_pods(spec: JSON, windows: bool) -> None:
    """By os.name, and where that is not set by the well-known label in the nodeSelector."""
    assert asked(pod(**spec)).windows is windows


@pytest.mark.parametrize(
    ("request_fields", "resource"),
    [
        ({}, "pods"),
        ({"subResource": ""}, "pods"),
        ({"subResource": "status"}, "pods/status"),
        ({"resource": {"group": "metrics.k8s.io", "version": "v1beta1", "resource": "pods"}}, "metrics.k8s.io/pods"),
    ],
    ids=["none", "empty", "status", "group"],
)
def test_group_and_subresource_are_part_of_the_resource(request_fields: dict[str, Any], resource: str) -> None:
    """pods, pods/status and the pods of another group are three things."""
    assert asked(pod(), **request_fields).resource == resource


def pod_of_a_workload(suffix: str, secret: str) -> JSON:
    whole = pod(
        {"env": "all", "example.com/build": secret},
        containers=[
            app(
                env=[{"name": "PASSWORD", "value": secret}],
                volumeMounts=[
                    {"name": f"kube-api-access-{suffix}", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
                ],
            )
        ],
        volumes=[{"name": f"kube-api-access-{suffix}", "projected": {}}],
    )
    whole["metadata"] |= {"name": f"web-{suffix}", "uid": suffix, "labels": {"pod-template-hash": suffix}}
    return whole


def test_two_pods_of_one_workload_put_one_question() -> None:
    """Name, uid, labels, the suffix of the token volume, other annotations' and variables' values do not matter."""
    one = asked(pod_of_a_workload("x7zk2", "hunter2"), name="web-x7zk2", uid="1")
    other = asked(pod_of_a_workload("b4c9d", "tr0ub4dor"), name="web-b4c9d", uid="2", dryRun=True)
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(pod(containers=[app("other")]), id="a container's name"),
        pytest.param(pod(containers=[app(env=[{"name": "A"}])]), id="a variable's name"),
        pytest.param(pod(containers=[app(envFrom=[{}])]), id="envFrom"),
        pytest.param(pod(containers=[app(resources={"limits": {"cpu": 1}})]), id="a limit"),
        pytest.param(pod(containers=[app(ports=[{"containerPort": 1}])]), id="a port"),
        pytest.param(pod(containers=[app(volumeMounts=[{"mountPath": "/a"}])]), id="a mount"),
        pytest.param(pod({"env": "all"}), id="an annotation of ours"),
        pytest.param(pod(hostNetwork=True), id="hostNetwork"),
        pytest.param(pod(volumes=[{"name": "v"}]), id="volumes"),
    ],
)
def test_what_counts_makes_another_question(changed: JSON) -> None:
    """A fact that a decision depends on is part of the Question."""
    assert asked(changed) != asked(pod())
    assert asked(pod(), Door.NAMESPACE) != asked(pod(), Door.POD)
    assert asked(pod(), namespace="b") != asked(pod(), namespace="a")
