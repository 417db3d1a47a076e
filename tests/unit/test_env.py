"""The environment: what stands in front of a container's own variables, what stays the user's, and what is said."""

from typing import Any

import pytest

from tests.pods import DEBUG, JSON, about, app, container, env, injected, installed, notes, patched, planned, pod
from webhook.inject.fields import ALL, STANDARD
from webhook.inject.question import Door
from webhook.inject.reasons import Reason

STANDARD_NAMES = [variable.name for variable in STANDARD]
ALL_NAMES = [variable.name for variable in ALL]
ONLY_ENV = {"volume": "false"}


def names(whole: JSON, name: str = "app") -> list[str]:
    """The names in a container's env, in their order."""
    return [entry["name"] for entry in container(whole, name).get("env") or ()]


def only(texts: str, **more: str) -> dict[str, str]:
    """Annotations of a pod that asks for these variables and for no volume."""
    return {"env": texts, **ONLY_ENV, **more}


def test_the_standard_set_as_the_api_spells_it() -> None:
    """Seven variables with their references and divisors, in the order of the contract."""
    assert container(injected(pod(ONLY_ENV)))["env"] == [
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "SERVICE_ACCOUNT", "valueFrom": {"fieldRef": {"fieldPath": "spec.serviceAccountName"}}},
        {
            "name": "CONTAINER_CPU_REQUEST_MILLICORES",
            "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1m"}},
        },
        {
            "name": "CONTAINER_MEMORY_LIMIT_KIBIBYTES",
            "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Ki"}},
        },
    ]


def test_the_containers_name_is_a_literal() -> None:
    """The Downward API has no container name; each container gets its own."""
    after = injected(pod(only("CONTAINER_NAME"), containers=[app("one"), app("two")]))
    assert env(after, "one") == {"CONTAINER_NAME": "one"}
    assert env(after, "two") == {"CONTAINER_NAME": "two"}


def test_own_variables() -> None:
    """NAME=SELECTOR is injected as the selector says."""
    after = injected(pod(only("VERSION=metadata.labels['app.kubernetes.io/version'],MIB=limits.memory:1Mi")))
    assert env(after) == {
        "VERSION": {"fieldRef": {"fieldPath": "metadata.labels['app.kubernetes.io/version']"}},
        "MIB": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}},
    }


def test_what_is_injected_stands_in_front_in_the_order_of_the_annotation() -> None:
    """The user's entries keep their order and bytes behind it, so that $(POD_IP) in them expands."""
    own = [{"name": "URL", "value": "http://$(POD_IP):80/"}, {"name": "B", "value": ""}, {"name": "A", "x": [None]}]
    after = injected(pod(only("POD_IP,NODE_NAME,POD_NAME"), containers=[app(env=own)]))
    assert names(after) == ["POD_IP", "NODE_NAME", "POD_NAME", "URL", "B", "A"]
    assert container(after)["env"][3:] == own


@pytest.mark.parametrize("empty", [{}, {"env": None}, {"env": []}], ids=["absent", "null", "empty"])
def test_an_environment_that_is_not_there_is_created(empty: JSON) -> None:
    """A missing, null or empty env becomes the injected one."""
    after = injected(pod(only("POD_IP,POD_NAME"), containers=[app(**empty)]))
    assert names(after) == ["POD_IP", "POD_NAME"]


PREFIXED = {"env-prefix": "K8S_"}


def test_the_prefix_stands_before_every_name_of_ours() -> None:
    """Catalogue and own variables and the ambassador's address get it."""
    after = injected(pod({"env": "POD_IP,MINE=metadata.uid", "ambassador": "true", **PREFIXED}))
    assert names(after) == ["K8S_POD_IP", "K8S_MINE", "K8S_AMBASSADOR_URL", "KUBECONFIG"]


def test_the_prefix_does_not_stand_before_names_that_other_programs_read() -> None:
    """Go, the JVM and Kubernetes clients know their variable by one name only."""
    limits = {"limits": {"cpu": "1", "memory": "1Gi"}}
    whole = pod({"env": "go,jvm", "ambassador": "true", **PREFIXED}, containers=[app(resources=limits)])
    found = names(injected(whole))
    assert found == ["GOMAXPROCS", "GOMEMLIMIT", "JAVA_TOOL_OPTIONS", "K8S_AMBASSADOR_URL", "KUBECONFIG"]


