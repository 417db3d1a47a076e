"""podmeta rbac: the least Role and RoleBinding for the pods of manifests, and a comment for every line of it.

Rule: what is printed can be applied as it stands, and read by whoever has to approve it. Never cluster-admin, never
      `*`, and a ClusterRole only for what belongs to no namespace.
Strategy: the pods are grouped by their ServiceAccount, since RBAC knows nothing smaller; webhook/inject/access.py turns
      `--for` into rules.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, NamedTuple

import typer

from webhook.api.jsonpatch import escape
from webhook.cli import common
from webhook.cli.pods import Site, pods
from webhook.cli.sources import documents
from webhook.cli.yamltext.scalars import written
from webhook.inject import access
from webhook.inject.access import Ask, Rule
from webhook.inject.mutate import Rejected, Skipped, consider
from webhook.inject.question import Door
from webhook.inject.resources import READING
from webhook.inject.situation import Defaults

GROUP = "rbac.authorization.k8s.io"
READ_WRITE = 'podmeta/ambassador-access: "read-write"'
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
For = Annotated[
    list[str],
    typer.Option(
        "--for",
        metavar="[VERBS/]RESOURCE",
        help="What the pods do at the API, such as get,list/pods,jobs, get/pods/log, get/configmaps/NAME, or "
        "jobs alone for the verbs of the ambassador; else reading pods.",
    ),
]


class Pod(NamedTuple):
    """A pod of a manifest. `access`: its ambassador's, "" where it has none."""

    site: Site
    access: str


class Account(NamedTuple):
    """A ServiceAccount: what RBAC gives rights to."""

    namespace: str
    name: str


def rbac(
    files: common.Files,
    *,
    wanted: For = [],  # noqa: B006 - Typer's way to say: none
    every: common.All = False,
    recursive: common.Recursive = False,
    namespace: common.Namespace = "",
    installed: common.Installed = [],  # noqa: B006 - as above
) -> None:
    """Print the least Role and RoleBinding for each ServiceAccount of the pods."""
    defaults = common.build_defaults(installed, common.KUBERNETES, common.IMAGE)
    door = Door.NAMESPACE if every else Door.POD
    asks = _asks(wanted)
    accounts: dict[Account, list[Pod]] = {}
    with common.reporting():
        for source in documents(files, recursive=recursive):
            for document in source:
                for site in pods(document, namespace):
                    pod = _pod(site, door, defaults)
                    accounts.setdefault(_account(site), []).append(pod)
    granted = {account: _rules(asks, found) for account, found in accounts.items()}
    if refused := [line for account, found in accounts.items() for line in _refused(found, granted[account])]:
        common.fail(common.USAGE, *refused)
    texts = [_text(account, found, granted[account]) for account, found in accounts.items()]
    sys.stdout.write("---\n".join(texts) or "# no pods found\n")


def _asks(wanted: list[str]) -> tuple[Ask, ...]:
    parsed = [(text, *access.parse(text)) for text in wanted]
    if wrong := [f"--for {text}: {fault}" for text, _, faults in parsed for fault in faults]:
        common.fail(common.USAGE, *wrong)
    return tuple(ask for _, asks, _ in parsed for ask in asks) or (access.PODS,)


def _pod(site: Site, door: Door, defaults: Defaults) -> Pod:
    considered = consider(site.question(door), defaults)
    if isinstance(considered, Rejected):
        lines = [site.error(f"/metadata/annotations/{escape(one.key)}", str(one)) for one in considered.problems]
        common.fail(common.FINDINGS, *map(str, lines))
    if isinstance(considered, Skipped) or not considered.access.url:
        return Pod(site, "")
    return Pod(site, considered.options.ambassador_access)


