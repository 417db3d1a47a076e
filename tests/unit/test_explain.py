"""Why a pod gets what it gets: a row for every item, a reason for each that is not simply injected."""

import pytest

from tests.pods import DEBUG, JSON, app, asked, injected, installed, pod
from webhook.inject.explain import Explanation, Row, explain
from webhook.inject.question import Door
from webhook.inject.reasons import Reason
from webhook.inject.situation import Defaults

FILES = "podName, podNamespace, podUid, labels, annotations, containerCpuRequestMilliCores, containerMemoryLimitBytes"
PATH = "/etc/downward"


def explained(whole: JSON, defaults: Defaults | None = None, door: Door = Door.POD, **request: object) -> Explanation:
    return explain(asked(whole, door, **request), defaults or installed())


def test_an_injected_pod_row_by_row() -> None:
    """Every variable with its selector, every mount with its files, a figure that nobody declares with its reason."""
    found = explained(pod({"env": "POD_IP,CONTAINER_NAME,CONTAINER_MEMORY_LIMIT_KIBIBYTES,MINE=metadata.labels['a']"}))
    assert found == Explanation(
        Reason.INJECTED,
        "the pod asked, and got what it asked for",
        (
            Row("app", "POD_IP", "injected", "status.podIP"),
            Row("app", "CONTAINER_NAME", "injected", '"app"'),
            Row("app", "CONTAINER_MEMORY_LIMIT_KIBIBYTES", "injected", "limits.memory:1Ki", Reason.NODE_ALLOCATABLE),
            Row("app", "MINE", "injected", "metadata.labels['a']"),
            Row("app", PATH, "injected", FILES),
        ),
    )
    assert found.clean


def test_what_is_kept_and_left_out() -> None:
    """In each container behind what was injected, with the reason."""
    own = {"env": [{"name": "POD_IP"}], "volumeMounts": [{"name": "d", "mountPath": PATH}]}
    whole = pod({"env": "POD_IP,POD_NAME,go"}, containers=[app(**own), app("other")])
    found = explained(whole)
    assert found.rows == (
        Row("app", "POD_NAME", "injected", "metadata.name"),
        Row("app", PATH, "kept", "", Reason.MOUNT_KEPT),
        Row("app", "POD_IP", "kept", "", Reason.ENV_KEPT),
        Row("app", "GOMAXPROCS", "left out", "", Reason.LIMIT_MISSING),
        Row("app", "GOMEMLIMIT", "left out", "", Reason.LIMIT_MISSING),
        Row("other", "POD_IP", "injected", "status.podIP"),
        Row("other", "POD_NAME", "injected", "metadata.name"),
        Row("other", PATH, "injected", FILES),
        Row("other", "GOMAXPROCS", "left out", "", Reason.LIMIT_MISSING),
        Row("other", "GOMEMLIMIT", "left out", "", Reason.LIMIT_MISSING),
    )
    assert not found.clean


def test_a_container_that_gets_nothing_has_its_rows_too() -> None:
    """Everything in it is the user's: the rows say so."""
    own = app(env=[{"name": "POD_IP"}])
    found = explained(pod({"env": "POD_IP", "volume": "false"}, containers=[own]))
    assert (found.reason, found.sentence) == (Reason.NOTHING_TO_ADD, Reason.NOTHING_TO_ADD.sentence)
    assert found.rows == (Row("app", "POD_IP", "kept", "", Reason.ENV_KEPT),)
    assert not found.clean


@pytest.mark.parametrize(
    ("texts", "names", "figures"),
    [
        ("POD_IP,POD_NAME", "POD_IP, POD_NAME", [None, None]),
        ("POD_IP", "POD_IP", [None]),
        ("MINE=limits.cpu", "MINE", [Reason.NODE_ALLOCATABLE]),
    ],
    ids=["two variables", "one variable", "one with something to know"],
)
def test_env_from_has_a_row_of_its_own(texts: str, names: str, figures: list[Reason | None]) -> None:
    """It names the variables and takes nothing from their rows; nothing was left out, so the pod is clean."""
    found = explained(pod({"env": texts, "volume": "false"}, containers=[app(envFrom=[{}])]))
    assert [row.reason for row in found.rows[:-1]] == figures
    assert found.rows[-1] == Row("app", "envFrom", "injected", names, Reason.ENV_FROM)
    assert found.clean


@pytest.mark.parametrize(
    ("kubernetes", "kind"), [(36, "native sidecar"), (28, "container")], ids=["native", "plain container"]
)
def test_the_ambassador_has_a_row_of_the_pod(kubernetes: int, kind: str) -> None:
    """What kind, where it listens, what it lets through."""
    texts = {"env": "none", "ambassador": "true", "ambassador-port": "9000", "ambassador-access": "read-write"}
    found = explained(pod(texts), installed(kubernetes=kubernetes))
    assert found.rows == (
        Row("app", "AMBASSADOR_URL", "injected", '"http://127.0.0.1:9000"'),
        Row("app", "KUBECONFIG", "injected", '"/etc/downward/kubeconfig"'),
        Row("app", PATH, "injected", f"{FILES}, kubeconfig"),
        Row("", "podmeta-ambassador", "injected", f"{kind}, 127.0.0.1:9000, read-write"),
    )
    assert found.clean


def test_an_ambassador_that_cannot_be_has_a_row_with_the_reason() -> None:
    """By default of the installer, on the network of the node."""
    found = explained(pod({"env": "none"}, hostNetwork=True), installed({"ambassador": "true"}))
    assert found.rows[-1] == Row("", "podmeta-ambassador", "left out", "", Reason.HOST_NETWORK)


