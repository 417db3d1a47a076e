"""Laws of the usual pod: written in one pass, it is what its Plan gives; and most pods are usual."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kube.cases import all_cases
from tests.laws.strategies import JSON, requests
from tests.pods import DEFAULTS, app, asked, installed, pod
from tests.stories import Story
from webhook.api.jsonpatch import as_json, quoted
from webhook.api.review import AdmissionRequest, decode
from webhook.inject.mutate import decide, planned
from webhook.inject.question import Door, question
from webhook.inject.usual import usual

STORIES = [Story(case) for case in all_cases()]
INSTALLED = (
    DEFAULTS,
    installed({"env": "all", "env-prefix": "K8S_"}, kubernetes=34),
    installed({"env": "none"}),
    installed(
        {"env": "POD_NAME", "volume-path": "/pod/{container}", "volume-items": "a/b=limits.cpu:1m,c=metadata.labels"}
    ),
    installed({"ambassador": "true"}, deny_invalid=False),
    installed({"volume": "false"}),
)


@given(requests(garbage=True), st.sampled_from(INSTALLED), st.sampled_from(Door))
def test_one_pass_gives_what_the_plan_gives(asks: tuple[JSON, JSON], defaults: Any, door: Door) -> None:
    """To the byte, with the same reasons and containers."""
    found = asked(asks[0], door, **asks[1])
    assert decide(found, defaults) == planned(found, defaults)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.slug)
def test_so_it_does_for_every_story(story: Story) -> None:
    request = decode(story.review)
    assert isinstance(request, AdmissionRequest)
    for door in Door:
        found = question(request, door)
        for defaults in INSTALLED:
            assert decide(found, defaults) == planned(found, defaults)


PLAIN: JSON = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
DATA: JSON = {"name": "data", "emptyDir": {}}
FIGURES = {"limits": {"cpu": "1", "memory": "64Mi"}, "requests": {"memory": 1}}


def plain(texts: dict[str, str] | None = None, *containers: JSON, **spec: Any) -> JSON:
    return pod(texts, containers=list(containers) or [app(**PLAIN)], volumes=[DATA], **spec)


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(plain(), id="one container"),
        pytest.param(plain(None, app(**PLAIN), app("log", **PLAIN, env=[{"name": "PATH"}])), id="variables of its own"),
        pytest.param(plain(initContainers=[app("init", **PLAIN)]), id="an init container"),
        pytest.param(plain(None, app(**PLAIN, resources=FIGURES), app("c" * 63, **PLAIN)), id="figures, a long name"),
        pytest.param(plain(resources=FIGURES), id="figures of the pod"),
        pytest.param(plain({"env": "POD_IP,MINE=metadata.uid", "volume-path": "/x"}), id="with wishes"),
        pytest.param(plain({"env": "A=limits.cpu", "volume-items": "a=limits.cpu"}), id="with wishes for figures"),
    ],
)
def test_a_usual_pod(whole: JSON) -> None:
    found = asked(whole)
    assert usual(found, DEFAULTS)
    assert decide(found, DEFAULTS) == planned(found, DEFAULTS)


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(plain({"inject": "false"}), id="opted out"),
        pytest.param(plain({"env": "FOO"}), id="a problem"),
        pytest.param(plain({"ambassador": "true"}), id="an ambassador"),
        pytest.param(plain({"containers": "app"}), id="a chosen container"),
        pytest.param(plain({"skip-containers": "app"}), id="a container left out"),
        pytest.param(plain({"volume": "false"}), id="no volume"),
        pytest.param(plain({"env": "none"}), id="no variables"),
        pytest.param(plain({"env": "go"}), id="a variable that needs a limit"),
        pytest.param(plain({"env": "POD_IP,CONTAINER_NAME"}), id="a variable with the container's name"),
        pytest.param(plain({"status": '{"version":"1","config":"c","added":{}}'}), id="injected before"),
        pytest.param(plain({"kubeconfig": ""}), id="an annotation that only podmeta writes"),
        pytest.param(plain(None, app(**PLAIN, env=[{"name": "POD_IP"}])), id="a variable is taken"),
        pytest.param(plain(None, app(**PLAIN, envFrom=[{"secretRef": {"name": "s"}}])), id="variables from elsewhere"),
        pytest.param(plain(None, app(volumeMounts=[{"name": "data", "mountPath": "/etc/x"}])), id="a mount nearby"),
        pytest.param(plain(None, app(volumeMounts=[{"name": "data", "mountPath": "/"}])), id="a mount at the root"),
        pytest.param(plain(None, app()), id="no mounts"),
        pytest.param(plain(None, app('a"b', **PLAIN)), id="a name that is none"),
        pytest.param(plain({"volume-path": "/etc/\1"}), id="a path with a mark"),
        pytest.param(plain(ephemeralContainers=[app("d", **PLAIN, targetContainerName="app")]), id="a debug container"),
        pytest.param(pod(containers=[app(**PLAIN)]), id="no volumes"),
        pytest.param(pod(containers=[app(**PLAIN)], volumes=[{**DATA, "name": "podmeta-x"}]), id="a volume like ours"),
        pytest.param(pod(containers=[], volumes=[DATA]), id="no containers"),
    ],
)
def test_any_other_goes_by_its_plan(whole: JSON) -> None:
    found = asked(whole)
    assert usual(found, DEFAULTS) is None
    assert decide(found, DEFAULTS) == planned(found, DEFAULTS)


def test_an_update_and_a_pod_without_annotations_go_by_their_plan() -> None:
    bare = {**plain(), "metadata": {"name": "web"}}
    assert usual(asked(bare, Door.NAMESPACE), DEFAULTS) is None
    assert usual(asked(plain(), operation="UPDATE", subResource="ephemeralcontainers"), DEFAULTS) is None


@given(st.text())
def test_a_quoted_text_is_json(text: str) -> None:
    assert quoted(text) == as_json(text)
