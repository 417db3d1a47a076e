"""What `--for` means: the words of RBAC, nothing more than was named, and a sentence for everything else."""

import pytest

from webhook.inject import access
from webhook.inject.access import DANGERS, PODS, VERBS, WRITING, Ask, Rule, parse, rules
from webhook.inject.resources import CLUSTER, FEWER, MORE, NAMESPACED, RESOURCES, SUBRESOURCES, USUAL, resource

READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete")
Shown = tuple[str, str, tuple[str, ...], str]  # group, resource, verbs, name


def asked(text: str) -> list[Shown]:
    asks, faults = parse(text)
    assert faults == ()
    return [(ask.resource.group, str(ask.resource), ask.verbs, ask.name) for ask in asks]


def granted(*texts: str, writing: bool = False) -> list[Shown]:
    asks = [ask for text in texts for ask in parse(text)[0]]
    found = rules(asks, writing=writing)
    return [(rule.resource.group, str(rule.resource), rule.verbs, rule.name) for rule in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pods", [("", "pods", (), "")]),
        ("jobs", [("batch", "jobs", (), "")]),
        ("jobs.batch", [("batch", "jobs", (), "")]),
        ("get,list/pods,jobs.batch", [("", "pods", ("get", "list"), ""), ("batch", "jobs", ("get", "list"), "")]),
        (" get , list / pods , jobs ", [("", "pods", ("get", "list"), ""), ("batch", "jobs", ("get", "list"), "")]),
        ("get/configmaps/settings", [("", "configmaps", ("get",), "settings")]),
        ("configmaps/settings", [("", "configmaps", (), "settings")]),
        ("get/pods/log", [("", "pods/log", ("get",), "")]),
        ("get/pods/web", [("", "pods", ("get",), "web")]),
        ("get/pods/log/web", [("", "pods/log", ("get",), "web")]),
        ("pods/log,pods/web", [("", "pods/log", (), ""), ("", "pods", (), "web")]),
        ("create/pods/exec/web", [("", "pods/exec", ("create",), "web")]),
        ("events", [("", "events", (), "")]),
        ("events.events.k8s.io", [("events.k8s.io", "events", (), "")]),
        ("get/certificates.cert-manager.io", [("cert-manager.io", "certificates", ("get",), "")]),
        ("get/certificates.cert-manager.io/status", [("cert-manager.io", "certificates/status", ("get",), "")]),
        ("get/certificates.cert-manager.io/web", [("cert-manager.io", "certificates", ("get",), "web")]),
        ("nodes", [("", "nodes", (), "")]),
        ("bind/roles/reader", [("rbac.authorization.k8s.io", "roles", ("bind",), "reader")]),
    ],
)
def test_a_text_is_read_as_rbac_and_kubectl_write_it(text: str, expected: list[Shown]) -> None:
    """A part behind the resource is a subresource where it has one of that name, else the name of an object."""
    assert asked(text) == expected


ALL = ", ".join(VERBS)
FORM = "RESOURCE[/SUBRESOURCE][/NAME]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*", ["'*': a wildcard is never the least; accepted: verbs and resources by their names"]),
        ("get/*", ["'get/*': a wildcard is never the least; accepted: verbs and resources by their names"]),
        ("get,lst/pods", [f"'lst': no such verb; accepted: {ALL}"]),
        ("get", ["'get': a verb without a resource; accepted: get/RESOURCE"]),
        ("gett/pods", ["'gett': Kubernetes itself has no such resource; did you mean get?"]),
        ("get/podz", ["'podz': Kubernetes itself has no such resource; did you mean pods?"]),
        (
            "get/xyzzy",
            ["'xyzzy': Kubernetes itself has no such resource; accepted: one such as pods, or RESOURCE.GROUP"],
        ),
        ("get/", ["'': Kubernetes itself has no such resource; accepted: one such as pods, or RESOURCE.GROUP"]),
        ("list/pods/log", ["'list': pods/log has no such verb; accepted: get"]),
        ("escalate/pods", [f"'escalate': pods has no such verb; accepted: {', '.join(USUAL)}"]),
        ("create/configmaps/a", ["'a': RBAC cannot limit create to a name; accepted: create/configmaps"]),
        (
            "deletecollection/pods/a",
            ["'a': RBAC cannot limit deletecollection to a name; accepted: deletecollection/pods"],
        ),
        ("get/nodes/a/b", [f"'nodes/a/b': not a resource; accepted: {FORM}, SUBRESOURCE one of proxy, status"]),
        ("get/leases/a/b", [f"'leases/a/b': not a resource; accepted: {FORM}"]),
        ("get/leases/", [f"'leases/': not a resource; accepted: {FORM}"]),
        (
            "get,lst/podz,leases/a/b",
            [
                f"'lst': no such verb; accepted: {ALL}",
                "'podz': Kubernetes itself has no such resource; did you mean pods?",
                f"'leases/a/b': not a resource; accepted: {FORM}",
            ],
        ),
    ],
)
def test_every_fault_is_a_sentence(text: str, expected: list[str]) -> None:
    """It names the piece and what would be accepted; all faults of a text at once."""
    assert list(parse(text)[1]) == expected


