"""What a pod may do at the Kubernetes API: `--for` texts to the rules of the least Role.

Rule: nothing is granted that was not named: no wildcard, no verb that the resource does not have, nothing that RBAC
      could not limit as it was asked.
Strategy: a text is parsed into Asks, and every fault of it is found. Asks of one resource become one Rule. What a right
      amounts to beyond itself is a table, so that whoever prints a Rule can say it.
Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

import msgspec

from webhook.inject.ambassador import READ_ONLY
from webhook.inject.resources import NAMES, READING, SUBRESOURCES, Resource, resource
from webhook.inject.values import shown


class Verb(NamedTuple):
    """One verb of RBAC: the HTTP method that stands behind it, and what it allows."""

    method: str
    means: str


VERBS = {
    "get": Verb("GET", "read one by its name"),
    "list": Verb("GET", "read all at once"),
    "watch": Verb("GET", "be told of changes"),
    "create": Verb("POST", "make new ones"),
    "update": Verb("PUT", "replace one"),
    "patch": Verb("PATCH", "change a part of one"),
    "delete": Verb("DELETE", "delete one"),
    "deletecollection": Verb("DELETE", "delete all at once"),
    "bind": Verb("POST", "bind them to anybody"),
    "escalate": Verb("PUT", "write rights into them that it does not have itself"),
    "impersonate": Verb("GET", "act as them"),
}
WRITING = tuple(verb for verb, row in VERBS.items() if re.match(READ_ONLY, row.method))
_COMMON = (*READING, "create", "update", "patch", "delete")  # of a resource that is named without verbs
_NAMELESS = ("create", "deletecollection")  # requests that have no object's name for RBAC to look at


class Danger(NamedTuple):
    """What a right amounts to beyond itself. `resources`: names, with a space between."""

    resources: str
    sentence: str
    verbs: tuple[str, ...] = tuple(VERBS)


# https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks
DANGERS = (
    Danger("secrets", "passwords and tokens, those of other ServiceAccounts among them"),
    Danger(
        "pods deployments daemonsets statefulsets replicasets replicationcontrollers jobs cronjobs",
        "a pod of one's own making can use any ServiceAccount and any Secret of the namespace",
        ("create", "update", "patch"),
    ),
    Danger(
        "pods/exec pods/attach pods/ephemeralcontainers",
        "commands inside any pod of the namespace, with all that this pod may do",
    ),
    Danger("pods/exec pods/attach", "and not through an ambassador: kubectl proxy rejects exec and attach"),
    Danger("serviceaccounts/token", "whoever has the token of a ServiceAccount has its rights"),
    Danger("serviceaccounts", "whoever acts as a ServiceAccount has its rights", ("impersonate",)),
    Danger("roles clusterroles", "whoever may do that can have every right that there is", ("bind", "escalate")),
    Danger("nodes/proxy", "all that a kubelet can do, past the admission and the audit of the API server"),
    Danger("persistentvolumes", "a hostPath volume is the disk of a node", ("create",)),
    Danger(
        "certificatesigningrequests certificatesigningrequests/approval",
        "a certificate that the API server takes for somebody else",
        ("create", "update", "patch"),
    ),
    Danger(
        "mutatingwebhookconfigurations validatingwebhookconfigurations",
        "a webhook reads and changes whatever anybody sends",
        ("create", "update", "patch"),
    ),
    Danger("namespaces", "its labels say what Pod Security lets in", ("update", "patch")),
)


class Ask(msgspec.Struct, frozen=True):
    """One resource of a `--for` text. No verbs: those that are usual. `name`: that object alone."""

    text: str
    resource: Resource
    verbs: tuple[str, ...] = ()
    name: str = ""


class Rule(msgspec.Struct, frozen=True):
    """One entry of a Role's `rules`, and the texts that asked for it."""

    resource: Resource
    verbs: tuple[str, ...]
    name: str
    texts: tuple[str, ...]

    @property
    def dangers(self) -> tuple[str, ...]:
        """What it amounts to beyond itself."""
        return tuple(
            row.sentence
            for row in DANGERS
            if self.resource.ours and str(self.resource) in row.resources.split() and set(row.verbs) & set(self.verbs)
        )


