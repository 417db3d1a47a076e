"""The ambassador: its container, its token, its kubeconfig, and what makes it impossible."""

import json
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.pods import (
    DEBUG,
    JSON,
    about,
    app,
    container,
    decided,
    env,
    injected,
    installed,
    notes,
    patched,
    pod,
    problems,
    skipped,
    volume,
)
from webhook.inject.annotations import Problem
from webhook.inject.mutate import Patched
from webhook.inject.reasons import Reason

NAME = "podmeta-ambassador"
TOKEN = "podmeta-ambassador-token"  # noqa: S105 - the name of a volume
ASKS = {"ambassador": "true"}
BARE = {"ambassador": "true", "env": "none", "volume": "false"}
HOST = Problem(Reason.HOST_NETWORK, "podmeta/ambassador", "true", '"false", or a pod without hostNetwork: true')
WINDOWS = Problem(Reason.WINDOWS, "podmeta/ambassador", "true", '"false" in a Windows pod')


def ambassador(whole: JSON, **more: Any) -> JSON:
    return container(injected(whole, **more), NAME)


def lists(whole: JSON) -> tuple[list[str], list[str]]:
    """The names of the init containers and of the containers."""
    spec = whole["spec"]
    return [c["name"] for c in spec.get("initContainers") or ()], [c["name"] for c in spec["containers"]]


