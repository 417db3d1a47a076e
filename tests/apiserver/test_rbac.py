"""`podmeta rbac` against a real API server: it takes what is printed, and then allows that and nothing else."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from tests.kube.apiserver import ApiServer
from tests.kube.cluster import Cluster
from tests.kube.processes import wait_until
from tests.pods import pod
from webhook.cli.main import app
from webhook.inject.resources import RESOURCES, SUBRESOURCES, USUAL

Right = tuple[str, str, str, str]  # verb, group, resource, name


def printed(namespace: str, account: str, *asks: str, access: str = "read-only") -> str:
    whole = pod({"ambassador": "true", "ambassador-access": access}, serviceAccountName=account)
    arguments = [part for ask in asks for part in ("--for", ask)]
    result = CliRunner().invoke(
        app, ["rbac", "-f", "-", "-n", namespace, *arguments], input=json.dumps(whole), catch_exceptions=False
    )
    assert result.exit_code == 0, result.stderr
    return result.stdout


class Account:
    """A ServiceAccount of its own namespace, as the API server judges it."""

    def __init__(self, cluster: Cluster, namespace: str, name: str = "web") -> None:
        self.cluster, self.namespace, self.name = cluster, namespace, name
        meta = {"name": name, "namespace": namespace}
        cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
        self.user = f"--as=system:serviceaccount:{namespace}:{name}"

    def can(self, *arguments: str, namespace: str | None = None) -> bool:
        """`kubectl auth can-i` as this account."""
        where = f"--namespace={namespace or self.namespace}"
        answer = self.cluster.kubectl("auth", "can-i", *arguments, where, self.user, check=False)
        assert answer.stdout.strip() in ("yes", "no"), answer.stderr
        return answer.stdout.strip() == "yes"

    def rights(self, namespace: str | None = None) -> set[Right]:
        """All that it may do in a namespace, right by right: a SelfSubjectRulesReview of its own."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace or self.namespace},
        }
        arguments = ("create", "--filename=-", "--output=json", "--validate=false", self.user)
        made = self.cluster.kubectl(*arguments, stdin=json.dumps(review))
        return {
            (verb, group, resource, name)
            for rule in json.loads(made.stdout)["status"]["resourceRules"]
            for verb in rule["verbs"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for name in rule.get("resourceNames", [""])
        }


def rights(resource: str, *verbs: str, group: str = "", name: str = "") -> frozenset[Right]:
    return frozenset((verb, group, resource, name) for verb in verbs)


READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete")


class Case(NamedTuple):
    """What is asked for an ambassador of this access, and what is granted: in the namespace, in the whole cluster."""

    asks: str
    access: str
    inside: frozenset[Right]
    outside: frozenset[Right] = frozenset()


CASES = [
    Case("", "read-only", rights("pods", *READ)),
    Case("", "read-write", rights("pods", *READ)),
    Case(
        "get,list/pods,jobs.batch",
        "read-only",
        rights("pods", "get", "list") | rights("jobs", "get", "list", group="batch"),
    ),
    Case("jobs get/pods/log", "read-only", rights("jobs", *READ, group="batch") | rights("pods/log", "get")),
    Case("deployments", "read-write", rights("deployments", *READ, *WRITE, group="apps")),
    Case(
        "get/configmaps/settings list/configmaps/on",
        "read-only",
        rights("configmaps", "get", name="settings") | rights("configmaps", "list", name="on"),
    ),
    Case(
        "pods/exec/web create/serviceaccounts/token",
        "read-write",
        rights("pods/exec", "get", "create", name="web") | rights("serviceaccounts/token", "create"),
    ),
    Case("nodes get/nodes/proxy", "read-only", frozenset(), rights("nodes", *READ) | rights("nodes/proxy", "get")),
    Case("get/pods,nodes/node1", "read-only", rights("pods", "get"), rights("nodes", "get", name="node1")),
    Case(
        "get/issuers.cert-manager.io/status escalate,bind/roles/reader impersonate/serviceaccounts/x",
        "read-write",
        rights("issuers/status", "get", group="cert-manager.io")
        | rights("roles", "escalate", "bind", group="rbac.authorization.k8s.io", name="reader")
        | rights("serviceaccounts", "impersonate", name="x"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.asks or 'nothing'}, {case.access}")
def test_what_was_asked_is_allowed_and_nothing_else(cluster: Cluster, case: Case) -> None:
    """Counted right by right, before and after, in its own namespace and in another one."""
    account = Account(cluster, cluster.namespace(f"rbac-{CASES.index(case)}"))
    before = account.rights(), account.rights("default")
    cluster.apply(printed(account.namespace, account.name, *case.asks.split(), access=case.access), "--validate=strict")
    wait_until(lambda: account.rights() != before[0], [], "any new right", seconds=10)
    assert account.rights() == before[0] | case.inside | case.outside
    assert account.rights("default") == before[1] | case.outside


def test_kubectl_says_the_same(cluster: Cluster) -> None:
    """Yes for what was asked, no for everything beside it."""
    account = Account(cluster, cluster.namespace("rbac-can-i"))
    stranger = Account(cluster, account.namespace, "stranger")
    assert not account.can("list", "pods")
    cluster.apply(printed(account.namespace, account.name, "get,list/pods", "get/pods/log", "get/configmaps/settings"))
    for asked in (("get", "pods"), ("list", "pods"), ("get", "pods/web"), ("get", "configmaps/settings")):
        assert account.can(*asked), asked
    assert account.can("get", "pods", "--subresource=log")
    for other in (
        ("watch", "pods"),
        ("delete", "pods"),
        ("create", "pods"),
        ("get", "configmaps"),
        ("get", "configmaps/other"),
        ("list", "secrets"),
        ("list", "jobs.batch"),
        ("get", "nodes"),
        ("*", "*"),
    ):
        assert not account.can(*other), other
    assert not account.can("create", "pods", "--subresource=exec")
    assert not account.can("list", "pods", namespace="default")
    assert not stranger.can("list", "pods")


@pytest.fixture(scope="module")
def own() -> Iterator[ApiServer]:
    """An API server as Kubernetes ships it: no test's custom resource is served."""
    with ApiServer() as server:
        yield server


def served(server: ApiServer) -> dict[tuple[str, str], tuple[bool, set[str]]]:
    """Group and resource of all that is served: whether it is in a namespace, and its verbs."""
    groups: list[Any] = server.raw("/apis")["groups"]
    paths = {"": "/api/v1"} | {group["name"]: f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups}
    return {
        (group, one["name"]): (one["namespaced"], set(one["verbs"]))
        for group, path in paths.items()
        for one in server.raw(path)["resources"]
    }


def test_the_table_is_what_kubernetes_serves(own: ApiServer) -> None:
    """Names, groups, scopes and verbs; but for the verbs that no client sends, which no discovery has."""
    paths = [path.partition("/") for path in SUBRESOURCES]
    parts = [row.part(part) for row in RESOURCES for name, _, part in paths if name == row.name]
    found = [*RESOURCES, *filter(None, parts)]
    assert {(row.group, str(row)): (row.namespaced, set(row.verbs) & set(USUAL)) for row in found} == served(own)