def test_the_prefixed_name_is_the_one_that_the_user_may_have() -> None:
    """Only a clash with the name as injected counts."""
    whole = pod(
        only("POD_IP,POD_NAME", **PREFIXED), containers=[app(env=[{"name": "POD_IP"}, {"name": "K8S_POD_NAME"}])]
    )
    assert names(injected(whole)) == ["K8S_POD_IP", "POD_IP", "K8S_POD_NAME"]
    assert notes(whole) == [("app", "K8S_POD_NAME", Reason.ENV_KEPT, False)]


def test_two_variables_that_a_prefix_makes_one_are_injected_once() -> None:
    """The first keeps the name, the second is reported."""
    limits = {"limits": {"cpu": "1", "memory": "1Gi"}}
    whole = pod(only("PROCS=metadata.uid,go", **{"env-prefix": "GOMAX"}), containers=[app(resources=limits)])
    after = injected(whole)
    assert names(after) == ["GOMAXPROCS", "GOMEMLIMIT"]
    assert env(after)["GOMAXPROCS"] == {"fieldRef": {"fieldPath": "metadata.uid"}}
    assert notes(whole) == [("app", "GOMAXPROCS", Reason.ENV_KEPT, False)]


def test_a_name_that_the_container_defines_is_the_users() -> None:
    """It is kept as it is, and reported; the other containers are not concerned."""
    own = {"name": "POD_IP", "value": "10.0.0.1"}
    whole = pod(only("POD_IP,POD_NAME"), containers=[app(env=[own]), app("other")])
    after = injected(whole)
    assert container(after)["env"][1:] == [own]
    assert names(after) == ["POD_NAME", "POD_IP"]
    assert names(after, "other") == ["POD_IP", "POD_NAME"]
    assert notes(whole) == [("app", "POD_IP", Reason.ENV_KEPT, False)]


def test_what_is_kept_and_what_is_left_out_are_all_reported() -> None:
    """In the order of the annotation."""
    whole = pod(only("go,POD_IP,POD_NAME"), containers=[app(env=[{"name": "POD_IP"}, {"name": "POD_NAME"}])])
    assert [note[1:3] for note in notes(whole)] == [
        ("GOMAXPROCS", Reason.LIMIT_MISSING),
        ("GOMEMLIMIT", Reason.LIMIT_MISSING),
        ("POD_IP", Reason.ENV_KEPT),
        ("POD_NAME", Reason.ENV_KEPT),
    ]


def test_what_was_taken_out_is_not_injected() -> None:
    """-NAME, wherever it stands."""
    assert names(injected(pod(only("standard,-POD_IP,-NODE_NAME")))) == [
        name for name in STANDARD_NAMES if name not in ("POD_IP", "NODE_NAME")
    ]


def test_none_injects_nothing_into_the_environment() -> None:
    """`none` leaves env alone and still gives the volume."""
    after = injected(pod({"env": "none"}))
    assert "env" not in container(after)
    assert container(after)["volumeMounts"]