@pytest.mark.parametrize(
    ("text", "reading", "writing"),
    [
        ("jobs", READ, (*READ, *WRITE)),
        ("configmaps/settings", ("get",), ("get", "update", "patch", "delete")),
        ("pods/log", ("get",), ("get",)),
        ("pods/log/web", ("get",), ("get",)),
        ("pods/exec/web", ("get",), ("get", "create")),
        ("deployments/scale", ("get",), ("get", "update", "patch")),
        ("pods/eviction", ("create",), ("create",)),
        ("subjectaccessreviews", ("create",), ("create",)),
        ("roles", READ, (*READ, *WRITE)),
        ("list,get/jobs", ("get", "list"), ("get", "list")),
    ],
)
def test_verbs_that_nobody_names_are_the_ambassadors(
    text: str, reading: tuple[str, ...], writing: tuple[str, ...]
) -> None:
    """As far as the resource has them; deletecollection, bind and escalate only where they are named."""
    assert granted(text)[0][2] == reading
    assert granted(text, writing=True)[0][2] == writing


def test_what_one_resource_is_asked_for_is_one_rule() -> None:
    """Verbs in the order of the table, each once; an object by its name is another matter, and so is another group."""
    assert granted("list/pods", "get,list/pods,jobs", "get/pods/web", "events,events.events.k8s.io") == [
        ("", "pods", ("get", "list"), ""),
        ("batch", "jobs", ("get", "list"), ""),
        ("", "pods", ("get",), "web"),
        ("", "events", READ, ""),
        ("events.k8s.io", "events", READ, ""),
    ]


def test_a_rule_knows_who_asked_for_it() -> None:
    texts = ("list/pods", "get/pods,jobs", "list/pods")
    found = rules([ask for text in texts for ask in parse(text)[0]], writing=False)
    assert [rule.texts for rule in found] == [("list/pods", "get/pods,jobs"), ("get/pods,jobs",)]
    assert rules([PODS], writing=True) == (Rule(PODS.resource, READ, "", ()),)


def test_writing_is_what_a_read_only_ambassador_rejects() -> None:
    assert (*WRITE, "deletecollection", "bind", "escalate") == WRITING


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("get/secrets/mine", ["passwords"]),
        ("create/jobs", ["a pod of one's own making"]),
        ("get/pods/exec", ["commands inside any pod", "kubectl proxy rejects"]),
        ("create/serviceaccounts/token", ["has the token"]),
        ("impersonate/serviceaccounts", ["acts as a ServiceAccount"]),
        ("escalate/clusterroles", ["every right"]),
        ("get/jobs", []),
        ("delete/pods", []),
        ("get/secrets.example.com", []),
    ],
)
def test_what_a_right_amounts_to_is_said(text: str, words: list[str]) -> None:
    """By the verb, too: who reads jobs makes no pod. Somebody else's `secrets` are none of ours."""
    (rule,) = rules(parse(text)[0], writing=False)
    assert len(rule.dangers) == len(words)
    for word, sentence in zip(words, rule.dangers, strict=True):
        assert word in sentence


def test_the_tables_speak_of_what_there_is() -> None:
    names = {row.name for row in RESOURCES}
    paths = names | SUBRESOURCES.keys()
    assert len(RESOURCES) == sum(len(text.split()) for table in (NAMESPACED, CLUSTER) for text in table.values())
    assert FEWER.keys() | MORE.keys() | {path.partition("/")[0] for path in SUBRESOURCES} <= names
    for row in DANGERS:
        for path in row.resources.split():
            assert path in paths
            name, _, part = path.partition("/")
            found = resource(name)
            assert found
            whole = found.part(part) if part else found
            assert whole
            assert set(whole.verbs) & set(row.verbs), path
    verbs = {verb for row in RESOURCES for verb in row.verbs}
    assert verbs == VERBS.keys()


def test_an_unknown_part_of_a_custom_resource_is_a_name() -> None:
    found = resource("issuers.cert-manager.io")
    assert found
    assert (found.part("log"), found.part("scale") is not None) == (None, True)
    assert Ask("", found).resource.namespaced
    assert access.parse("issuers.cert-manager.io/log")[0][0].name == "log"
