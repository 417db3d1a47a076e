"""`podmeta check` against a real API server that calls the real service: clean when all is well, and each broken state.

There is no node here, so the Service leads out of the cluster: what the check says about replicas is proved in
tests/cluster/test_check.py.
"""

import base64
import copy
import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from certs import CertificateAuthority
from tests.apiserver.conftest import NAME, NAMESPACE, configuration, pod_webhook
from tests.edge.service import started
from tests.kube.apiserver import ApiServer
from tests.kube.binaries import Unavailable
from tests.kube.pki import Authority
from tests.kube.processes import LOOPBACK
from tests.service import Service, dev_service
from webhook.cli.main import app

SPACE = "checked"
PATIENCE = 20  # seconds until the API server has read what was applied
Change = Mapping[str, Any]


@dataclass
class Checked:
    """An API server with podmeta in it, a namespace to ask about, and the check itself."""

    cluster: ApiServer
    service: Service

    def run(self, *arguments: str, kubeconfig: Path | None = None) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit code, and the findings by their codes."""
        where = (f"--kubeconfig={kubeconfig or self.cluster.kubeconfig}", "--output=json")
        named = () if any(argument.startswith("--namespace") for argument in arguments) else (f"--namespace={SPACE}",)
        result = CliRunner().invoke(app, ["check", *where, *named, *arguments])
        assert result.stderr == ""
        return result.exit_code, {one["code"]: one for one in json.loads(result.stdout)["findings"]}

    def until(self, code: str, *arguments: str) -> dict[str, Any]:
        """The finding, which stands beside an exit code of 1 unless it is a note."""
        deadline = time.monotonic() + PATIENCE
        while True:
            ended, found = self.run(*arguments)
            if code in found:
                assert ended == (0 if all(one["severity"] == "note" for one in found.values()) else 1)
                return found[code]
            assert time.monotonic() < deadline, f"{code} is not among {list(found)}"
            time.sleep(0.2)

    def until_clean(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while (found := self.run())[0] != 0:
            assert time.monotonic() < deadline, found
            time.sleep(0.2)

    def configure(self, **changes: Any) -> None:
        """Apply the configuration of an installation, with the same changes to both webhooks."""
        whole = configuration(self.service)
        for webhook in whole["webhooks"]:
            for key, value in changes.items():
                *path, last = key.split("__")
                place = webhook
                for step in path:
                    place = place[step]
                place[last] = value
        # Not `apply`, which leaves a field that somebody else wrote.
        self.cluster.kubectl("replace", "--filename=-", stdin=json.dumps(whole))


@pytest.fixture(scope="module")
def installation() -> Iterator[Checked]:
    """An API server of its own: here it is broken in many ways."""
    try:
        real = ApiServer(controller_manager=True)
    except Unavailable as reason:
        pytest.skip(f"real kube-apiserver: {reason}")
    with real, dev_service(f"--dev-names={NAME}.{NAMESPACE}.svc") as service:
        real.namespace(NAMESPACE)
        real.namespace(SPACE)
        real.expose(NAME, NAMESPACE, service.port)
        real.apply(configuration(service))
        yield Checked(real, service)


@pytest.fixture
def checked(installation: Checked) -> Iterator[Checked]:
    """Whole before the test, and mended after it."""
    installation.until_clean()
    yield installation
    installation.configure()


def test_a_healthy_installation_is_clean(checked: Checked) -> None:
    """Notes are no reason to do anything."""
    code, found = checked.run()
    assert (code, {one["severity"] for one in found.values()}) == (0, {"note"})
    assert list(found) == ["service-elsewhere"]


STRANGER = base64.b64encode(Authority("stranger").certificate).decode()
OLD = CertificateAuthority.issue(datetime.now(UTC) - timedelta(days=400), lifetime=timedelta(days=365))
STATES: dict[str, tuple[Change, str, str]] = {
    "wrong caBundle": ({"clientConfig__caBundle": STRANGER}, "certificate-not-trusted", "error"),
    "empty caBundle": ({"clientConfig__caBundle": None}, "ca-bundle-empty", "error"),
    "expired CA": ({"clientConfig__caBundle": OLD.bundle.ca_bundle}, "ca-expired", "error"),
    "nobody listens": ({"clientConfig__service__port": 1}, "no-answer", "error"),
    "no such Service": ({"clientConfig__service__name": "gone"}, "service-missing", "error"),
    "Ignore": ({"failurePolicy": "Ignore"}, "failure-policy-ignore", "note"),
    "Ignore hides a failure": (
        {"failurePolicy": "Ignore", "clientConfig__caBundle": STRANGER}, "not-injected", "error",
    ),
    "never reinvoked": ({"reinvocationPolicy": "Never"}, "never-reinvoked", "warning"),
    "every pod": ({"matchConditions": []}, "no-match-conditions", "warning"),
    "every namespace": ({"namespaceSelector": {}}, "system-namespaces-not-excluded", "warning"),
    "excluded": (
        {"namespaceSelector__matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn",
                                                  "values": [SPACE, "kube-system", NAMESPACE]}]},
        "namespace-excluded", "warning",
    ),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_a_broken_configuration_is_found(checked: Checked, state: str) -> None:
    change, code, severity = STATES[state]
    checked.configure(**copy.deepcopy(dict(change)))
    assert checked.until(code)["severity"] == severity


def test_a_service_that_is_down_stops_pods_that_did_not_ask_where_nothing_holds_them_back(checked: Checked) -> None:
    checked.configure(matchConditions=[], clientConfig__service__port=1)
    assert "failed calling webhook" in checked.until("reached-without-asking")["what"]


def test_a_pod_that_did_not_ask_and_is_injected(checked: Checked) -> None:
    """The namespace's door without its label and its condition, as an edit by hand may leave it."""
    checked.configure(matchConditions=[], namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": SPACE}})
    assert checked.until("injected-without-asking")["severity"] == "error"


def test_one_webhook_is_gone(checked: Checked) -> None:
    whole = configuration(checked.service)
    del whole["webhooks"][1]
    checked.cluster.kubectl("replace", "--filename=-", stdin=json.dumps(whole))
    assert "namespace.inject.podmeta" in checked.until("webhook-missing")["what"]


def test_two_installations(checked: Checked) -> None:
    other = {**configuration(checked.service), "metadata": {"name": "podmeta-again"}}
    checked.cluster.apply(other)
    try:
        assert "podmeta-again" in checked.until("several-installations")["what"]
        code, found = checked.run(f"--configuration={NAME}")
        assert (code, set(found)) == (0, {"service-elsewhere", "mutating-webhooks-after-ours"})
    finally:
        checked.cluster.kubectl("delete", "mutatingwebhookconfiguration", "podmeta-again")


def test_a_configuration_that_is_not_there(checked: Checked) -> None:
    assert "in podmetta none" in checked.until("not-installed", "--configuration=podmetta")["what"]


def test_nothing_is_installed(checked: Checked) -> None:
    checked.cluster.kubectl("delete", "mutatingwebhookconfiguration", NAME)
    try:
        assert checked.until("not-installed")["severity"] == "error"
    finally:
        checked.cluster.apply(configuration(checked.service))


@pytest.mark.parametrize(
    ("days", "host", "code"),
    [(100, f"{NAME}.{NAMESPACE}.svc", "certificate-expired"), (0, "another.svc", "certificate-for-another-name")],
)
def test_a_certificate_that_the_api_server_refuses(
    checked: Checked, tmp_path: Path, days: int, host: str, code: str
) -> None:
    """The service is started with it, and goes on serving it since it has no better one."""
    now = datetime.now(UTC)
    authority = CertificateAuthority.issue(now - timedelta(days=200))
    serving = authority.serving([host], now - timedelta(days=days))
    (tmp_path / "tls.crt").write_bytes(serving.pem)
    (tmp_path / "tls.key").write_bytes(serving.key_pem)
    with started(tmp_path, Authority()) as service:
        checked.cluster.expose("refused", NAMESPACE, service.port)
        reference = {"name": "refused" if host != f"{NAME}.{NAMESPACE}.svc" else NAME, "namespace": NAMESPACE}
        checked.cluster.expose(reference["name"], NAMESPACE, service.port)
        ca = authority.bundle.ca_bundle
        port = service.port
        checked.configure(clientConfig={"service": {**reference, "port": port, "path": "/mutate"}, "caBundle": ca})
        found = checked.until(code)
    checked.cluster.expose(NAME, NAMESPACE, checked.service.port)
    assert (found["severity"], "x509" in found["what"]) == ("error", True)


class Stripping(BaseHTTPRequestHandler):
    """A webhook of somebody else that takes the env out of the first container."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        response: dict[str, Any] = {"uid": review["request"]["uid"], "allowed": True}
        if "env" in review["request"]["object"]["spec"]["containers"][0]:
            patch = json.dumps([{"op": "remove", "path": "/spec/containers/0/env"}])
            response |= {"patchType": "JSONPatch", "patch": base64.b64encode(patch.encode()).decode()}
        body = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        pass


@pytest.fixture
def stripper(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """It runs; how the API server reaches it."""
    authority = Authority("stripper")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(LOOPBACK, hosts=[LOOPBACK]).write(tmp_path, "stripper"))
    with ThreadingHTTPServer((LOOPBACK, 0), Stripping) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ca = base64.b64encode(authority.certificate).decode()
        yield {"url": f"https://{LOOPBACK}:{server.server_port}/", "caBundle": ca}
        server.shutdown()


def _another(name: str, webhook: dict[str, Any]) -> dict[str, Any]:
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration"}
    return {**kind, "metadata": {"name": name}, "webhooks": [webhook]}


def test_another_webhook_that_strips_fields_is_named(checked: Checked, stripper: dict[str, Any]) -> None:
    """The parts that are missing, and who may have taken them."""
    webhook = {**pod_webhook("strip.example.com", stripper), "matchConditions": []}
    checked.cluster.apply(_another("zz-strip", webhook))
    try:
        found = checked.until("stripped")
        assert found["severity"] == "error"
        assert "env POD_NAME of container main" in found["what"]
        assert "candidates: strip.example.com (zz-strip)" in found["what"]
        assert checked.run()[1]["mutating-webhooks-after-ours"]["severity"] == "note"
    finally:
        checked.cluster.kubectl("delete", "mutatingwebhookconfiguration", "zz-strip")


def test_another_webhook_that_is_down_is_not_taken_for_ours(checked: Checked) -> None:
    """Down for the pods that ask: one that asks for nothing is let in."""
    webhook = pod_webhook("down.example.com", {"url": f"https://{LOOPBACK}:1/"})
    checked.cluster.apply(_another("aa-down", webhook))
    try:
        assert 'failed calling webhook "down.example.com"' in checked.until("other-webhook-refuses")["what"]
    finally:
        checked.cluster.kubectl("delete", "mutatingwebhookconfiguration", "aa-down")


def test_a_namespace_that_lets_no_pod_in_is_no_fault_of_ours(checked: Checked) -> None:
    """A quota of no pods at all: the API server's own sentence is what helps."""
    space = checked.cluster.namespace("full")
    hard = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    checked.cluster.apply(hard, f"--namespace={space}")
    assert "exceeded quota: none" in checked.until("pods-refused", f"--namespace={space}")["what"]
    assert "asking-pod-refused" not in checked.run(f"--namespace={space}")[1]


def test_a_limit_range_that_refuses_only_the_ambassador(checked: Checked) -> None:
    space = checked.cluster.namespace("small")
    limits = {"limits": [{"type": "Container", "max": {"memory": "16Mi"}}]}
    kind = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": limits}
    checked.cluster.apply(kind, f"--namespace={space}")
    found = checked.until("ambassador-refused", f"--namespace={space}")
    assert (found["severity"], "maximum memory usage per Container is 16Mi" in found["what"]) == ("warning", True)


def test_a_restricted_namespace_takes_the_ambassador(checked: Checked) -> None:
    space = checked.cluster.namespace("strict", {"pod-security.kubernetes.io/enforce": "restricted"})
    assert checked.run(f"--namespace={space}")[0] == 0


def test_namespaces_that_ask_by_label(checked: Checked) -> None:
    space = checked.cluster.namespace("labelled", {"podmeta/inject": "enabled"})
    assert checked.run(f"--namespace={space}")[0] == 0
    checked.cluster.kubectl("label", "namespace", space, "podmeta/inject=true", "--overwrite")
    assert checked.until("namespace-label-unknown", f"--namespace={space}")["severity"] == "warning"


def test_a_namespace_that_does_not_exist(checked: Checked) -> None:
    assert checked.until("namespace-missing", "--namespace=nowhere")["severity"] == "error"


def test_what_a_service_account_may_do_through_the_ambassador(checked: Checked) -> None:
    """Nothing, then the least, then everything; and one that is not there."""
    asked = "--serviceaccount=default"
    assert checked.until("ambassador-without-rights", asked)["severity"] == "warning"
    assert "serviceaccount-missing" in checked.run("--serviceaccount=nobody")[1]
    bound = (f"--serviceaccount={SPACE}:default", f"--namespace={SPACE}")
    checked.cluster.kubectl("create", "rolebinding", "reads", "--clusterrole=view", *bound)
    try:
        assert "ambassador-without-rights" not in checked.run(asked)[1]
        checked.cluster.kubectl("create", "rolebinding", "rules", "--clusterrole=cluster-admin", *bound)
        assert checked.until("ambassador-with-all-rights", asked)["severity"] == "warning"
    finally:
        checked.cluster.kubectl("delete", "rolebinding", "reads", "rules", f"--namespace={SPACE}", "--ignore-not-found")


def test_what_the_user_may_not_read_is_a_line_each(checked: Checked) -> None:
    """A user without any rights: no crash, and no word about what nobody has seen."""
    code, found = checked.run("--serviceaccount=default", kubeconfig=checked.cluster.user("nobody"))
    assert (code, set(found)) == (1, {"not-looked-at", "not-seen"})
    result = CliRunner().invoke(
        app, ["check", f"--kubeconfig={checked.cluster.user('nobody')}", f"--namespace={SPACE}"]
    )
    for line in ("MutatingWebhookConfigurations", f"Namespace {SPACE}", f"a pod in {SPACE}"):
        assert line in result.stdout
    assert "nothing to do" not in result.stdout


def test_who_may_only_make_pods_learns_why_they_are_not_injected(checked: Checked) -> None:
    """A developer: the webhooks cannot be read, the API server's own answer to a pod can."""
    bound = ("--clusterrole=edit", "--user=developer", f"--namespace={SPACE}")
    checked.cluster.kubectl("create", "rolebinding", "develops", *bound)
    developer = checked.cluster.user("developer")
    try:
        assert checked.run(kubeconfig=developer)[1].keys() == {"not-looked-at", "not-seen"}
        checked.configure(clientConfig__caBundle=STRANGER)
        checked.until("certificate-not-trusted")
        assert checked.run(kubeconfig=developer)[1]["certificate-not-trusted"]["severity"] == "error"
    finally:
        checked.cluster.kubectl("delete", "rolebinding", "develops", f"--namespace={SPACE}")


def test_the_table_says_what_it_means_and_what_to_do(checked: Checked) -> None:
    where = f"--kubeconfig={checked.cluster.kubeconfig}"
    result = CliRunner().invoke(app, ["check", where, "--namespace=kube-system"])
    heading, *lines = result.stdout.splitlines()
    assert heading.split() == ["SEVERITY", "FINDING", "WHERE", "WHAT", "MEANS", "TO", "DO"]
    (line,) = [line for line in lines if "namespace-excluded" in line]
    assert line.startswith("warning")
    assert "Namespace kube-system" in line
    assert "never injected" in line
    assert result.exit_code == 1
    assert CliRunner().invoke(app, ["check", where, f"--namespace={SPACE}"]).stdout.endswith("nothing to do\n")


def test_a_cluster_that_is_not_there_ends_with_two(checked: Checked, tmp_path: Path) -> None:
    away = tmp_path / "kubeconfig"
    text = checked.cluster.kubeconfig.read_text().replace(checked.cluster.url, f"https://{LOOPBACK}:1")
    away.write_text(text)
    result = CliRunner().invoke(app, ["check", f"--kubeconfig={away}"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "does not answer" in result.stderr


def test_a_user_whom_the_api_server_does_not_know_ends_with_two(checked: Checked, tmp_path: Path) -> None:
    config = json.loads(checked.cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": "nonsense"}
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    result = CliRunner().invoke(app, ["check", f"--kubeconfig={tmp_path / 'kubeconfig'}"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "does not know the user" in result.stderr