def _account(site: Site) -> Account:
    """The pod's, by the field or by its older name; the API server says `default` where it has neither."""
    spec = site.value.get("spec") or {}
    account = Account(site.namespace, str(spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"))
    for pointer, name in zip(("/metadata/namespace", "/spec/serviceAccountName"), account, strict=True):
        if not NAME.fullmatch(name):
            accepted = "lower case letters and digits, and - and . between them"
            raise site.error(pointer, f"{name!r} is not a name; accepted: {accepted}")
    return account


def _rules(asks: tuple[Ask, ...], found: list[Pod]) -> tuple[Rule, ...]:
    return access.rules(asks, writing=any(pod.access == "read-write" for pod in found))


def _refused(found: list[Pod], granted: Iterable[Rule]) -> Iterator[str]:
    """Rights that no pod of the account could use, since each of them has an ambassador that rejects the method."""
    if any(pod.access != "read-only" for pod in found):
        return
    for rule in granted:
        for verb in rule.verbs:
            if verb in access.WRITING:
                method, accepted = access.VERBS[verb].method, f"{', '.join(READING)}, or {READ_WRITE} there"
                why = f"the ambassador of {found[0].site} is read-only and rejects {method}"
                yield f"--for {' '.join(rule.texts)}: {verb}: {why}; accepted: {accepted}"


def _text(account: Account, found: list[Pod], granted: tuple[Rule, ...]) -> str:
    """The account's documents."""
    inside = [rule for rule in granted if rule.resource.namespaced]
    outside = [rule for rule in granted if not rule.resource.namespaced]
    documents = []
    if inside:
        comment = f"its rights end with the namespace {account.namespace}"
        documents.append(_grant(account, "Role", f"podmeta:{account.name}", inside, comment))
    if outside:
        comment = "these belong to no namespace, so that no Role can hold them: the rights are the whole cluster's"
        name = f"podmeta:{account.namespace}:{account.name}"
        documents.append(_grant(account, "ClusterRole", name, outside, comment))
    return "\n".join(_head(account, found)) + "\n" + "---\n".join(documents)


def _head(account: Account, found: list[Pod]) -> Iterator[str]:
    yield f"# What the ServiceAccount {account.name} of the namespace {account.namespace} gets for these pods, no more:"
    for pod in found:
        said = f"{pod.access} ambassador" if pod.access else "no ambassador: its app has to use the token itself"
        yield f"#   {_comment(str(pod.site))} ({said})"
    if any(pod.site.assumed for pod in found):
        yield f"# WARNING: nobody said the namespace, so it is {account.namespace}; --namespace says another."
    if account.name == "default":
        yield "# WARNING: every pod that names no ServiceAccount is `default` and gets the same. To give these pods one"
        yield "# of their own, put a name in place of NAME and print this again:"
        yield f"#   kubectl create serviceaccount NAME --namespace {account.namespace}"
        yield "#   serviceAccountName: NAME    in the pod's spec, beside its containers"


def _grant(account: Account, kind: str, name: str, granted: Iterable[Rule], comment: str) -> str:
    """A Role or ClusterRole, and its binding to the account."""
    namespace = f"\n  namespace: {written(account.namespace)}" if kind == "Role" else ""
    entries = "\n".join(line for rule in granted for line in _rule(rule))
    return f"""apiVersion: {GROUP}/v1
kind: {kind} # {comment}
metadata:
  name: {written(name)}{namespace}
rules:
{entries}
---
apiVersion: {GROUP}/v1
kind: {kind}Binding # who has this {kind}
metadata:
  name: {written(name)}{namespace}
roleRef: # cannot be changed later
  apiGroup: {GROUP}
  kind: {kind}
  name: {written(name)}
subjects: # the ServiceAccount alone
  - kind: ServiceAccount
    name: {written(account.name)}
    namespace: {written(account.namespace)}
"""


def _rule(rule: Rule) -> Iterator[str]:
    """One entry of `rules`: where it is, who asked for it, what it allows."""
    group = rule.resource.group
    where = f"/apis/{group}" if group else "/api/v1, the core group"
    known = "" if rule.resource.ours else "; none of Kubernetes' own, taken to live in a namespace"
    asked = f"--for {_comment(' '.join(rule.texts))}" if rule.texts else "no --for was given: reading pods"
    for danger in rule.dangers:
        yield f"  # DANGER: {danger}."
    yield f"  - apiGroups: [{written(group, flow=True)}] # {where}{known}"
    yield f"    resources: [{written(str(rule.resource), flow=True)}] # {asked}"
    if rule.name:
        field = "; list and watch with fieldSelector=metadata.name" if {"list", "watch"} & set(rule.verbs) else ""
        yield f"    resourceNames: [{written(rule.name, flow=True)}] # this one alone{field}"
    yield f"    verbs: [{', '.join(rule.verbs)}] # {', '.join(access.VERBS[verb].means for verb in rule.verbs)}"


def _comment(text: str) -> str:
    """Somebody's text within one comment: what YAML takes for a line break must not end it."""
    return " ".join(text.split())
