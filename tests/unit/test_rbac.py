"""podmeta rbac: what is printed is the least, can be read by a person, and names what it was made for."""

from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from webhook.cli.main import app

READ = ["get", "list", "watch"]
POD = """apiVersion: v1
kind: Pod
metadata:
  name: {name}
  namespace: {namespace}
  annotations: {{podmeta/inject: "true", podmeta/ambassador: "{ambassador}", podmeta/ambassador-access: {access}}}
spec:
  {account}
  containers: [{{name: main, image: main}}]
"""


def manifest(
    name: str = "a", namespace: str = "shop", ambassador: str = "true", access: str = "read-only", account: str = "web"
) -> str:
    named = f"serviceAccountName: {account}" if account else ""
    return POD.format(name=name, namespace=namespace, ambassador=ambassador, access=access, account=named)


def rbac(text: str, *asks: str, more: tuple[str, ...] = ()) -> Result:
    arguments = [part for ask in asks for part in ("--for", ask)]
    return CliRunner().invoke(app, ["rbac", "-f", "-", *arguments, *more], input=text)


def printed(text: str, *asks: str, more: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    result = rbac(text, *asks, more=more)
    assert (result.exit_code, result.stderr) == (0, "")
    return list(YAML(typ="safe").load_all(result.stdout))


def rights(text: str, *asks: str) -> dict[str, list[tuple[Any, ...]]]:
    """What each role grants: kind and name -> group, resource, verbs, names."""
    return {
        f"{one['kind']} {one['metadata'].get('namespace', '')}/{one['metadata']['name']}": [*map(granted, one["rules"])]
        for one in printed(text, *asks)
        if "rules" in one
    }


def granted(rule: dict[str, list[str]]) -> tuple[Any, ...]:
    return (*rule["apiGroups"], *rule["resources"], rule["verbs"], *rule.get("resourceNames", ()))


def test_without_for_it_is_reading_pods() -> None:
    """Also for an ambassador that writes: what it writes is for somebody to say."""
    expected = {"Role shop/podmeta:web": [("", "pods", READ)]}
    assert rights(manifest()) == rights(manifest(access="read-write")) == expected


def test_the_binding_is_of_this_role_to_this_account_alone() -> None:
    role, binding = printed(manifest())
    assert binding["kind"] == "RoleBinding"
    assert binding["metadata"] == role["metadata"] == {"name": "podmeta:web", "namespace": "shop"}
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "podmeta:web"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "web", "namespace": "shop"}]


def test_what_belongs_to_no_namespace_needs_a_cluster_role_and_nothing_else_does() -> None:
    """Its name has the namespace in it: the cluster has one list of names for all of them."""
    assert rights(manifest(), "get/nodes", "get/pods") == {
        "Role shop/podmeta:web": [("", "pods", ["get"])],
        "ClusterRole /podmeta:shop:web": [("", "nodes", ["get"])],
    }
    role, binding = printed(manifest(), "get/nodes")
    assert (role["kind"], binding["kind"], binding["roleRef"]["kind"]) == (
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterRole",
    )
    assert "namespace" not in binding["metadata"]
    assert "the rights are the whole cluster's" in rbac(manifest(), "get/nodes").stdout


def test_pods_of_one_account_are_one_role() -> None:
    """In each namespace one, in the order of the manifests."""
    texts = [manifest("a"), manifest("b", account=""), manifest("c"), manifest("d", namespace="bank")]
    found = rights("---\n".join(texts))
    assert list(found) == ["Role shop/podmeta:web", "Role shop/podmeta:default", "Role bank/podmeta:web"]
    said = rbac("---\n".join(texts)).stdout
    assert said.count("Pod shop/a (read-only ambassador)") == said.count("Pod shop/c (read-only ambassador)") == 1


def test_verbs_follow_the_ambassadors_access() -> None:
    writing = [*READ, "create", "update", "patch", "delete"]
    assert rights(manifest(), "jobs") == {"Role shop/podmeta:web": [("batch", "jobs", READ)]}
    assert rights(manifest(access="read-write"), "jobs") == {"Role shop/podmeta:web": [("batch", "jobs", writing)]}
    both = manifest("a") + "---\n" + manifest("b", access="read-write")
    assert rights(both, "jobs") == {"Role shop/podmeta:web": [("batch", "jobs", writing)]}


def test_a_right_that_the_ambassador_would_reject_is_refused() -> None:
    result = rbac(manifest(), "get,create/jobs", "delete/pods")
    assert (result.exit_code, result.stdout) == (2, "")
    why = "the ambassador of -: Pod shop/a is read-only and rejects"
    accepted = 'accepted: get, list, watch, or podmeta/ambassador-access: "read-write" there'
    assert result.stderr.splitlines() == [
        f"podmeta: --for get,create/jobs: create: {why} POST; {accepted}",
        f"podmeta: --for delete/pods: delete: {why} DELETE; {accepted}",
    ]


@pytest.mark.parametrize("other", [{"access": "read-write"}, {"ambassador": "false"}], ids=["writes", "has none"])
def test_unless_another_pod_of_the_account_can_use_it(other: dict[str, str]) -> None:
    text = manifest("a") + "---\n" + manifest("b", **other)
    assert rights(text, "create/jobs") == {"Role shop/podmeta:web": [("batch", "jobs", ["create"])]}
    apart = manifest("a") + "---\n" + manifest("b", account="other", **other)
    assert rbac(apart, "create/jobs").exit_code == 2


