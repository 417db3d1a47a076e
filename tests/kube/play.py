"""Plays a case on a cluster: its namespace, what is there before, and its pod.

Rule: this knows nothing of webhooks. The recorder plays a case with itself as the webhook, a test with podmeta.
"""

import json
from subprocess import CompletedProcess

from tests.kube.cases import Case, CaseError, Way, read_yaml
from tests.kube.cluster import Cluster


def prepare(cluster: Cluster, case: Case) -> None:
    """Makes the case's namespace, and applies its setup.yaml, which may say more about that namespace."""
    cluster.namespace(case.slug)
    if case.setup:
        space = f"--namespace={case.slug}"
        made = cluster.apply(case.setup, space, "--output=name").stdout.split()
        for quota in (name for name in made if name.startswith("resourcequota/")):
            # No pod is let in before the controller has counted what is there.
            cluster.kubectl("wait", "--for=jsonpath={.status.hard}", quota, space, "--timeout=30s")


def play(cluster: Cluster, case: Case) -> str:
    """Makes the pod the way the case says; returns what kubectl wrote. Raises KubectlError where it is refused."""
    space = f"--namespace={case.slug}"
    match case.way:
        case Way.APPLY:
            made = [cluster.apply(case.manifest, space)]
        case Way.CREATE:
            made = [cluster.kubectl("create", f"--filename={case.manifest}", space)]
        case Way.DRY_RUN:
            made = [cluster.apply(case.manifest, space, "--dry-run=server")]
        case Way.JOB_FROM:
            job = ("create", "job", "manual", f"--from={case.special.from_}", space)
            made = [cluster.apply(case.manifest, space), cluster.kubectl(*job)]
        case Way.NODE:
            made = [_mirror(cluster, case)]
        case Way.DEBUG:
            made = [cluster.apply(case.manifest, space), _debug(cluster, case)]
    return "".join(result.stdout + result.stderr for result in made)


def _debug(cluster: Cluster, case: Case) -> CompletedProcess[str]:
    debug = case.special.debug
    if debug is None:
        raise CaseError(f"{case.slug}: case.yaml does not say which pod to debug")
    arguments = ["debug", debug.pod, f"--namespace={case.slug}", f"--image={debug.image}"]
    arguments.append(f"--container={debug.container}")
    if debug.target:
        arguments.append(f"--target={debug.target}")
    return cluster.kubectl(*arguments, "--", "sleep", "3600")


def _mirror(cluster: Cluster, case: Case) -> CompletedProcess[str]:
    """Creates the pod as its node's kubelet does: with the node's identity, and the Node as the pod's owner."""
    (pod,) = read_yaml(case.manifest)
    name = pod["spec"]["nodeName"]
    uid = cluster.get("node", name)["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid, "controller": True}
    pod["metadata"]["ownerReferences"] = [owner]
    kubelet = cluster.user(f"system:node:{name}", ["system:nodes"])
    # A node may not read the OpenAPI documents that kubectl validates with.
    arguments = ("create", "--filename=-", f"--namespace={case.slug}", "--validate=false")
    return cluster.kubectl(*arguments, stdin=json.dumps(pod), kubeconfig=kubelet)