def test_init_containers_and_native_sidecars_get_their_own() -> None:
    """Regular, init and sidecar containers each have the variables with their own resource fields."""
    whole = pod(
        only("POD_IP,CONTAINER_MEMORY_LIMIT_KIBIBYTES"),
        initContainers=[app("init"), app("sidecar", restartPolicy="Always", env=[{"name": "X"}])],
    )
    after = injected(whole)
    for name, own in (("init", []), ("sidecar", ["X"]), ("app", [])):
        assert names(after, name) == ["POD_IP", "CONTAINER_MEMORY_LIMIT_KIBIBYTES", *own]
        limit = env(after, name)["CONTAINER_MEMORY_LIMIT_KIBIBYTES"]
        assert limit == {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Ki"}}


# presets


@pytest.mark.parametrize(
    ("preset", "limits", "injected_names", "missing"),
    [
        ("go", {"cpu": "1", "memory": "1Gi"}, ["GOMAXPROCS", "GOMEMLIMIT"], []),
        ("go", {"cpu": "1"}, ["GOMAXPROCS"], ["GOMEMLIMIT"]),
        ("go", {"memory": 1024}, ["GOMEMLIMIT"], ["GOMAXPROCS"]),
        ("go", {}, [], ["GOMAXPROCS", "GOMEMLIMIT"]),
        ("go", {"cpu": "0", "memory": 0}, [], ["GOMAXPROCS", "GOMEMLIMIT"]),
        ("jvm", {"memory": "1Gi"}, ["JAVA_TOOL_OPTIONS"], []),
        ("jvm", {"cpu": "1"}, [], ["JAVA_TOOL_OPTIONS"]),
    ],
    ids=str,
)
def test_a_preset_needs_the_limit_that_it_speaks_of(
    preset: str, limits: JSON, injected_names: list[str], missing: list[str]
) -> None:
    """Without the declared limit the variable would be the node's size, so it is left out, and the user is told."""
    whole = pod(only(f"POD_IP,{preset}"), containers=[app(resources={"limits": limits, "requests": {"cpu": "1"}})])
    assert names(injected(whole)) == ["POD_IP", *injected_names]
    assert notes(whole) == [("app", name, Reason.LIMIT_MISSING, True) for name in missing]


def test_what_a_preset_sets() -> None:
    """Whole processors, bytes of memory, and three quarters of it for the heap of a JVM."""
    limits = {"limits": {"cpu": "1", "memory": "1Gi"}}
    assert env(injected(pod(only("go,jvm"), containers=[app(resources=limits)]))) == {
        "GOMAXPROCS": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1"}},
        "GOMEMLIMIT": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1"}},
        "JAVA_TOOL_OPTIONS": "-XX:MaxRAMPercentage=75.0",
    }


def test_a_preset_of_the_installer_is_left_out_without_a_warning() -> None:
    """Who did not ask is not warned; the reason is known all the same."""
    defaults = installed({"env": "standard,jvm", "volume": "false"})
    assert ("app", "JAVA_TOOL_OPTIONS", Reason.LIMIT_MISSING, False) in notes(pod(), defaults)


# topology


@pytest.mark.parametrize(("kubernetes", "there"), [(34, False), (35, True), (36, True)])
def test_the_topology_labels_are_on_pods_from_1_35(kubernetes: int, there: bool) -> None:
    """Below it the two variables are left out, with a reason; an explicit ask is warned about."""
    whole = pod(only("POD_IP,NODE_ZONE,NODE_REGION"))
    defaults = installed(kubernetes=kubernetes)
    assert names(injected(whole, defaults)) == ["POD_IP", *(["NODE_ZONE", "NODE_REGION"] if there else [])]
    left_out = [] if there else [("app", name, Reason.TOPOLOGY, True) for name in ("NODE_ZONE", "NODE_REGION")]
    assert notes(whole, defaults) == left_out


def test_the_topology_labels_themselves() -> None:
    """The well-known labels that the admission plugin copies."""
    assert env(injected(pod(only("NODE_ZONE,NODE_REGION")))) == {
        "NODE_ZONE": {"fieldRef": {"fieldPath": "metadata.labels['topology.kubernetes.io/zone']"}},
        "NODE_REGION": {"fieldRef": {"fieldPath": "metadata.labels['topology.kubernetes.io/region']"}},
    }


def test_an_old_cluster_whose_installer_wants_all_is_not_warned_at_every_pod() -> None:
    """By default of the installer: left out with a reason, no warning."""
    defaults = installed({"env": "all", "volume": "false"}, kubernetes=34)
    assert names(injected(pod(), defaults)) == ALL_NAMES[:-2]
    assert about(pod(), Reason.TOPOLOGY, defaults=defaults) == [
        ("app", "NODE_ZONE", Reason.TOPOLOGY, False),
        ("app", "NODE_REGION", Reason.TOPOLOGY, False),
    ]


# envFrom


def test_a_container_with_env_from_gets_a_warning_that_names_the_variables() -> None:
    """env wins over envFrom: the user is told which names may now hide a key."""
    source = {"envFrom": [{"configMapRef": {"name": "settings"}}]}
    whole = pod(only("POD_IP,POD_NAME"), containers=[app(**source), app("other")])
    assert notes(whole) == [("app", "POD_IP, POD_NAME", Reason.ENV_FROM, True)]
    hidden = "env wins over envFrom, so a key of that name in the ConfigMap or Secret is hidden"
    assert patched(whole).warnings == (f"podmeta: container app: POD_IP, POD_NAME: {hidden}",)


@pytest.mark.parametrize(
    "fields", [{"envFrom": []}, {"envFrom": None}, {"envFrom": [{}], "env": [{"name": "POD_IP"}]}], ids=str
)
def test_no_warning_where_nothing_can_be_hidden(fields: JSON) -> None:
    """No envFrom, or nothing injected: nothing is said about it."""
    assert not about(pod(only("POD_IP"), containers=[app(**fields), app("other")]), Reason.ENV_FROM)


# what the kubelet reports where nothing is declared


@pytest.mark.parametrize(
    ("variable", "resources", "of_the_pod", "reason"),
    [
        ("CONTAINER_MEMORY_LIMIT_KIBIBYTES", {}, {}, Reason.NODE_ALLOCATABLE),
        ("CONTAINER_MEMORY_LIMIT_KIBIBYTES", {"limits": {"memory": "0"}}, {}, Reason.NODE_ALLOCATABLE),
        ("CONTAINER_MEMORY_LIMIT_KIBIBYTES", {"limits": {"cpu": "1"}}, {}, Reason.NODE_ALLOCATABLE),
        ("CONTAINER_MEMORY_LIMIT_KIBIBYTES", {"limits": {"memory": "1Gi"}}, {}, None),
        ("CONTAINER_MEMORY_LIMIT_KIBIBYTES", {}, {"limits": {"memory": "1Gi"}}, Reason.POD_LIMIT),
        ("CONTAINER_MEMORY_LIMIT_KIBIBYTES", {}, {"limits": {"cpu": "1"}}, Reason.NODE_ALLOCATABLE),
        ("CONTAINER_MEMORY_LIMIT_KIBIBYTES", {"limits": {"memory": 1}}, {"limits": {"memory": "1Gi"}}, None),
        ("CONTAINER_CPU_REQUEST_MILLICORES", {}, {}, Reason.REQUEST_ZERO),
        ("CONTAINER_CPU_REQUEST_MILLICORES", {"requests": {"cpu": "1m"}}, {}, None),
        ("CONTAINER_CPU_REQUEST_MILLICORES", {"limits": {"cpu": "1"}}, {}, Reason.REQUEST_ZERO),
        ("CONTAINER_CPU_REQUEST_MILLICORES", {}, {"requests": {"cpu": "1"}}, Reason.REQUEST_ZERO),
        ("CONTAINER_EPHEMERAL_STORAGE_LIMIT_MEBIBYTES", {}, {}, Reason.NODE_ALLOCATABLE),
        ("CONTAINER_EPHEMERAL_STORAGE_LIMIT_MEBIBYTES", {"limits": {"ephemeral-storage": "1Gi"}}, {}, None),
        ("MINE=limits.cpu", {}, {}, Reason.NODE_ALLOCATABLE),
        ("MINE=limits.hugepages-2Mi", {}, {}, None),
        ("MINE=limits.hugepages-1.5Mi", {}, {}, None),
        ("POD_IP", {}, {}, None),
        ("CONTAINER_NAME", {}, {}, None),
    ],
)
def test_a_figure_that_is_not_declared_is_injected_and_explained(
    variable: str, resources: JSON, of_the_pod: JSON, reason: Reason | None
) -> None:
    """The kubelet's stand-in is a fact to know, not a reason to leave the variable out, nor a warning."""
    declared = {"resources": of_the_pod} if of_the_pod else {}  # the field is rarely there
    whole = pod(only(variable), containers=[app(resources=resources)], **declared)
    name = variable.partition("=")[0]
    assert names(injected(whole)) == [name]
    assert notes(whole) == ([("app", name, reason, False)] if reason else [])


# kubectl debug


def debugging(texts: dict[str, str], *debuggers: JSON, **spec: Any) -> JSON:
    """What arrives at pods/ephemeralcontainers: the running pod with its new debuggers."""
    return pod(texts, ephemeralContainers=list(debuggers), **spec)


def test_a_debug_container_shows_the_figures_of_the_container_that_it_debugs() -> None:
    """Its own figures are empty by rule, so containerName names the target; without a target there is no name."""
    whole = debugging(
        only("POD_IP,CONTAINER_NAME,CONTAINER_MEMORY_LIMIT_KIBIBYTES,CONTAINER_CPU_REQUEST_MILLICORES"),
        app("debugger", targetContainerName="app"),
        app("bare"),
        containers=[app("other", resources={"requests": {"cpu": "1"}}), app(resources={"limits": {"memory": "1Gi"}})],
    )
    after = injected(whole, **DEBUG)
    assert env(after, "debugger") == {
        "POD_IP": {"fieldRef": {"fieldPath": "status.podIP"}},
        "CONTAINER_NAME": "debugger",
        "CONTAINER_MEMORY_LIMIT_KIBIBYTES": {
            "resourceFieldRef": {"containerName": "app", "resource": "limits.memory", "divisor": "1Ki"}
        },
        "CONTAINER_CPU_REQUEST_MILLICORES": {
            "resourceFieldRef": {"containerName": "app", "resource": "requests.cpu", "divisor": "1m"}
        },
    }
    assert env(after, "bare")["CONTAINER_MEMORY_LIMIT_KIBIBYTES"] == {
        "resourceFieldRef": {"resource": "limits.memory", "divisor": "1Ki"}
    }
    assert notes(whole, **DEBUG) == [
        ("debugger", "CONTAINER_CPU_REQUEST_MILLICORES", Reason.REQUEST_ZERO, False),
        ("bare", "CONTAINER_MEMORY_LIMIT_KIBIBYTES", Reason.NODE_ALLOCATABLE, False),
        ("bare", "CONTAINER_CPU_REQUEST_MILLICORES", Reason.REQUEST_ZERO, False),
    ]


def test_a_debug_container_whose_target_is_gone_is_injected_all_the_same() -> None:
    """The API server judges the target; the note is about what nobody declares."""
    whole = debugging(only("CONTAINER_MEMORY_LIMIT_KIBIBYTES"), app("debugger", targetContainerName="gone"))
    assert about(whole, Reason.NODE_ALLOCATABLE, **DEBUG)
    assert names(injected(whole, **DEBUG), "debugger") == ["CONTAINER_MEMORY_LIMIT_KIBIBYTES"]


def test_only_new_debug_containers_of_a_running_pod_are_touched() -> None:
    """Everything that runs already stays as it is, whatever it lacks."""
    whole = debugging(only("POD_IP"), app("old"), app("new"))
    after = injected(whole, **DEBUG, oldObject=debugging(only("POD_IP"), app("old")))
    assert names(after, "new") == ["POD_IP"]
    for name in ("app", "old"):
        assert container(after, name) == app(name)


# again


def test_a_second_round_adds_nothing_and_reports_nothing_about_its_own() -> None:
    """What the status names is ours, so it is neither added again nor called the user's."""
    whole = pod(only("POD_IP,POD_NAME"), containers=[app(env=[{"name": "POD_NAME"}])])
    after = injected(whole)
    again = planned(after)
    assert again.containers == ()
    assert about(after, Reason.ENV_KEPT) == [("app", "POD_NAME", Reason.ENV_KEPT, False)]


def test_a_variable_that_the_annotation_names_later_is_added_in_front() -> None:
    """Per item, not per pod: what is new comes, what is there stays."""
    after = injected(pod(only("POD_IP")))
    after["metadata"]["annotations"]["podmeta/env"] = "POD_IP,POD_NAME"
    assert names(injected(after)) == ["POD_NAME", "POD_IP"]


def test_a_pod_in_a_namespace_that_asks_gets_the_same() -> None:
    """The door changes who asked, not what is given."""
    quiet: JSON = {"metadata": {}, "spec": {"containers": [app()]}}
    after = injected(quiet, door=Door.NAMESPACE)
    assert env(after) == env(injected(pod()))