Fault = str  # a sentence: the piece, what is wrong with it, what would be accepted


def parse(text: str) -> tuple[tuple[Ask, ...], tuple[Fault, ...]]:
    """`[VERBS/]RESOURCE[/SUBRESOURCE][/NAME]`, verbs and resources being comma lists."""
    if "*" in text:
        return (), (_fault(text, "a wildcard is never the least", "verbs and resources by their names"),)
    head, slash, rest = text.partition("/")
    verbs = tuple(verb.strip() for verb in head.split(","))
    if not slash or not set(verbs) & VERBS.keys():
        verbs, rest = (), text
    faults = [_fault(verb, "no such verb", ", ".join(VERBS)) for verb in verbs if verb not in VERBS]
    asks = []
    for piece in rest.split(","):
        found = _ask(text, piece.strip(), verbs)
        if isinstance(found, Ask):
            asks.append(found)
            faults += _impossible(found)
        else:
            faults.append(found)
    return tuple(asks), tuple(faults)


def _ask(text: str, piece: str, verbs: tuple[str, ...]) -> Ask | Fault:
    first, *more = piece.split("/")
    found = resource(first)
    if found is None:
        if first in VERBS:
            return _fault(first, "a verb without a resource", f"{first}/RESOURCE")
        near = get_close_matches(first, [*NAMES, *VERBS], n=1)
        accepted = f"did you mean {near[0]}?" if near else "accepted: one such as pods, or RESOURCE.GROUP"
        return f"{shown(first)}: Kubernetes itself has no such resource; {accepted}"
    part = found.part(more[0]) if more else None
    if part:
        found = part
        del more[0]
    if len(more) > 1 or not all(more):
        own = [name.partition("/")[2] for name in SUBRESOURCES if name.startswith(f"{found.name}/")]
        subresources = f", SUBRESOURCE one of {', '.join(own)}" if own else ""
        return _fault(piece, "not a resource", f"RESOURCE[/SUBRESOURCE][/NAME]{subresources}")
    return Ask(text, found, verbs, *more)


def _impossible(ask: Ask) -> Iterable[Fault]:
    """Verbs that the resource does not have, or that RBAC cannot limit to a name."""
    for verb in ask.verbs:
        if verb in VERBS and verb not in ask.resource.verbs:
            yield _fault(verb, f"{ask.resource} has no such verb", ", ".join(ask.resource.verbs))
        elif ask.name and verb in _NAMELESS and not ask.resource.subresource:
            yield _fault(ask.name, f"RBAC cannot limit {verb} to a name", f"{verb}/{ask.resource}")


def _fault(got: str, why: str, accepted: str) -> Fault:
    return f"{shown(got)}: {why}; accepted: {accepted}"


PODS = Ask("", NAMES["pods"], READING)  # where nothing is asked: what an ambassador is tried with first


def rules(asks: Iterable[Ask], *, writing: bool) -> tuple[Rule, ...]:
    """One Rule a resource and name. `writing`: the verbs that are usual are those of an ambassador that writes."""
    merged: dict[tuple[str, str, str], Rule] = {}
    for ask in asks:
        key = (ask.resource.group, str(ask.resource), ask.name)
        before = merged.get(key, Rule(ask.resource, (), ask.name, ()))
        named = {*before.verbs, *(ask.verbs or _usual(ask, writing=writing))}
        texts = dict.fromkeys((*before.texts, *filter(None, [ask.text])))
        merged[key] = Rule(ask.resource, tuple(verb for verb in VERBS if verb in named), ask.name, tuple(texts))
    return tuple(merged.values())


def _usual(ask: Ask, *, writing: bool) -> tuple[str, ...]:
    """The verbs of a resource that was named without any; all that it has, where reading is none of them."""
    usual = [verb for verb in (_COMMON if writing else READING) if verb in ask.resource.verbs]
    if ask.name and not ask.resource.subresource:  # hardly a client lists or watches one object
        usual = [verb for verb in usual if verb not in (*_NAMELESS, "list", "watch")]
    return tuple(usual) or ask.resource.verbs
