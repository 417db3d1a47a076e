"""Start, watch and end of the process, as far as they can be seen without one."""

import errno
import socket
import ssl
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from certs import CertificateAuthority
from tests.kube.pki import Authority
from webhook.server import run as run_module
from webhook.server.connection import Connection
from webhook.server.listen import address, bind, server
from webhook.server.logs import Lines, Log
from webhook.server.offered import Material
from webhook.server.run import HEAD_START, Cluster, Process, run
from webhook.server.settings import Settings, read_settings
from webhook.server.tls import Files, Tls


def read(*arguments: str) -> Settings:
    found = read_settings(["--host=127.0.0.1", "--health-host=127.0.0.1", "--port=0", "--health-port=0", *arguments])
    assert isinstance(found, Settings), found
    return found


def pair(folder: Path) -> list[str]:
    certificate, key = Authority().issue("podmeta", hosts=("localhost",)).write(folder, "tls")
    return [f"--tls-cert-file={certificate}", f"--tls-key-file={key}"]


def test_everything_that_stops_a_start_is_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A certificate that is not there, and a port that is taken; exit code 2 for both."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        gone = tmp_path / "gone.crt"
        code = run(read(f"--tls-cert-file={gone}", f"--tls-key-file={gone}", f"--port={port}"))
    assert code == 2
    certificate, taken_port = capsys.readouterr().err.splitlines()
    assert certificate == f"podmeta serve: {gone} cannot be read: No such file or directory"
    assert taken_port.startswith(
        f"podmeta serve: cannot listen on 127.0.0.1:{port}: Address already in use; accepted: "
    )


def test_a_pair_that_is_none_stops_a_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = pair(tmp_path)
    (tmp_path / "tls.key").write_bytes(Authority().issue("other").key)
    assert run(read(*arguments)) == 2
    assert "the key does not belong to the certificate" in capsys.readouterr().err


def test_a_throw_away_ca_needs_its_client_ca(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(read("--dev", f"--tls-client-ca-file={tmp_path / 'gone'}")) == 2
    assert capsys.readouterr().err == f"podmeta serve: {tmp_path / 'gone'} cannot be read: No such file or directory\n"


def test_the_certificates_files_are_judged_once_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused is said once, not at every look."""
    settings = read(*pair(tmp_path))
    certificate, key = settings.tls_cert_file, settings.tls_key_file
    assert certificate
    assert key
    files = Files(certificate, key, None, None)
    process = Process(settings, Log(Lines()), Tls(ask_clients=False), files)
    said: list[list[str]] = []
    monkeypatch.setattr(process._review_log, "reloaded", said.append)
    good = key.read_bytes()
    process.look(files)
    assert said == []
    key.write_bytes(b"half")
    process.look(files)
    process.look(files)
    assert len(said) == 1
    assert "the key is not PEM" in said[0][0]
    key.write_bytes(good)
    process.look(files)
    assert said[1:] == [[]]
    page = process.metrics.page()[0].decode()
    assert 'podmeta_certificate_reloads_total{result="served"} 1.0' in page
    assert 'podmeta_certificate_reloads_total{result="refused"} 1.0' in page


def test_no_host_means_every_address_and_a_url_that_works_here() -> None:
    listening = bind("", 0)
    assert isinstance(listening, socket.socket)
    with listening:
        url = address("https", listening)
        assert url.startswith("https://127.0.0.1:")
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))).close()


def test_where_ipv6_is_switched_off_ipv4_does(monkeypatch: pytest.MonkeyPatch) -> None:
    create_server = socket.create_server

    def without_ipv6(where: tuple[str, int], **more: object) -> socket.socket:
        if more:
            raise OSError(errno.EADDRNOTAVAIL, "no IPv6")
        return create_server(where)

    monkeypatch.setattr(socket, "create_server", without_ipv6)
    listening = bind("", 0)
    assert isinstance(listening, socket.socket)
    with listening:
        assert listening.family is socket.AF_INET


def test_an_ipv6_address_is_bracketed() -> None:
    listening = bind("::1", 0)
    if isinstance(listening, str):
        pytest.skip("this machine has no IPv6")
    with listening:
        assert address("http", listening).startswith("http://[::1]:")


def test_an_address_that_is_not_ours_is_a_sentence() -> None:
    found = bind("192.0.2.1", 0)
    assert isinstance(found, str)
    assert found.startswith("cannot listen on 192.0.2.1:0: ")
    assert isinstance(bind("no-such-host.invalid", 0), str)


def test_uvicorn_is_configured_as_the_settings_say(tmp_path: Path) -> None:
    settings = read("--keep-alive=123", "--shutdown-grace=7", *pair(tmp_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    config = server(lambda: None, settings, context).config
    config.load()
    assert (config.timeout_keep_alive, config.timeout_graceful_shutdown) == (123, 7)
    assert config.http_protocol_class is Connection
    assert config.ssl is context
    assert not config.access_log
    plain = server(lambda: None, settings, None).config
    plain.load()
    assert plain.ssl is None


def test_idle_connections_outlive_the_api_servers() -> None:
    assert read("--dev").keep_alive > 90


def test_a_certificate_that_came_too_early_is_taken_when_its_time_has_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files do not change again; a clock of the issuer that is ahead must not cost the renewal."""
    settings = read(*pair(tmp_path))
    certificate, key = settings.tls_cert_file, settings.tls_key_file
    assert certificate
    assert key
    tls, files = Tls(ask_clients=False), Files(certificate, key, None, None)
    process = Process(settings, Log(Lines()), tls, files)
    assert tls.offer(Material(certificate.read_bytes(), key.read_bytes()), run_module.now()) == []
    before = tls.expires()
    early = run_module.now() + timedelta(hours=5)
    served = CertificateAuthority.issue(early).serving(["localhost"], early)
    certificate.write_bytes(served.pem)
    key.write_bytes(served.key_pem)
    process.look(files)
    assert tls.expires() == before
    monkeypatch.setattr(run_module, "now", lambda: early)
    process.look(files)
    assert tls.expires() == served.certificate.not_valid_after_utc.timestamp()


def test_a_new_certificate_waits_for_the_ca_bundle_that_this_service_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose API servers would refuse it until then; but nothing waits where what is served is refused already."""

    async def keep(_offer: object, _say: object) -> None:
        raise AssertionError("nobody runs it")

    settings = read(*pair(tmp_path))
    certificate, key = settings.tls_cert_file, settings.tls_key_file
    assert certificate
    assert key
    tls, files = Tls(ask_clients=False), Files(certificate, key, None, None)
    process = Process(settings, Log(Lines()), tls, files, Cluster(keep))
    began = run_module.now()
    assert tls.offer(Material(certificate.read_bytes(), key.read_bytes()), began) == []

    def renew(now: datetime, *, days: int) -> float:
        served = CertificateAuthority.issue(now).serving(["localhost"], now, lifetime=timedelta(days=days))
        certificate.write_bytes(served.pem)
        key.write_bytes(served.key_pem)
        monkeypatch.setattr(run_module, "now", lambda: now)
        process.look(files)
        return served.certificate.not_valid_after_utc.timestamp()

    before, following = tls.expires(), renew(began, days=1)
    assert tls.expires() == before
    monkeypatch.setattr(run_module, "now", lambda: began + HEAD_START)
    process.look(files)
    assert tls.expires() == following
    assert renew(began + timedelta(days=2), days=1) == tls.expires()