def test_a_pod_without_an_ambassador_is_told_so_and_gets_its_role() -> None:
    for text in (manifest(ambassador="false"), manifest().replace('podmeta/inject: "true", ', "")):
        result = rbac(text, "create/jobs")
        assert "Pod shop/a (no ambassador: its app has to use the token itself)" in result.stdout
        assert result.exit_code == 0
    assert "(read-only ambassador)" in rbac(manifest().replace('podmeta/inject: "true", ', ""), more=("--all",)).stdout
    by_default = manifest().replace('podmeta/ambassador: "true", ', "")
    assert "(no ambassador" in rbac(by_default).stdout
    assert "(read-only ambassador)" in rbac(by_default, more=("--default", "ambassador=true")).stdout


def test_the_default_account_is_warned_of() -> None:
    """With what to do about it; an account of one's own is not."""
    said = rbac(manifest(account="")).stdout
    assert "# WARNING: every pod that names no ServiceAccount is `default` and gets the same." in said
    assert "#   kubectl create serviceaccount NAME --namespace shop" in said
    assert "serviceAccountName: NAME" in said
    assert "WARNING" not in rbac(manifest()).stdout


def test_the_older_name_of_the_field_counts() -> None:
    text = manifest(account="").replace("  containers", "  serviceAccount: old\n  containers")
    assert list(rights(text)) == ["Role shop/podmeta:old"]


def test_a_namespace_that_nobody_named_is_warned_of() -> None:
    text = manifest().replace("  namespace: shop\n", "")
    assert "# WARNING: nobody said the namespace, so it is default" in rbac(text).stdout
    assert list(rights(text)) == ["Role default/podmeta:web"]
    named = rbac(text, more=("-n", "shop")).stdout
    assert "WARNING" not in named
    assert "namespace: shop" in named


def test_every_line_that_grants_has_its_comment() -> None:
    text = rbac(manifest(), "get,list/pods", "get/pods/log/web", "get/secrets/mine", "issuers.cert-manager.io").stdout
    lines = text.splitlines()
    granting = [
        line for line in lines if line.strip().startswith(("- apiGroups", "resources:", "resourceNames:", "verbs:"))
    ]
    assert len(granting) == 4 * 3 + 2
    assert all(" # " in line for line in granting)
    assert "    resources: [pods] # --for get,list/pods" in lines
    assert "    verbs: [get, list] # read one by its name, read all at once" in lines
    assert "    resourceNames: [web] # this one alone" in lines
    assert "  # DANGER: passwords and tokens, those of other ServiceAccounts among them." in lines
    assert "none of Kubernetes' own, taken to live in a namespace" in text


def test_a_list_of_one_object_says_how_it_can_be_asked_for() -> None:
    assert "list and watch with fieldSelector=metadata.name" in rbac(manifest(), "list/configmaps/a").stdout
    assert "fieldSelector" not in rbac(manifest(), "get/configmaps/a").stdout


@pytest.mark.parametrize("name", ["on", "1e3", "null", "a.b", "system:node", "0x1f"])
def test_a_name_stays_a_name(name: str) -> None:
    """Whatever YAML would take it for."""
    (rule,) = rights(manifest(), f"get/configmaps/{name}")["Role shop/podmeta:web"]
    assert rule == ("", "configmaps", ["get"], name)


def test_names_of_accounts_and_namespaces_stay_names() -> None:
    text = manifest(namespace='"123"', account='"1e3"')
    role, binding = printed(text)
    assert role["metadata"] == {"name": "podmeta:1e3", "namespace": "123"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "1e3", "namespace": "123"}]


@pytest.mark.parametrize("broken", ["\\n", "\\r", "\\x85", "\\u2028"])
def test_nobodys_text_breaks_out_of_its_comment(broken: str) -> None:
    """A manifest is somebody else's: the name of a pod must not become a line of the Role."""
    text = manifest(name=f'"a{broken}rules: [b]"')
    role, _ = printed(text)
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": READ}]


def test_what_is_no_name_is_refused_with_its_line() -> None:
    result = rbac(manifest(account='"a\\nb"'))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "-:8: document 1: 'a\\nb' is not a name; accepted: lower case letters and digits" in result.stderr


def test_every_fault_of_every_for_is_said_at_once() -> None:
    result = rbac(manifest(), "*", "lst/podz", "get/pods")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "podmeta: --for *: '*': a wildcard is never the least; accepted: verbs and resources by their names",
        "podmeta: --for lst/podz: 'lst': Kubernetes itself has no such resource; did you mean list?",
    ]


def test_a_pod_that_the_webhook_would_refuse_has_no_role() -> None:
    result = rbac(manifest(ambassador="yes"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "podmeta/ambassador: 'yes': not a boolean" in result.stderr


def test_no_pods_is_said() -> None:
    assert rbac("kind: ConfigMap\n").stdout == "# no pods found\n"


def test_what_is_printed_is_the_same_each_time() -> None:
    text = manifest("a") + "---\n" + manifest("b", namespace="bank")
    assert rbac(text, "pods,jobs,nodes").stdout == rbac(text, "pods,jobs,nodes").stdout