def test_the_container_as_the_api_spells_it() -> None:
    """All of it: pinned image, no shell, Pod Security `restricted`, resources, probe, its own token."""
    assert ambassador(pod(ASKS)) == {
        "name": "podmeta-ambassador",
        "image": "registry.k8s.io/kubectl:v1.36.3",
        "command": ["kubectl"],
        "args": [
            "proxy",
            "--address=127.0.0.1",
            "--port=8001",
            "--reject-methods=^(POST|PUT|PATCH|DELETE)$",
        ],
        "resources": {"limits": {"cpu": "500m", "memory": "128Mi"}, "requests": {"cpu": "10m", "memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "startupProbe": {
            "exec": {"command": ["kubectl", "--server=http://127.0.0.1:8001", "get", "--raw", "/livez"]},
            "periodSeconds": 1,
            "timeoutSeconds": 10,
            "failureThreshold": 60,
        },
        "volumeMounts": [
            {
                "name": "podmeta-ambassador-token",
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
                "readOnly": True,
            }
        ],
        "restartPolicy": "Always",
    }


def test_the_token_that_it_alone_gets() -> None:
    """An expiring token, the cluster's CA and the namespace, mounted by no other container."""
    after = injected(pod(ASKS, automountServiceAccountToken=False))
    assert volume(after, TOKEN) == {
        "name": TOKEN,
        "projected": {
            "sources": [
                {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
            ]
        },
    }
    assert TOKEN not in [mount["name"] for mount in container(after)["volumeMounts"]]
    assert after["spec"]["automountServiceAccountToken"] is False


def test_what_the_installer_sets_for_it() -> None:
    """Image, user and figures are the installer's."""
    defaults = installed(
        ambassador_image="mirror.example/kubectl@sha256:0",
        ambassador_user=1000,
        ambassador_requests=(("cpu", "1m"),),
        ambassador_limits=(("memory", "1Gi"),),
    )
    found = ambassador(pod(ASKS), defaults=defaults)
    assert found["image"] == "mirror.example/kubectl@sha256:0"
    assert found["securityContext"]["runAsUser"] == 1000
    assert found["resources"] == {"limits": {"memory": "1Gi"}, "requests": {"cpu": "1m"}}


@pytest.mark.parametrize(
    ("access", "rejects"),
    [
        ({}, ["--reject-methods=^(POST|PUT|PATCH|DELETE)$"]),
        ({"ambassador-access": "read-only"}, ["--reject-methods=^(POST|PUT|PATCH|DELETE)$"]),
        ({"ambassador-access": "read-write"}, []),
    ],
    ids=["default", "read-only", "read-write"],
)
def test_which_methods_it_lets_through(access: dict[str, str], rejects: list[str]) -> None:
    """Writing methods are rejected unless the pod asks for them."""
    assert ambassador(pod({**ASKS, **access}))["args"] == ["proxy", "--address=127.0.0.1", "--port=8001", *rejects]


def test_another_port_is_everywhere() -> None:
    """Arguments, probe, variable and kubeconfig agree, and it stays on the loopback."""
    after = injected(pod({"ambassador-port": "9000", **ASKS}))
    found = container(after, NAME)
    assert "--port=9000" in found["args"]
    assert "--address=127.0.0.1" in found["args"]
    assert "--server=http://127.0.0.1:9000" in found["startupProbe"]["exec"]["command"]
    assert env(after)["AMBASSADOR_URL"] == "http://127.0.0.1:9000"
    assert "http://127.0.0.1:9000" in after["metadata"]["annotations"]["podmeta/kubeconfig"]
    assert "8001" not in json.dumps(after)


@pytest.mark.parametrize(
    ("kubernetes", "inits", "containers"),
    [
        (28, ["init"], ["app", NAME]),
        (29, [NAME, "init"], ["app"]),
        (36, [NAME, "init"], ["app"]),
    ],
)
def test_native_sidecar_from_1_29_and_a_plain_container_below(
    kubernetes: int, inits: list[str], containers: list[str]
) -> None:
    """As a sidecar it is the first init container, so that the others can use it; a plain one stands last."""
    after = injected(pod(ASKS, initContainers=[app("init")]), installed(kubernetes=kubernetes))
    assert lists(after) == (inits, containers)
    assert ("restartPolicy" in container(after, NAME)) is (kubernetes >= 29)
    for name in ("init", "app"):
        assert env(after, name)["AMBASSADOR_URL"] == "http://127.0.0.1:8001"


@pytest.mark.parametrize("nothing", [{}, {"initContainers": None}, {"initContainers": []}], ids=str)
def test_init_containers_are_created_for_it(nothing: JSON) -> None:
    """A pod without init containers gets the list with the sidecar alone."""
    assert lists(injected(pod(ASKS, **nothing))) == ([NAME], ["app"])


def test_a_pod_that_did_not_ask_has_none() -> None:
    """No container, token, kubeconfig, nor a variable that points at it."""
    after = injected(pod())
    assert lists(after) == ([], ["app"])
    assert not {"AMBASSADOR_URL", "KUBECONFIG"} & set(env(after))
    assert "podmeta/kubeconfig" not in after["metadata"]["annotations"]
    assert [v["name"] for v in after["spec"]["volumes"]] == ["podmeta-downward-app"]


def test_with_env_none_the_address_is_given_all_the_same() -> None:
    """podmeta/env chooses among the Downward API's variables; the ambassador's address belongs to the ambassador."""
    assert env(injected(pod(BARE))) == {"AMBASSADOR_URL": "http://127.0.0.1:8001"}


def test_its_variables_stand_behind_those_of_the_catalogue() -> None:
    """And before the user's own."""
    after = injected(pod({"env": "POD_IP", **ASKS}, containers=[app(env=[{"name": "X"}])]))
    assert list(env(after)) == ["POD_IP", "AMBASSADOR_URL", "KUBECONFIG", "X"]


# resources and quality of service

EQUAL = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}
LIMITS = {"limits": {"cpu": "500m", "memory": "128Mi"}, "requests": {"cpu": "500m", "memory": "128Mi"}}
BURST = {"limits": {"cpu": "500m", "memory": "128Mi"}, "requests": {"cpu": "10m", "memory": "64Mi"}}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        pytest.param([EQUAL], LIMITS, id="guaranteed"),
        pytest.param([EQUAL, EQUAL], LIMITS, id="all guaranteed"),
        pytest.param([{**EQUAL, "requests": {"cpu": "1000m", "memory": "1024Mi"}}], LIMITS, id="spelled differently"),
        pytest.param([{**EQUAL, "requests": {"cpu": 1, "memory": 1073741824}}], LIMITS, id="written as numbers"),
        pytest.param([{"limits": EQUAL["limits"]}], LIMITS, id="limits alone, which the API takes for requests"),
        pytest.param(
            [{**EQUAL, "requests": {"cpu": "1"}}], LIMITS, id="one limit alone, which the API takes for its request"
        ),
        pytest.param([EQUAL, {}], BURST, id="one container without"),
        pytest.param([{}], BURST, id="best effort"),
        pytest.param([{"requests": EQUAL["requests"]}], BURST, id="requests alone"),
        pytest.param([{**EQUAL, "requests": {"cpu": "500m", "memory": "1Gi"}}], BURST, id="less cpu requested"),
        pytest.param([{**EQUAL, "requests": {"cpu": "1", "memory": "1Mi"}}], BURST, id="less memory requested"),
        pytest.param([{"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}], BURST, id="no memory"),
        pytest.param([{"limits": {"memory": "1"}, "requests": {"memory": "1"}}], BURST, id="no cpu"),
        pytest.param([{"limits": {}, "requests": {}}], BURST, id="empty"),
    ],
)
def test_a_guaranteed_pod_stays_guaranteed(resources: list[JSON], expected: JSON) -> None:
    """Where every container's requests equal its limits, the ambassador's do as well; elsewhere it asks for little."""
    containers = [app(f"app-{index}", resources=figures) for index, figures in enumerate(resources)]
    assert ambassador(pod(ASKS, containers=containers))["resources"] == expected


def test_init_containers_count_for_the_quality_of_service_and_debuggers_do_not() -> None:
    """As in ComputePodQOS of Kubernetes."""
    whole = pod(ASKS, containers=[app(resources=EQUAL)], initContainers=[app("init")])
    assert ambassador(whole)["resources"] == BURST
    whole["spec"]["initContainers"][0]["resources"] = EQUAL
    assert ambassador(whole)["resources"] == LIMITS
    whole["spec"]["ephemeralContainers"] = [app("debugger")]
    assert ambassador(whole)["resources"] == LIMITS


@pytest.mark.parametrize(
    ("of_the_pod", "left"),
    [
        pytest.param({"limits": {"cpu": "1"}}, ["memory"], id="a limit of cpu"),
        pytest.param({"requests": {"memory": "1Gi"}}, ["cpu"], id="a request of memory"),
        pytest.param({"limits": {"cpu": "1", "memory": "1Gi"}}, [], id="both"),
        pytest.param({"limits": {}, "requests": None}, ["cpu", "memory"], id="none"),
        pytest.param({"limits": {"ephemeral-storage": "1Gi"}}, ["cpu", "memory"], id="another resource"),
    ],
)
def test_what_the_pod_declares_for_all_is_shared(of_the_pod: JSON, left: list[str]) -> None:
    """A resource of the pod level is left to it: containers may not request more than the pod does."""
    found = ambassador(pod(ASKS, resources=of_the_pod))["resources"]
    assert {kind: list(figures) for kind, figures in found.items()} == {"limits": left, "requests": left}


# the kubeconfig


def test_the_kubeconfig_is_an_annotation_and_a_file_of_the_volume() -> None:
    """YAML with the server and the pod's namespace, readable in every container, KUBECONFIG pointing at it."""
    after = injected(pod(ASKS, initContainers=[app("init")]), namespace="shop")
    text = after["metadata"]["annotations"]["podmeta/kubeconfig"]
    cluster = {"server": "http://127.0.0.1:8001", "insecure-skip-tls-verify": True}
    assert YAML(typ="safe").load(text) == {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "ambassador", "cluster": cluster}],
        "users": [{"name": "pod", "user": {}}],
        "contexts": [{"name": "pod", "context": {"cluster": "ambassador", "user": "pod", "namespace": "shop"}}],
        "current-context": "pod",
    }
    assert text.endswith("\n")
    for name in ("init", "app"):
        assert env(after, name)["KUBECONFIG"] == "/etc/downward/kubeconfig"
        assert volume(after, f"podmeta-downward-{name}")["downwardAPI"]["items"][-1] == {
            "path": "kubeconfig",
            "fieldRef": {"fieldPath": "metadata.annotations['podmeta/kubeconfig']"},
        }


