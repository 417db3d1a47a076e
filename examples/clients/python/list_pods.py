"""Prints the names of the pods of its own namespace: the official client as it is by default."""

from kubernetes import client, config

config.load_config()
_, context = config.list_kube_config_contexts()
for pod in client.CoreV1Api().list_namespaced_pod(context["context"]["namespace"]).items:
    print(pod.metadata.name)  # noqa: T201 - the answer
