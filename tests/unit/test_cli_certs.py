"""podmeta certs: what it writes, what it shows, what it refuses. The cluster's part is in tests/apiserver."""

import json
import ssl
import stat
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from certs import CertificateAuthority
from tests.service import dev_service
from webhook.cli.main import app

NAME = "podmeta.podmeta.svc"


def podmeta(*arguments: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(app, ["certs", *map(str, arguments)], input=stdin)


def test_a_folder_gets_a_pair_that_its_ca_vouches_for(tmp_path: Path) -> None:
    made = podmeta("issue", "--name", NAME, "--name", "127.0.0.1", "--out", tmp_path / "new")
    assert made.exit_code == 0, made.output
    new = tmp_path / "new"
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in new.iterdir()} == {
        "tls.crt": 0o644, "ca.crt": 0o644, "tls.key": 0o600, "ca.key": 0o600,
    }  # fmt: skip
    checks = ("--key", new / "tls.key", "--ca", new / "ca.crt", "--name", NAME, "--name", "127.0.0.1")
    shown = podmeta("inspect", new / "tls.crt", *checks)
    assert (shown.exit_code, "nothing is wrong with it" in shown.output) == (0, True)


def test_another_certificate_of_the_same_ca(tmp_path: Path) -> None:
    podmeta("issue", "--name", NAME, "--out", tmp_path / "first")
    ca = (tmp_path / "first" / "ca.crt", tmp_path / "first" / "ca.key")
    made = podmeta("issue", "--name", "other.svc", "--ca", *ca, "--out", tmp_path / "second", "--lifetime", "1h")
    assert made.exit_code == 0, made.output
    assert not (tmp_path / "second" / "ca.key").exists()
    shown = podmeta("inspect", tmp_path / "second" / "tls.crt", "--ca", ca[0], "--name", "other.svc", "-o", "json")
    (one,) = json.loads(shown.stdout)
    assert one["problems"] == []
    (facts,) = one["certificates"]
    life = datetime.fromisoformat(facts["not_after"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < life <= timedelta(hours=1)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "tls.key").write_text("precious")
    made = podmeta("issue", "--name", NAME, "--out", tmp_path)
    assert (made.exit_code, "there already" in made.output) == (2, True)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("tls.key", "precious")]