def test_a_container_of_that_name_is_kept() -> None:
    """The verdict for what is the user's."""
    found = explained(pod({"env": "none", "ambassador": "true"}, containers=[app(), app("podmeta-ambassador")]))
    assert found.rows[-1] == Row("", "podmeta-ambassador", "kept", "", Reason.CONTAINER_KEPT)


def test_a_volume_of_that_name_is_kept() -> None:
    """So is a volume."""
    whole = pod({"env": "none"}, volumes=[{"name": "podmeta-downward-app", "emptyDir": {}}])
    assert explained(whole).rows == (Row("app", PATH, "kept", "", Reason.VOLUME_KEPT),)


LEFT_OUT = pod({"env": "POD_IP", "volume": "false", "skip-containers": "log"}, containers=[app(), app("log")])


def test_a_container_that_the_pod_leaves_out_has_a_row() -> None:
    """It says what it goes without, and why."""
    assert explained(LEFT_OUT).rows == (
        Row("app", "POD_IP", "injected", "status.podIP"),
        Row("log", "env and volume", "left out", "", Reason.NOT_SELECTED),
    )


def test_what_the_pod_itself_leaves_out_does_not_make_it_unclean() -> None:
    """Clean: nothing is left out or kept that the pod asked for. It asked for this container to be left out."""
    assert explained(LEFT_OUT).clean


def test_a_pod_that_itself_declines_the_volume_is_clean() -> None:
    """The kubeconfig was only a default, and the file's absence is what the pod asked for."""
    assert explained(pod({"env": "POD_IP", "volume": "false", "ambassador": "true"})).clean


def test_a_variable_that_was_injected_is_not_called_kept() -> None:
    """Where a prefix makes two names one, the first is injected, and what is said of the second is not said of it."""
    limits = {"limits": {"cpu": "1", "memory": "1Gi"}}
    whole = pod(
        {"env": "PROCS=metadata.uid,go", "env-prefix": "GOMAX", "volume": "false"}, containers=[app(resources=limits)]
    )
    assert explained(whole).rows[0] == Row("app", "GOMAXPROCS", "injected", "metadata.uid")


def test_a_refused_pod_has_a_row_for_every_problem() -> None:
    """Key, value, what would be accepted, the reason."""
    found = explained(pod({"env": "qqq,POD_NAM", "volume": "maybe"}))
    assert (found.reason, found.sentence) == (Reason.INVALID, "an annotation is malformed or asks for the impossible")
    first, near, second = found.rows
    assert (first.container, first.item, first.verdict) == ("", "podmeta/env: qqq", "refused")
    assert first.reason is Reason.UNKNOWN_VARIABLE
    assert first.source.startswith("accepted: standard, all, none, go, jvm, POD_NAME")
    assert (near.item, near.source) == ("podmeta/env: POD_NAM", "did you mean POD_NAME?")
    assert second == Row("", "podmeta/volume: maybe", "refused", 'accepted: "true" or "false"', Reason.BAD_BOOLEAN)
    assert not found.clean


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ({"inject": "false"}, Reason.OPTED_OUT),
        ({"inject": "true", "env": "none", "volume": "false"}, Reason.NOTHING_TO_ADD),
    ],
    ids=["opted out", "asks for nothing"],
)
def test_a_pod_that_gets_nothing_and_wants_nothing_is_clean(texts: dict[str, str], reason: Reason) -> None:
    """One reason, no rows."""
    assert explained(pod(texts)) == Explanation(reason, reason.sentence)
    assert explained(pod(texts)).clean


def test_a_pod_injected_before_is_told_so() -> None:
    """Nothing to add, and nothing of ours is called the user's."""
    after = injected(pod({"env": "all", "ambassador": "true"}))
    found = explained(after)
    assert found.reason is Reason.NOTHING_TO_ADD
    assert all(row.verdict == "injected" for row in found.rows)


@pytest.mark.parametrize(
    ("texts", "spec"),
    [
        ({"volume": "false"}, {}),
        ({"env": "none"}, {}),
        ({"env": "none", "volume": "false", "ambassador": "true", "skip-containers": "app"}, {}),
    ],
    ids=["variables alone", "files alone", "the ambassador alone"],
)
def test_whatever_is_added_makes_it_injected(texts: dict[str, str], spec: JSON) -> None:
    """A single part is enough."""
    assert explained(pod(texts, **spec)).reason is Reason.INJECTED


def test_variables_of_a_debug_container_alone_count() -> None:
    """No volume, no container, no annotation: it is injected all the same."""
    whole = pod({"env": "POD_IP", "volume": "false"}, ephemeralContainers=[app("debugger")])
    assert explained(whole, **DEBUG).reason is Reason.INJECTED


def test_an_annotation_alone_that_is_added_counts() -> None:
    """A kubeconfig that was lost is written again."""
    after = injected(pod({"ambassador": "true"}))
    del after["metadata"]["annotations"]["podmeta/kubeconfig"]
    assert explained(after).reason is Reason.INJECTED


def test_a_debug_container_is_explained_like_any_other() -> None:
    """It mounts a volume that is there already; one without a target goes without files."""
    whole = injected(pod({"env": "POD_IP"}))
    whole["spec"]["ephemeralContainers"] = [app("debugger", targetContainerName="app"), app("bare")]
    assert explained(whole, **DEBUG).reason is Reason.INJECTED
    assert explained(whole, **DEBUG).rows == (
        Row("debugger", "POD_IP", "injected", "status.podIP"),
        Row("debugger", PATH, "injected", "the volume there"),
        Row("bare", "POD_IP", "injected", "status.podIP"),
        Row("bare", PATH, "left out", "", Reason.EPHEMERAL),
    )
