"""Foresight against a real API server: who cannot list pods is told so by `kubectl apply`, and nobody is held up."""

import asyncio
import json
import os
import signal
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from tests.apiserver.conftest import NAME, NAMESPACE, await_webhook, configuration
from tests.kube.apiserver import ApiServer
from tests.kube.binaries import Unavailable
from tests.kube.cluster import kubeconfig_of
from tests.pods import pod, review
from tests.service import Service, dev_service
from webhook.cli.main import app
from webhook.cluster import foresight as module
from webhook.inject.reasons import Reason

WEBHOOK_PATIENCE = 5.0  # seconds for which the API server waits for us
REVIEWS = 'resource="subjectaccessreviews"'
RIGHT = {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]}
READER = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}


def rbac(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, **more}


def role_ref(kind: str, name: str) -> dict[str, str]:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}


@contextmanager
def foreseeing(kubeconfig: Path) -> Iterator[Service]:
    """The service, which finds its API server as kubectl does."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KUBECONFIG", str(kubeconfig))
        with dev_service(f"--dev-names={NAME}.{NAMESPACE}.svc", "--foresight") as service:
            yield service


class Foreseen:
    """An API server that calls the service, whose user there has no right but the one to ask."""

    def __init__(self, cluster: ApiServer, service: Service) -> None:
        self.cluster, self.service = cluster, service

    def applied(self, namespace: str, *arguments: str, **spec: Any) -> str:
        """What `kubectl apply` says on stderr of a pod with an ambassador."""
        whole = pod({"ambassador": "true"}, **spec)
        whole["metadata"]["name"] = f"p{len(self.cluster.get('pods', f'--namespace={namespace}')['items'])}"
        return self.cluster.apply(whole, f"--namespace={namespace}", *arguments).stderr

    def await_warning(self, namespace: str, account: str, *arguments: str) -> None:
        """Not always at once: on a busy machine the first answer may come too late."""
        expected = f"Warning: podmeta: {namespace}/{account}: {Reason.CANNOT_LIST.sentence}\n"
        for _ in range(3):
            said = self.applied(namespace, *arguments, serviceAccountName=account)
            if expected in said:
                return
            time.sleep(module.UNKNOWN)
        raise AssertionError(f"{expected!r} is not in {said!r}")

    def asked(self) -> float:
        """How many SubjectAccessReviews the API server has answered."""
        page = self.cluster.kubectl("get", "--raw", "/metrics").stdout.splitlines()
        mine = [line for line in page if line.startswith("apiserver_request_total{") and REVIEWS in line]
        return sum(float(line.rpartition(" ")[2]) for line in mine)

    def allow(self, namespace: str, account: str) -> None:
        """As the warning says: what `podmeta rbac` prints."""
        whole = json.dumps(pod({"ambassador": "true"}, serviceAccountName=account))
        result = CliRunner().invoke(app, ["rbac", "-f", "-", "-n", namespace], input=whole)
        self.cluster.apply(result.stdout)


@pytest.fixture(scope="module")
def foreseen() -> Iterator[Foreseen]:
    try:
        real = ApiServer(controller_manager=True)
    except Unavailable as reason:
        pytest.skip(f"real kube-apiserver: {reason}")
    with real, foreseeing(real.user("podmeta")) as service:
        real.namespace(NAMESPACE)
        real.expose(NAME, NAMESPACE, service.port)
        user = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "podmeta"}
        real.apply(rbac("ClusterRole", "asks", rules=[RIGHT]))
        real.apply(rbac("ClusterRoleBinding", "asks", roleRef=role_ref("ClusterRole", "asks"), subjects=[user]))
        real.apply(configuration(service))
        await_webhook(real, "default", lambda _: bool(service.metric("podmeta_reviews_total")))
        yield Foreseen(real, service)


def answered(service: Service) -> dict[str, Any]:
    """The response to a review that no API server sends, in the time that one would wait."""
    url, headers = f"https://localhost:{service.port}/mutate", {"Content-Type": "application/json"}
    context = ssl.create_default_context(cadata=service.ca_pem)
    body = review(pod({"ambassador": "true"}))
    answer = httpx.post(url, content=body, headers=headers, verify=context, timeout=WEBHOOK_PATIENCE)
    response: dict[str, Any] = answer.json()["response"]
    return response


def await_logged(service: Service, text: str) -> None:
    """The log is written a tenth of a second later."""
    for _ in range(50):
        if text in service.log.read_text():
            return
        time.sleep(0.1)
    raise AssertionError(f"{text!r} is not in the log:\n{service.log.read_text()}")


def test_who_cannot_list_pods_is_named(foreseen: Foreseen) -> None:
    namespace = foreseen.cluster.namespace("denied")
    foreseen.cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}}, f"--namespace={namespace}"
    )
    for account, arguments in (("default", ()), ("web", ()), ("web", ("--dry-run=server",))):
        foreseen.await_warning(namespace, account, *arguments)


def test_who_can_is_not(foreseen: Foreseen) -> None:
    namespace = foreseen.cluster.namespace("allowed")
    foreseen.allow(namespace, "default")
    assert Reason.CANNOT_LIST.sentence not in foreseen.applied(namespace)


def test_a_right_of_all_the_accounts_counts(foreseen: Foreseen) -> None:
    """Groups are asked about as well."""
    namespace = foreseen.cluster.namespace("by-group")
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": f"system:serviceaccounts:{namespace}"}
    for found in (
        rbac("Role", "all", rules=[READER]),
        rbac("RoleBinding", "all", roleRef=role_ref("Role", "all"), subjects=[group]),
    ):
        foreseen.cluster.apply(found, f"--namespace={namespace}")
    assert Reason.CANNOT_LIST.sentence not in foreseen.applied(namespace)


def test_the_pods_of_one_workload_ask_once(foreseen: Foreseen) -> None:
    namespace = foreseen.cluster.namespace("workload")
    foreseen.allow(namespace, "default")
    before, reviews = foreseen.asked(), foreseen.service.metric("podmeta_reviews_total")
    template = {"metadata": pod({"ambassador": "true"})["metadata"] | {"labels": {"app": "a"}}, "spec": pod()["spec"]}
    del template["metadata"]["generateName"]
    spec = {"replicas": 20, "selector": {"matchLabels": {"app": "a"}}, "template": template}
    whole = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "a"}, "spec": spec}
    foreseen.cluster.apply(whole, f"--namespace={namespace}")
    foreseen.cluster.kubectl(
        "wait", "--for=jsonpath={.status.replicas}=20", "replicaset/a", f"--namespace={namespace}", "--timeout=60s"
    )
    assert foreseen.service.metric("podmeta_reviews_total") >= reviews + 20
    assert foreseen.asked() == before + 1


def test_after_the_role_the_warning_goes(foreseen: Foreseen, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as the "no" is forgotten."""
    namespace = foreseen.cluster.namespace("mended")
    monkeypatch.setenv("KUBECONFIG", str(foreseen.cluster.kubeconfig))
    monkeypatch.setattr(module, "DENIED", 0.2)
    said: list[str] = []

    async def run() -> list[bool]:
        async with module.foresight(lambda *line: said.append(line[1])) as forbidden:
            assert forbidden
            found = [await forbidden(namespace, "default")]
            await asyncio.to_thread(foreseen.allow, namespace, "default")
            for _ in range(100):
                found.append(await forbidden(namespace, "default"))
                if not found[-1]:
                    break
                await asyncio.sleep(0.1)
            return found

    found = asyncio.run(run())
    assert (found[0], found[-1], said) == (True, False, [])


