"""The ways a pod gets its variables in the cluster: none at all, the API server's own policy, a webhook.

Rule: each has a namespace of its own, and all stand side by side in one API server, so that rounds can take turns
      without changing a configuration. What does not concern a namespace is skipped there by its label.
Strategy: the MutatingAdmissionPolicy (admissionregistration.k8s.io/v1, on by default from Kubernetes 1.36) writes the
      same variables from a CEL expression made of the same table, as JSON Patch: an apply configuration may not touch a
      fieldRef. It writes no volumes.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from bench.bodies import ANNOTATION, SERIAL
from bench.contenders import CONTENDERS, GO, PODMETA, RUNTIME, SHIPPED
from bench.peers.downward import KINDS, VARIABLES
from bench.running import SERVICES, Running
from tests.kube.cases import CASES, read_yaml

NONE, POLICY = "no webhook", "MutatingAdmissionPolicy"
WEBHOOKS = {name: CONTENDERS[name] for name in (PODMETA, SHIPPED, GO, RUNTIME)}
SCENARIOS = (NONE, POLICY, *WEBHOOKS)
API = "admissionregistration.k8s.io/v1"
LABEL = "podmeta-bench"
STORY = "native-sidecars"
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
ASKS = f"object.metadata.?annotations[?'{ANNOTATION}'].orValue('') == 'true'"
Json = dict[str, Any]


def namespace(scenario: str) -> str:
    return "bench-" + "".join(letter if letter.isalnum() else "-" for letter in scenario.lower())


def webhook_name(scenario: str) -> str:
    return f"{namespace(scenario)}.podmeta.test"


def pod() -> bytes:
    """The pod of a story as a client sends it, each with a name of its own."""
    (document,) = read_yaml(CASES / STORY / "manifest.yaml")
    metadata = {"name": f"{document['metadata']['name']}-{SERIAL}", "annotations": {ANNOTATION: "true"}}
    return json.dumps({**document, "metadata": metadata}).encode()


def configurations(servers: Mapping[str, Running]) -> list[Json]:
    """Everything that is applied to the cluster."""
    return [*_policy(), *(_webhook(name, server) for name, server in servers.items())]


def _selector(scenario: str) -> Json:
    return {"namespaceSelector": {"matchLabels": {LABEL: namespace(scenario)}}}


def _webhook(scenario: str, server: Running) -> Json:
    # By Service, as in a cluster: with a URL on localhost the API server would speak HTTP/2.
    reference = {"name": namespace(scenario), "namespace": SERVICES, "port": server.port, "path": "/mutate"}
    bundle = base64.b64encode(server.authority.read_bytes()).decode()
    webhook = {
        "name": webhook_name(scenario),
        "clientConfig": {"service": reference, "caBundle": bundle},
        "rules": [RULE],
        "matchConditions": [{"name": "the-pod-asks", "expression": ASKS}],
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 10,
        **_selector(scenario),
    }
    kind = {"apiVersion": API, "kind": "MutatingWebhookConfiguration"}
    return {**kind, "metadata": {"name": namespace(scenario)}, "webhooks": [webhook]}


def _policy() -> list[Json]:
    metadata = {"name": namespace(POLICY)}
    spec = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {"resourceRules": [RULE]},
        "matchConditions": [{"name": "the-pod-asks", "expression": ASKS}],
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": _expression()}}],
    }
    policy = {"apiVersion": API, "kind": "MutatingAdmissionPolicy", "metadata": metadata, "spec": spec}
    binding = {"policyName": namespace(POLICY), "matchResources": _selector(POLICY)}
    kind = {"apiVersion": API, "kind": "MutatingAdmissionPolicyBinding"}
    return [policy, {**kind, "metadata": metadata, "spec": binding}]


def _expression() -> str:
    """Each container's list written anew, the variables in front of its own."""
    return " + ".join(_written(kind) for kind in KINDS)


def _written(kind: str) -> str:
    env = ", ".join(map(_cel, VARIABLES))
    path = f"'/spec/{kind}/' + string(index) + '/env'"
    operation = f"JSONPatch{{op: 'add', path: {path}, value: [{env}] + c.?env.orValue([])}}"
    return f"object.spec.?{kind}.orValue([]).transformList(index, c, {operation})"


def _cel(value: Json) -> str:
    """JSON as CEL: a map of texts is the same in both, and one that holds maps as well must say that it is dynamic.

    The objects of CEL's own types would read better, but a list of them ends in a panic of the API server (1.36.3).
    """
    if all(isinstance(field, str) for field in value.values()):
        return json.dumps(value)
    fields = [f"{json.dumps(k)}: dyn({_cel(v) if isinstance(v, dict) else json.dumps(v)})" for k, v in value.items()]
    return f"{{{', '.join(fields)}}}"