@pytest.mark.parametrize("namespace", ["true", "123", "null", "1e3", "a-b"])
def test_a_namespace_that_yaml_would_take_for_something_else(namespace: str) -> None:
    """A namespace is text, whatever it looks like."""
    after = injected(pod(ASKS), namespace=namespace)
    parsed = YAML(typ="safe").load(after["metadata"]["annotations"]["podmeta/kubeconfig"])
    assert parsed["contexts"][0]["context"]["namespace"] == namespace


def test_the_file_lies_where_the_volume_is() -> None:
    """KUBECONFIG follows podmeta/volume-path, and stands behind the files that the pod asked for."""
    texts = {"volume-path": "/pod", "volume-items": "uid=metadata.uid", **ASKS}
    after = injected(pod(texts))
    assert env(after)["KUBECONFIG"] == "/pod/kubeconfig"
    items = volume(after, "podmeta-downward-app")["downwardAPI"]["items"]
    assert [item["path"] for item in items][-2:] == ["uid", "kubeconfig"]


def test_a_path_is_taken_as_it_is_written() -> None:
    """`{container}` stands for the container's name in a variable of the catalogue, nowhere else."""
    after = injected(pod({"volume-path": "/pod/{container}", "env": "CONTAINER_NAME", **ASKS}))
    assert env(after)["CONTAINER_NAME"] == "app"
    assert env(after)["KUBECONFIG"] == "/pod/{container}/kubeconfig"
    assert after["spec"]["containers"][0]["volumeMounts"][0]["mountPath"] == "/pod/{container}"


