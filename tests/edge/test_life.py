"""The process from start to end: what it says, whom it lets in, and that no review is lost when it goes."""

import base64
import json
import signal
import ssl
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.edge.service import UID, Service, command, launched, pod, review, started, trusting, write_pair
from tests.edge.wire import TIMEOUT, post, wired
from tests.kube.pki import Authority

BODY = review(pod())
# What only other verbs, other settings, a bad certificate or text for people need; and what nobody here needs.
OTHERS = {"certs", "cryptography", "httpx2", "lightkube", "rich", "ruamel", "structlog", "typer", "unittest", "yaml"}


def in_flight(service: Service, number: int) -> None:
    while service.metric("podmeta_reviews_in_flight") != number:
        pass


def accepts(service: Service, context: ssl.SSLContext | None = None) -> bool:
    """Whether a new connection gets an answer."""
    try:
        with service.wire(context) as wire:
            wire.send(post(BODY))
            return wire.answer().code == 200
    except (OSError, EOFError):
        return False


def test_what_is_in_flight_at_the_end_is_finished(tmp_path: Path, authority: Authority) -> None:
    """SIGTERM in the middle of a body: no new connection, the answer all the same, exit code 0."""
    with started(tmp_path, authority) as service:
        with service.wire() as wire, service.wire() as idle:
            idle.send(post(BODY))
            assert idle.answer().code == 200
            wire.send(post(BODY[:50], length=len(BODY)))
            in_flight(service, 1)
            service.signal()
            assert service.line("draining")["inFlight"] == 1
            assert idle.closed()
            while accepts(service):
                pass
            assert service.process.poll() is None
            wire.send(BODY[50:])
            answer = wire.answer()
            assert (answer.code, answer.headers["connection"]) == (200, "close")
            assert wire.closed()
        assert service.end() == 0
        assert [line for line in service.rest() if line["level"] != "info"] == []


def test_while_it_drains_it_is_unready_and_serves_on(tmp_path: Path, authority: Authority) -> None:
    """API servers hear of it only after a while; until then they get answers, each the last on its connection."""
    with started(tmp_path, authority, "--drain-seconds=60") as service:
        with service.wire() as old:
            old.send(post(BODY))
            assert "connection" not in old.answer().headers
            assert service.health("/readyz") == (200, "ok\n")
            service.signal(signal.SIGINT)
            service.line("draining")
            assert service.health("/readyz") == (503, "draining: the process was told to end\n")
            assert service.health("/healthz") == (200, "ok\n")
            old.send(post(BODY))
            assert old.answer().headers["connection"] == "close"
            assert old.closed()
            assert service.ask(BODY).headers["connection"] == "close"
        service.signal()
        assert service.end() == 128 + signal.SIGTERM  # a second signal ends it at once


def test_who_never_finishes_does_not_keep_it_for_ever(tmp_path: Path, authority: Authority) -> None:
    with started(tmp_path, authority, "--shutdown-grace=1") as service, service.wire() as wire:
        wire.send(post(BODY[:50], length=len(BODY)))
        in_flight(service, 1)
        service.signal()
        assert service.end() == 0


def swap(folder: Path, authority: Authority, revision: str) -> None:
    """As the kubelet renews a Secret volume."""
    (folder / revision).mkdir()
    write_pair(folder / revision, authority)
    (folder / "..new").symlink_to(revision)
    (folder / "..new").rename(folder / "..data")


def test_a_new_certificate_is_served_without_dropping_a_connection(tmp_path: Path, authority: Authority) -> None:
    swap(tmp_path, authority, "..1")
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).symlink_to(Path("..data") / name)
    with started(tmp_path, authority) as service, service.wire() as old:
        expiry = service.metric("podmeta_certificate_expiry_timestamp_seconds")
        old.send(post(BODY))
        assert old.answer().code == 200
        swap(tmp_path, authority, "..2")
        service.line("certificate read again")
        old.send(post(BODY))
        assert old.answer().code == 200
        with service.wire() as new:
            assert new.certificate != old.certificate
            served = new.certificate
        (tmp_path / "..2" / "tls.key").write_bytes(b"half a k")
        refused = service.line("certificate refused, the old one stays")
        assert "the key is not PEM" in refused["problems"][0]
        with service.wire() as new:
            assert new.certificate == served
        assert service.health("/readyz") == (200, "ok\n")
        assert service.metric('podmeta_certificate_reloads_total{result="refused"}') == 1
        assert service.metric("podmeta_certificate_expiry_timestamp_seconds") >= expiry > 0