def test_a_secret_as_kubernetes_wants_it() -> None:
    made = podmeta("issue", "--name", NAME, "--secret", "podmeta/tls")
    secret = YAML(typ="safe").load(made.stdout)
    assert (secret["type"], secret["metadata"]) == ("kubernetes.io/tls", {"name": "tls", "namespace": "podmeta"})
    data = {name: b64decode(text) for name, text in secret["data"].items()}
    assert data.keys() == {"tls.crt", "tls.key", "ca.crt"}
    assert "not kept" in made.stderr
    assert podmeta("inspect", "-", stdin=data["tls.crt"].decode()).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--out", "x"), "Missing option '--name'"),
        (("--name", NAME), "accepted: --out DIR, or --secret"),
        (("--name", NAME, "--out", "x", "--secret", "y"), "accepted: --out DIR, or --secret"),
        (("--name", "Not_DNS", "--out", "x"), "--name Not_DNS: accepted: a DNS name"),
        (("--name", NAME, "--secret", "a/b/c"), "--secret a/b/c: no name of a Secret"),
        (("--name", NAME, "--out", "x", "--lifetime", "1d"), "--lifetime 1d: not a duration"),
        (("--name", NAME, "--out", "x", "--ca-lifetime", "0s"), "--ca-lifetime 0s: no time at all"),
        (("--name", NAME, "--out", "x", "--ca", "no.crt", "no.key"), "--ca no.crt: No such file"),
    ],
)
def test_what_cannot_be_issued_is_said(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        made = podmeta("issue", *arguments)
    assert made.exit_code == 2
    assert said in " ".join(made.output.split()).replace("│ ", "")
    assert list(tmp_path.iterdir()) == []


def test_every_problem_of_a_certificate_is_shown(tmp_path: Path) -> None:
    """Expired, for another name, of another CA, and with a key that is not its own."""
    then = datetime.now(UTC) - timedelta(days=100)
    old, stranger = CertificateAuthority.issue(then), CertificateAuthority.issue(then)
    files = {"tls.crt": old.serving(["other.svc"], then).pem, "tls.key": stranger.key_pem, "ca.crt": stranger.pem}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    checks = ("--key", tmp_path / "tls.key", "--ca", tmp_path / "ca.crt", "--name", NAME)
    shown = podmeta("inspect", tmp_path / "tls.crt", *checks, "-o", "json")
    assert shown.exit_code == 1
    (one,) = json.loads(shown.stdout)
    words = ("expired at", f"does not cover {NAME}", "no CA that is given", "the key does not belong")
    assert [any(word in problem for problem in one["problems"]) for word in words] == [True] * 4
    assert len(one["problems"]) == 4


def test_a_bundle_of_cas_is_judged_by_its_times(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    young, old = CertificateAuthority.issue(now), CertificateAuthority.issue(now - timedelta(days=400))
    (tmp_path / "ca.crt").write_bytes(young.pem + old.pem)
    shown = podmeta("inspect", tmp_path / "ca.crt", "-o", "json")
    (one,) = json.loads(shown.stdout)
    assert len(one["certificates"]) == 2
    (problem,) = one["problems"]
    assert problem.startswith(f"serial {old.certificate.serial_number:x}: the certificate expired at")


@pytest.mark.parametrize(("content", "said"), [("", "there is no certificate"), ("garbage", "not a bundle")])
def test_what_is_no_certificate_is_a_finding(content: str, said: str) -> None:
    shown = podmeta("inspect", "-", stdin=content)
    assert (shown.exit_code, said in shown.output) == (1, True)


def test_what_a_server_shows(tmp_path: Path) -> None:
    with dev_service() as service:
        place = f"localhost:{service.port}"
        (tmp_path / "ca.crt").write_text(service.ca_pem)
        good = podmeta("inspect", "--connect", place, "--ca", tmp_path / "ca.crt", "--name", "localhost")
        bad = podmeta("inspect", "--connect", place, "--name", NAME)
    assert good.exit_code == 0, good.output
    assert (bad.exit_code, f"does not cover {NAME}" in bad.output) == (1, True)
    gone = podmeta("inspect", "--connect", place)
    assert (gone.exit_code, "no TLS connection" in gone.output) == (1, True)


@pytest.mark.parametrize("arguments", [(), ("--connect", "nowhere"), ("--secret", "alone"), ("missing.pem",)])
def test_what_cannot_be_inspected_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    assert podmeta("inspect", *arguments).exit_code == 2


def test_without_a_cluster_rotate_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("{}")
    cluster = "clusters: [{name: c, cluster: {server: 'https://localhost:1'}}]"
    context = "contexts: [{name: c, context: {cluster: c}}]"
    (tmp_path / "nobody").write_text(f"{cluster}\n{context}\ncurrent-context: c\n")
    for kubeconfig in ("missing", "empty", "nobody"):
        made = podmeta("rotate", "--kubeconfig", tmp_path / kubeconfig)
        assert (made.exit_code, "accepted: one of a cluster that kubectl reaches" in made.output) == (2, True)


def test_ssl_reads_what_was_written(tmp_path: Path) -> None:
    """OpenSSL, whose reading is not ours."""
    podmeta("issue", "--name", NAME, "--out", tmp_path / "new")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "new" / "tls.crt", tmp_path / "new" / "tls.key")
    context.load_verify_locations(tmp_path / "new" / "ca.crt")
    assert context.get_ca_certs()[0]["subject"] == ((("commonName", "podmeta CA"),),)
