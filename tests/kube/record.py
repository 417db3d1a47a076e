"""Records what a real kube-apiserver asks about the pod of each case: `python -m tests.kube.record [SLUG ...]`.

Rule: review.json is the API server's own words, only indented: nobody writes one by hand, nobody edits one.
Strategy: a webhook that answers "allowed" to everything and remembers what it was asked. Each case has a namespace of
      its own, so that the reviews about its pod are those of that namespace.
"""

import argparse
import base64
import json
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.kube.apiserver import ApiServer
from tests.kube.binaries import Unavailable
from tests.kube.cases import Case, CaseError, all_cases, named
from tests.kube.cluster import Cluster
from tests.kube.pki import Authority
from tests.kube.play import play, prepare
from tests.kube.processes import LOOPBACK

_PODS = (
    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"], "scope": "Namespaced"},
    {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["UPDATE"],
        "resources": ["pods/ephemeralcontainers"],
        "scope": "Namespaced",
    },
)
_LATER = "/later/"
_PROBE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"generateName": "probe-"},
    "spec": {"containers": [{"name": "probe", "image": "probe:1"}]},
}


class Reviews:
    """The reviews that came, in order, and the patches that a later webhook of a namespace answers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._seen: list[tuple[str, dict[str, Any]]] = []
        self.patches: dict[str, Sequence[dict[str, Any]]] = {}

    def add(self, path: str, review: dict[str, Any]) -> None:
        with self._changed:
            self._seen.append((path, review))
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._seen.clear()

    def came(self, path: str) -> bool:
        with self._changed:
            return any(seen == path for seen, _ in self._seen)

    def wait(self, namespace: str, operation: str, count: int, seconds: float = 30) -> list[dict[str, Any]]:
        """The reviews of an operation in a namespace, once there are `count` of them, asked of the first webhook."""

        def found() -> list[dict[str, Any]]:
            requests = [review for path, review in self._seen if path == "/"]
            return [
                review
                for review in requests
                if (review["request"]["namespace"], review["request"]["operation"]) == (namespace, operation)
            ]

        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= count, seconds)
            return found()


class _Webhook(BaseHTTPRequestHandler):
    """Allows everything. Under /later/NAMESPACE it is the other webhook of that case, which changes the pod."""

    protocol_version = "HTTP/1.1"
    server: "RecordingServer"

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.partition("?")[0]  # the API server adds ?timeout=10s
        self.server.reviews.add(path, review)
        response: dict[str, Any] = {"uid": review["request"]["uid"], "allowed": True}
        patch = self.server.reviews.patches.get(review["request"]["namespace"])
        if patch and path.startswith(_LATER) and not _holds(review, patch):
            encoded = base64.b64encode(json.dumps(patch).encode()).decode()
            response |= {"patchType": "JSONPatch", "patch": encoded}
        body = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        pass


def _holds(review: dict[str, Any], patch: Sequence[dict[str, Any]]) -> bool:
    """Whether the containers that a patch adds are there: a webhook that adds them again would never come to an end."""
    there = {container["name"] for container in review["request"]["object"]["spec"]["containers"]}
    return there >= {operation["value"]["name"] for operation in patch}


class RecordingServer(ThreadingHTTPServer):
    """HTTPS on a free loopback port, with a certificate that lives as long as the process."""

    daemon_threads = True

    def __init__(self, *names: str) -> None:
        super().__init__((LOOPBACK, 0), _Webhook)
        self.reviews = Reviews()
        authority = Authority("recorder")
        self._ca = base64.b64encode(authority.certificate).decode()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as directory:
            context.load_cert_chain(
                *authority.issue(LOOPBACK, hosts=[LOOPBACK, *names]).write(Path(directory), "recorder")
            )
        # The handshake is left to the connection's own thread: here it would hold up everybody else's.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()

    def register(
        self, cluster: Cluster, name: str, path: str = "/", namespace: str | None = None, service: str | None = None
    ) -> None:
        """Makes the API server ask here about pods, of one namespace or by a Service in it; returns once it does."""
        here: dict[str, Any] = {"url": f"https://{LOOPBACK}:{self.server_port}{path}"}
        if service:
            here = {"service": {"name": service, "namespace": namespace, "port": self.server_port, "path": path}}
        selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}} if namespace else {}
        webhook = {
            "name": f"{name}.podmeta.test",
            "clientConfig": here | {"caBundle": self._ca},
            "rules": list(_PODS),
            "namespaceSelector": selector,
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "reinvocationPolicy": "IfNeeded",
        }
        configuration = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration"}
        cluster.apply(configuration | {"metadata": {"name": name}, "webhooks": [webhook]})
        arguments = ("create", "--filename=-", "--dry-run=server", f"--namespace={namespace or 'default'}")
        for _ in range(50):
            cluster.kubectl(*arguments, stdin=json.dumps(_PROBE))
            if self.reviews.came(path):
                self.reviews.clear()
                return
            time.sleep(0.1)
        raise CaseError(f"the API server does not ask the webhook {name}")


def record(cluster: Cluster, server: RecordingServer, case: Case) -> None:
    """Plays a case and writes its review.json."""
    prepare(cluster, case)
    expected = 1
    if case.special.later_webhook:  # by its name it comes after ours, which is therefore asked a second time
        server.reviews.patches[case.slug] = case.special.later_webhook
        server.register(cluster, f"zz-{case.slug}", _LATER + case.slug, case.slug)
        expected = 2
    play(cluster, case)
    reviews = server.reviews.wait(case.slug, case.operation, expected)
    if len(reviews) != expected:
        names = [review["request"].get("name") or review["request"]["object"]["metadata"] for review in reviews]
        raise CaseError(f"{case.slug}: {expected} reviews of a pod expected, {len(reviews)} came: {names}")
    case.review.write_text(json.dumps(reviews[-1], indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    """Records the cases of these names, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.kube.record", description=main.__doc__)
    parser.add_argument("slugs", nargs="*", metavar="SLUG")
    slugs = parser.parse_args().slugs
    try:
        cases = named(slugs) if slugs else all_cases()
        with ApiServer(controller_manager=True) as cluster, RecordingServer() as server:
            server.register(cluster, "podmeta")
            for case in cases:
                record(cluster, server, case)
                print(case.slug, file=sys.stderr)  # noqa: T201 - progress
    except (CaseError, Unavailable) as reason:
        sys.exit(str(reason))


if __name__ == "__main__":
    main()