def test_it_is_unready_while_the_given_ca_does_not_vouch_for_it(tmp_path: Path, authority: Authority) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_bytes(Authority("another").certificate)
    with started(tmp_path, authority, f"--tls-ca-file={ca}") as service:
        code, text = service.health("/readyz")
        assert (code, text.startswith("no CA that is given")) == (503, True)
        ca.write_bytes(authority.certificate)
        service.line("certificate read again")
        assert service.health("/readyz") == (200, "ok\n")


def test_only_clients_of_the_given_ca_are_let_in(tmp_path: Path, authority: Authority) -> None:
    clients = Authority("clients")
    ca = tmp_path / "clients.crt"
    ca.write_bytes(clients.certificate)
    with started(tmp_path, authority, f"--tls-client-ca-file={ca}") as service:
        known = trusting(authority)
        known.load_cert_chain(*clients.issue("kube-apiserver").write(tmp_path, "known"))
        unknown = trusting(authority)
        unknown.load_cert_chain(*Authority("strangers").issue("kube-apiserver").write(tmp_path, "unknown"))
        assert accepts(service, known)
        assert not accepts(service, trusting(authority))
        assert not accepts(service, unknown)


def test_settings_from_the_environment_reach_the_core(tmp_path: Path, authority: Authority) -> None:
    env = {"PODMETA_ON_INVALID": "warn", "PODMETA_DEFALTS": "x", "PODMETA_SERVICE_HOST": "10.0.0.1"}
    with started(tmp_path, authority, env=env) as service:
        assert [line["event"] for line in service.seen] == [
            "PODMETA_DEFALTS is no setting; did you mean PODMETA_DEFAULTS?",
            "listening",
        ]
        response = json.loads(service.ask(review(pod(podmeta_inject="true", podmeta_env="FOO"))).body)["response"]
        assert (response["uid"], response["allowed"]) == (UID, True)
        assert "podmeta/env: 'FOO'" in response["warnings"][0]


def test_each_review_is_a_line_of_the_log_and_a_number(tmp_path: Path, authority: Authority) -> None:
    with started(tmp_path, authority) as service:
        for _ in range(3):
            service.ask(review(pod(podmeta_inject="true"), name="web"))
        first, second, third = [service.line("review") for _ in range(3)]
        assert (first["outcome"], first["name"], first["remembered"]) == ("patched", "web", False)
        assert (second["remembered"], third["remembered"]) == (False, True)
        name = 'podmeta_reviews_total{door="pod",outcome="patched",reason="injected"}'
        assert service.metric(name) == service.metric("podmeta_review_seconds_count") == 3
        assert service.health("/nothing")[0] == 404


def test_dev_prints_a_ca_with_which_it_can_be_reached_under_every_name() -> None:
    with launched("--dev", "--dev-names=podmeta.system.svc", "--drain-seconds=0") as process:
        try:
            assert process.stdout is not None
            lines = [json.loads(process.stdout.readline()) for _ in range(2)]
            printed = next(line for line in lines if "caBundle" in line)
            port = urlsplit(printed["address"]).port or 0
            context = ssl.create_default_context(cadata=base64.b64decode(printed["caBundle"]).decode())
            for name in ("localhost", "podmeta.system.svc"):
                with wired(port, context, name) as wire:
                    wire.send(post(BODY))
                    assert wire.answer().code == 200
        finally:
            process.terminate()
        assert process.wait(TIMEOUT) == 0


def test_usage_errors_end_with_two() -> None:
    process = subprocess.run(command("--port=x", "--dev"), capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert process.stderr.startswith("podmeta serve: --port (PODMETA_PORT): 'x': Input should be a valid integer")


@pytest.mark.parametrize("with_ca", [False, True], ids=["a certificate", "and its CA"])
def test_what_others_need_is_not_imported(
    with_ca: bool, tmp_path: Path, authority: Authority, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is imported stays in memory for as long as the service runs."""
    ca = tmp_path / "ca.crt"
    ca.write_bytes(authority.certificate)
    flags = [f"--tls-ca-file={ca}", "--service-names=localhost"] if with_ca else []
    with started(tmp_path, authority, *flags, env={"PYTHONPROFILEIMPORTTIME": "1"}) as service:
        assert service.ask(BODY).code == 200
        for path in ("/healthz", "/readyz", "/metrics"):
            assert service.health(path)[0] == 200
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in capfd.readouterr().err.splitlines()}
    assert imported >= {"fastapi", "uvicorn", "webhook"}
    assert imported & OTHERS == set()