def test_a_kubeconfig_that_the_container_sets_is_kept() -> None:
    """The user's KUBECONFIG wins, and is reported; the address is given all the same."""
    whole = pod({"env": "none", **ASKS}, containers=[app(env=[{"name": "KUBECONFIG", "value": "/mine"}])])
    assert env(injected(whole)) == {"AMBASSADOR_URL": "http://127.0.0.1:8001", "KUBECONFIG": "/mine"}
    assert notes(whole) == [("app", "KUBECONFIG", Reason.ENV_KEPT, False)]


@pytest.mark.parametrize(
    "texts", [{"ambassador-kubeconfig": "false"}, {"volume": "false"}], ids=["not wanted", "no volume"]
)
def test_without_a_kubeconfig_there_is_neither_annotation_nor_file_nor_variable(texts: dict[str, str]) -> None:
    """The ambassador itself is there."""
    after = injected(pod({**ASKS, **texts}))
    assert container(after, NAME)
    assert "podmeta/kubeconfig" not in json.dumps(after)
    assert "KUBECONFIG" not in env(after)
    assert env(after)["AMBASSADOR_URL"] == "http://127.0.0.1:8001"


@pytest.mark.parametrize(
    ("texts", "containers", "expected"),
    [
        ({"volume": "false"}, [app()], [Reason.NO_VOLUME]),
        ({"volume": "false"}, [app(), app(NAME)], [Reason.CONTAINER_KEPT, Reason.NO_VOLUME]),
        ({"volume": "false", "ambassador-kubeconfig": "false"}, [app()], []),
        ({"volume": "true"}, [app()], []),
    ],
    ids=["no volume", "no volume, a container of that name", "no kubeconfig either", "both"],
)
def test_a_kubeconfig_that_is_only_a_default_is_left_out_with_a_reason(
    texts: dict[str, str], containers: list[JSON], expected: list[Reason]
) -> None:
    """Nobody asked for the file by name, so its absence is a note of the pod, not a problem nor a warning."""
    whole = pod({"env": "none", **ASKS, **texts}, containers=containers)
    items = {Reason.NO_VOLUME: "podmeta/kubeconfig", Reason.CONTAINER_KEPT: NAME}
    assert notes(whole) == [("", items[reason], reason, False) for reason in expected]


def test_a_container_without_the_volume_gets_no_kubeconfig_and_a_warning() -> None:
    """Its own mount is in the way of the file: only the address is given, and the user is told why."""
    taken = app("taken", volumeMounts=[{"name": "d", "mountPath": "/etc/downward"}])
    whole = pod({"env": "none", **ASKS}, containers=[app(), taken])
    after = injected(whole)
    assert list(env(after)) == ["AMBASSADOR_URL", "KUBECONFIG"]
    assert list(env(after, "taken")) == ["AMBASSADOR_URL"]
    assert notes(whole) == [
        ("taken", "/etc/downward", Reason.MOUNT_KEPT, True),
        ("taken", "KUBECONFIG", Reason.NO_VOLUME, True),
    ]


def test_a_kubeconfig_that_is_not_wanted_is_not_missed() -> None:
    """No note about a file that nobody asked for."""
    taken = app(volumeMounts=[{"name": "d", "mountPath": "/etc/downward"}])
    whole = pod({"ambassador-kubeconfig": "false", **ASKS}, containers=[taken])
    assert not about(whole, Reason.NO_VOLUME)


# what makes it impossible


def port(number: int, **fields: Any) -> JSON:
    return {"ports": [{"containerPort": number, **fields}]}


def clash(number: int, name: str) -> Problem:
    accepted = f"a port that no container declares; {name} declares {number}"
    return Problem(Reason.PORT_TAKEN, "podmeta/ambassador-port", str(number), accepted)


