"""Run by `helm test`: a replica is ready, and it injects a pod that asks. It changes nothing in the cluster.

Arguments: host, port of HTTPS, port of the probes, and "closed" where only the API server may call.
"""
# ruff: noqa: INP001, T201 - a program whose output Helm prints

import json
import ssl
import sys
import time
import urllib.request

PATIENCE = 60  # seconds: the test may be started before the first replica is ready
REVIEW = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {
        "uid": "helm-test",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "operation": "CREATE",
        "namespace": "default",
        "dryRun": True,
        "object": {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "helm-test", "annotations": {"podmeta/inject": "true"}},
            "spec": {"containers": [{"name": "main", "image": "none"}]},
        },
    },
}


def ready(url: str) -> None:
    """Waits for a replica that says it is ready."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - the Service's own address
                print(f"{url}: ready")
                return
        except OSError as error:
            if time.monotonic() > end:
                sys.exit(f"{url}: not ready after {PATIENCE} s: {error}")
            time.sleep(1)


def injects(url: str) -> None:
    """Asks about a pod as the API server does. Whether the CA is right is what /readyz says; here nobody has it."""
    unverified = ssl._create_unverified_context()  # noqa: S323, SLF001
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(REVIEW).encode(), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10, context=unverified) as answer:  # noqa: S310
            response = json.load(answer)["response"]
    except OSError as error:
        sys.exit(f"{url}: no answer: {error}")
    if not response["allowed"] or response.get("patchType") != "JSONPatch":
        sys.exit(f"{url}: a pod that asks is not injected: {json.dumps(response)}")
    print(f"{url}: a pod that asks is injected")


def main() -> None:
    """Both checks."""
    host, https, health, *closed = sys.argv[1:]
    ready(f"http://{host}:{health}/readyz")
    if closed:
        print("only the API server may call: no review is sent")
    else:
        injects(f"https://{host}:{https}/mutate")


if __name__ == "__main__":
    main()