def test_an_api_server_that_hangs_holds_nobody_up(foreseen: Foreseen) -> None:
    """It is stopped in the middle of its life: the pod is answered in time and whole, only without the warning."""
    (process,) = [one for one in foreseen.cluster.processes if one.name == "kube-apiserver"]
    os.kill(process.pid, signal.SIGSTOP)
    try:
        response = answered(foreseen.service)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert (response["allowed"], response["patchType"]) == (True, "JSONPatch")
    assert "warnings" not in response
    await_logged(foreseen.service, "foresight-unanswered")


@pytest.mark.parametrize("what", ["nobody listens", "no right", "no kubeconfig"])
def test_without_an_answer_there_is_no_warning(foreseen: Foreseen, what: str, tmp_path: Path) -> None:
    """And the service serves all the same; its log says what is missing."""
    away = tmp_path / "away"
    away.write_text(json.dumps(kubeconfig_of({"server": "https://127.0.0.1:1"}, {})))
    kubeconfig, said = {
        "nobody listens": (away, "foresight-unanswered"),
        "no right": (foreseen.cluster.user("nobody"), "cannot create resource"),
        "no kubeconfig": (tmp_path / "none", "foresight-off"),
    }[what]
    with foreseeing(kubeconfig) as service:
        response = answered(service)
        assert (response["allowed"], "warnings" in response) == (True, False)
        await_logged(service, said)