@pytest.mark.parametrize(
    ("texts", "spec", "expected"),
    [
        pytest.param({}, {"hostNetwork": True}, [HOST], id="hostNetwork"),
        pytest.param({}, {"os": {"name": "windows"}}, [WINDOWS], id="Windows by os.name"),
        pytest.param({}, {"nodeSelector": {"kubernetes.io/os": "windows"}}, [WINDOWS], id="Windows by nodeSelector"),
        pytest.param({}, {"containers": [app(**port(8001))]}, [clash(8001, "app")], id="its port"),
        pytest.param(
            {"ambassador-port": "80"},
            {"containers": [app(**port(80, protocol="TCP"))]},
            [clash(80, "app")],
            id="a port",
        ),
        pytest.param(
            {},
            {"initContainers": [app("init", **port(8001))], "containers": [app(**port(8001)), app("b", **port(80))]},
            [clash(8001, "init"), clash(8001, "app")],
            id="two containers",
        ),
        pytest.param(
            {},
            {"containers": [app(ports=[{"containerPort": 80}, {"containerPort": 8001}])]},
            [clash(8001, "app")],
            id="the second port of a container",
        ),
        pytest.param(
            {},
            {"hostNetwork": True, "os": {"name": "windows"}, "containers": [app(**port(8001))]},
            [HOST, WINDOWS, clash(8001, "app")],
            id="all together",
        ),
    ],
)
class TestObstacle:
    """What forbids an ambassador, told by who asked for it."""

    def test_an_explicit_ask_is_denied_with_every_cause(
        self, texts: dict[str, str], spec: JSON, expected: list[Problem]
    ) -> None:
        """Each cause is a problem that names key, value and a way out."""
        assert list(problems(pod({**ASKS, **texts}, **spec))) == expected

    def test_a_default_of_the_installer_is_left_out_with_a_reason(
        self, texts: dict[str, str], spec: JSON, expected: list[Problem]
    ) -> None:
        """The pod gets everything else, unwarned; the first cause is the reason."""
        whole, defaults = pod({"env": "POD_IP", **texts}, **spec), installed(ASKS)
        after = injected(whole, defaults)
        assert list(env(after)) == ["POD_IP"]
        assert NAME not in json.dumps(after["spec"])
        assert "podmeta/kubeconfig" not in json.dumps(after)
        assert notes(whole, defaults) == [("", NAME, expected[0].reason, False)]


@pytest.mark.parametrize(
    "spec",
    [
        {"hostNetwork": False},
        {"os": {"name": "linux"}},
        {"containers": [app(**port(8001, protocol="UDP"))]},
        {"containers": [app(**port(8001, protocol="SCTP"))]},
        {"containers": [app(**port(8002))]},
        {"containers": [app(ports=None)]},
    ],
    ids=str,
)
def test_what_does_not_forbid_it(spec: JSON) -> None:
    """Another network, another protocol, another port."""
    assert container(injected(pod(ASKS, **spec)), NAME)


def test_a_pod_that_declines_may_have_what_would_forbid_it() -> None:
    """Nothing is wrong with hostNetwork where no ambassador is asked for."""
    assert isinstance(decided(pod({"ambassador": "false"}, hostNetwork=True), installed(ASKS)), Patched)
    assert isinstance(decided(pod(hostNetwork=True, os={"name": "windows"}, containers=[app(**port(8001))])), Patched)


def test_the_sentence_of_a_denial() -> None:
    """It says why, not only that."""
    assert str(HOST) == (
        "podmeta/ambassador: 'true': with hostNetwork the ambassador would open the pod's API identity to the whole "
        'node; accepted: "false", or a pod without hostNetwork: true'
    )


# again


def test_a_second_round_adds_no_second_one() -> None:
    """Container, token and annotation are there; its own port is not a clash with itself."""
    after = injected(pod(ASKS))
    after["spec"]["initContainers"][0]["ports"] = [{"containerPort": 8001}]
    assert skipped(after).reason is Reason.NOTHING_TO_ADD
    assert not about(after, Reason.CONTAINER_KEPT)


