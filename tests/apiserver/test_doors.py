"""Fourth door: a real kube-apiserver calls the real service over TLS, and what it stores is the golden pod.

The service is a process of its own, found by Service name and certificate as in a cluster; the webhook configuration
has the matchConditions that an installation has. What is compared is what `kubectl get` shows afterwards.
"""

import json
import re
import time
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.apiserver.conftest import PLAIN, Hooked
from tests.kube.cases import Way
from tests.kube.cluster import KubectlError
from tests.kube.play import play, prepare
from tests.stories import Story, loaded
from webhook.cli.main import app
from webhook.inject.question import Door

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TOKEN = re.compile(r"kube-api-access-[a-z0-9]{5}")
VOLATILE = ("managedFields", "creationTimestamp", "resourceVersion", "uid", "generation")


def canonical(pod: dict[str, Any]) -> str:
    """The pod as JSON, a value a line, without what no two creations share: times, identifiers, random names."""
    meta = {key: value for key, value in pod["metadata"].items() if key not in VOLATILE}
    if "generateName" in meta:
        meta.pop("name", None)
    text = json.dumps({"metadata": meta, "spec": pod["spec"]}, sort_keys=True, indent=1, ensure_ascii=False)
    return TOKEN.sub("kube-api-access", UUID.sub("UUID", text))


def defaulted(hooked: Hooked, pod: dict[str, Any]) -> dict[str, Any]:
    """The golden pod as the API server completes it (defaultMode and the like), in a namespace without the webhook."""
    hooked.account(pod["spec"].get("serviceAccountName", "default"), PLAIN)
    meta = {**pod["metadata"], "namespace": PLAIN}
    # A bare POST: kubectl itself would rewrite the annotation kubectl.kubernetes.io/last-applied-configuration.
    where = f"--raw=/api/v1/namespaces/{PLAIN}/pods?dryRun=All"
    made = hooked.cluster.kubectl("create", where, "--filename=-", stdin=json.dumps({**pod, "metadata": meta}))
    whole: dict[str, Any] = json.loads(made.stdout)
    whole["metadata"]["namespace"] = pod["metadata"]["namespace"]
    return whole


def stored(hooked: Hooked, story: Story) -> dict[str, Any]:
    """Play the story and read its pod back, as soon as its controller has made it."""
    case = story.case
    prepare(hooked.cluster, case)
    hooked.later(case)
    if story.door is Door.NAMESPACE:
        hooked.cluster.kubectl("label", "namespace", case.slug, "podmeta/inject=enabled", "--overwrite")
    if case.way is Way.DRY_RUN:
        made = hooked.cluster.apply(case.manifest, f"--namespace={case.slug}", "--dry-run=server", "--output=json")
        pods: list[dict[str, Any]] = [json.loads(made.stdout)]
        return pods[0]
    play(hooked.cluster, case)
    for _ in range(100):
        pods = hooked.cluster.get("pods", f"--namespace={case.slug}")["items"]
        if pods:
            return pods[0]
        time.sleep(0.1)
    raise AssertionError(f"no pod of {case.slug} came")


def test_what_is_stored_is_the_golden_pod(hooked: Hooked, story: Story) -> None:
    """Byte for byte after canonical JSON; a refused pod is not stored, and kubectl prints every sentence of ours."""
    if story.denied:
        with pytest.raises(KubectlError) as refused:
            stored(hooked, story)
        for cause in hooked.causes(story):
            assert cause in refused.value.stderr
        return
    golden = loaded(story.read("pod.yaml"))
    if story.case.way is Way.DEBUG:  # a pod cannot be created with ephemeral containers: they are compared as written
        pod = stored(hooked, story)
        assert without_defaults(pod["spec"]["ephemeralContainers"]) == golden["spec"]["ephemeralContainers"]
        return
    expected = golden if story.case.way is Way.NODE else defaulted(hooked, golden)
    assert canonical(stored(hooked, story)) == canonical(expected)


def without_defaults(containers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """fieldRef.apiVersion is what the API server adds to our entries."""
    whole: list[dict[str, Any]] = json.loads(json.dumps(containers).replace('"apiVersion": "v1", ', ""))
    return whole


def test_offline_injection_is_accepted_and_stable(hooked: Hooked, story: Story) -> None:
    """`podmeta inject -f manifest | kubectl apply --dry-run=server -f -`, and injecting again changes nothing."""
    every = ["--all"] if story.door is Door.NAMESPACE else []
    result = CliRunner().invoke(app, ["inject", *every, "-n", story.slug, "-f", str(story.case.manifest)])
    if story.denied:
        assert (result.exit_code, result.stdout) == (1, ""), result.stderr
        return
    assert result.exit_code == 0, result.stderr
    again = CliRunner().invoke(app, ["inject", *every, "-n", story.slug, "-f", "-"], input=result.stdout)
    assert again.stdout == result.stdout
    if story.case.way is Way.NODE:
        return  # only a kubelet may create a mirror pod
    namespace = hooked.offline(story.case)
    how = ["create"] if story.case.way is Way.CREATE else ["apply"]
    hooked.cluster.kubectl(*how, "--dry-run=server", f"--namespace={namespace}", "--filename=-", stdin=result.stdout)