def test_a_container_that_comes_later_is_pointed_at_the_ambassador() -> None:
    """Its own volume has the kubeconfig, its env the address; there is still one ambassador."""
    after = injected(pod({"env": "none", **ASKS}))
    after["spec"]["containers"].append(app("late"))
    again = injected(after)
    assert lists(again) == ([NAME], ["app", "late"])
    assert env(again, "late") == {"AMBASSADOR_URL": "http://127.0.0.1:8001", "KUBECONFIG": "/etc/downward/kubeconfig"}
    items = volume(again, "podmeta-downward-late")["downwardAPI"]["items"]
    assert "kubeconfig" in [item["path"] for item in items]


def test_a_container_of_the_users_that_has_its_name_is_kept() -> None:
    """No second container of that name; the user's stays as it is, and that is reported."""
    own = app(NAME)
    whole = pod({"env": "none", **ASKS}, containers=[app(), own])
    after = injected(whole)
    assert container(after, NAME) == own
    assert lists(after) == ([], ["app", NAME])
    assert notes(whole) == [("", NAME, Reason.CONTAINER_KEPT, False)]
    assert TOKEN not in [v["name"] for v in after["spec"]["volumes"]]


def test_a_volume_of_the_users_that_has_the_tokens_name_is_not_used_in_silence() -> None:
    """The ambassador's token must come from our volume: an ask is refused, an installer's default left out."""
    taken = [{"name": TOKEN, "secret": {"secretName": "mine"}}]
    accepted = f"a pod that has no volume of its own called {TOKEN}"
    assert problems(pod(BARE, volumes=taken)) == (Problem(Reason.VOLUME_KEPT, "podmeta/ambassador", "true", accepted),)
    assert notes(pod({"env": "none"}, volumes=taken), installed(ASKS)) == [("", NAME, Reason.VOLUME_KEPT, False)]


def test_a_token_volume_of_an_earlier_round_is_not_added_again() -> None:
    """Somebody removed the container alone: the container comes back, the volume is there."""
    after = injected(pod(ASKS))
    after["spec"]["initContainers"] = []
    again = injected(after)
    assert lists(again) == ([NAME], ["app"])
    assert [v["name"] for v in again["spec"]["volumes"]] == [v["name"] for v in after["spec"]["volumes"]]


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "the user's"])
def test_a_kubeconfig_annotation_is_renewed_only_where_it_is_ours(ours: bool) -> None:
    """A namespace or port that changed reaches our own text; one that the user wrote is left alone."""
    after = injected(pod({"env": "none", **ASKS}))
    if not ours:
        status = json.loads(after["metadata"]["annotations"]["podmeta/status"])
        del status["added"]["annotations"]
        after["metadata"]["annotations"]["podmeta/status"] = json.dumps(status)
    before = after["metadata"]["annotations"]["podmeta/kubeconfig"]
    outcome = decided(after, namespace="moved")
    if ours:
        again = injected(after, namespace="moved")
        assert "'moved'" in again["metadata"]["annotations"]["podmeta/kubeconfig"] != before
    else:
        assert outcome == skipped(after)


def test_a_kubeconfig_annotation_that_was_lost_is_written_again() -> None:
    """The files point at it."""
    after = injected(pod(ASKS))
    text = after["metadata"]["annotations"].pop("podmeta/kubeconfig")
    assert injected(after)["metadata"]["annotations"]["podmeta/kubeconfig"] == text


# kubectl debug


def test_a_debug_container_of_a_pod_with_an_ambassador_is_pointed_at_it() -> None:
    """It shares the pod's network: address and, through its target's volume, the kubeconfig; no annotation."""
    whole = injected(pod({"env": "none", **ASKS}))
    whole["spec"]["ephemeralContainers"] = [app("debugger", targetContainerName="app")]
    after = injected(whole, **DEBUG)
    assert env(after, "debugger") == {
        "AMBASSADOR_URL": "http://127.0.0.1:8001",
        "KUBECONFIG": "/etc/downward/kubeconfig",
    }
    assert after["metadata"] == whole["metadata"]
    assert lists(after) == lists(whole)


def test_a_running_pod_gets_no_ambassador_any_more() -> None:
    """Only said: neither container nor token, nor a variable that would point at nothing."""
    whole = pod({"env": "POD_IP", **ASKS}, ephemeralContainers=[app("debugger")])
    after = injected(whole, **DEBUG)
    assert list(env(after, "debugger")) == ["POD_IP"]
    assert lists(after) == ([], ["app"])
    assert ("", NAME, Reason.EPHEMERAL, False) in notes(whole, **DEBUG)
    assert patched(whole, **DEBUG).containers == ("debugger",)
