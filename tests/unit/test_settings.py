"""The settings: every one from flag and variable, every error said at once, in sentences."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from certs import Lifetimes
from docs.generate import settings as pages
from webhook.inject.fields import PRESETS
from webhook.server.parsing import duration, pairs, parse_version
from webhook.server.settings import API_SERVER_IDLE, Settings, flag, read_settings, unknown, variable

PAIR = ["--tls-cert-file=tls.crt", "--tls-key-file=tls.key"]
# one value for each setting that is not its default: as text, and as it is read
OTHERS: dict[str, tuple[str, Any]] = {
    "host": ("127.0.0.1", "127.0.0.1"),
    "port": ("10250", 10250),
    "health_host": ("::1", "::1"),
    "health_port": ("9090", 9090),
    "certificates": ("files", "files"),  # the other one has a test of its own
    "service_names": ("a.b.svc, c", ("a.b.svc", "c")),
    "namespace": ("podmeta-system", "podmeta-system"),
    "ca_secret": ("podmeta-ca", "podmeta-ca"),
    "certificate_lifetime": ("1h30m", timedelta(minutes=90)),
    "ca_lifetime": ("720h", timedelta(days=30)),
    "owner": ("podmeta", "podmeta"),
    "webhook_configuration": ("podmeta", "podmeta"),
    "tls_cert_file": ("other.crt", Path("other.crt")),
    "tls_key_file": ("other.key", Path("other.key")),
    "tls_ca_file": ("ca.crt", Path("ca.crt")),
    "tls_client_ca_file": ("clients.crt", Path("clients.crt")),
    "dev": ("false", False),
    "dev_names": ("a.svc, b.svc", ("a.svc", "b.svc")),
    "on_invalid": ("warn", "warn"),
    "defaults": ("env=all,volume=false", {"env": "all", "volume": "false"}),
    "kubernetes_version": ("v1.28.4+k3s1", "v1.28.4+k3s1"),
    "ambassador_image": ("mirror.example/kubectl:1", "mirror.example/kubectl:1"),
    "ambassador_user": ("1000", 1000),
    "ambassador_requests": ("cpu=1m,memory=1Mi", {"cpu": "1m", "memory": "1Mi"}),
    "ambassador_limits": ('{"cpu": "2", "memory": "1Gi"}', {"cpu": "2", "memory": "1Gi"}),
    "foresight": ("true", True),
    "log_level": ("error", "error"),
    "log_format": ("console", "console"),
    "remember_bytes": ("0", 0),
    "body_timeout": ("0.5", 0.5),
    "keep_alive": ("91", 91),
    "drain_seconds": ("0", 0.0),
    "shutdown_grace": ("1", 1),
}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)


def read(*arguments: str) -> Settings:
    found = read_settings([*PAIR, *arguments])
    assert isinstance(found, Settings), found
    return found


def wrong(*arguments: str, pair: bool = True) -> list[str]:
    found = read_settings([*(PAIR if pair else []), *arguments])
    assert isinstance(found, list)
    return found


def test_the_table_above_is_whole() -> None:
    assert OTHERS.keys() == Settings.model_fields.keys()


@pytest.mark.parametrize("name", OTHERS)
def test_each_is_read_from_its_flag_and_from_its_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, value = OTHERS[name]
    if name not in ("dev", "foresight"):  # flags without a value
        assert getattr(read(f"{flag(name)}={text}"), name) == value
    given = [argument for argument in PAIR if not argument.startswith(flag(name))]
    monkeypatch.setenv(variable(name), text)
    found = read_settings(given)
    assert isinstance(found, Settings), found
    assert getattr(found, name) == value


PLACES = ["--service-names=a.b.svc", "--namespace=b", "--ca-secret=c", "--webhook-configuration=d"]


def test_self_managed_certificates_need_their_places_and_no_files() -> None:
    assert isinstance(read_settings(["--certificates=self-managed", *PLACES]), Settings)
    (missing,) = wrong("--certificates=self-managed", pair=False)
    assert missing.endswith("accepted: with --service-names, --namespace, --ca-secret, --webhook-configuration")
    (excluded,) = wrong("--certificates=self-managed", *PLACES)
    assert "exclude --tls-cert-file, --tls-key-file; accepted: one of them" in excluded


def test_a_flag_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODMETA_PORT", "1")
    assert read("--port=2").port == 2


def test_an_empty_variable_is_none() -> None:
    assert read().port == 8443


def test_every_setting_says_what_it_is() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_the_core_gets_what_was_set() -> None:
    core = read(
        "--on-invalid=warn",
        "--defaults=env=none,ambassador-port=9",
        "--kubernetes-version=1.28",
        "--ambassador-image=i",
        "--ambassador-user=7",
        "--ambassador-requests=cpu=1m,memory=2Mi",
    ).core()
    assert (core.deny_invalid, core.kubernetes, core.ambassador_image, core.ambassador_user) == (False, 28, "i", 7)
    assert (core.options.env, core.options.ambassador_port) == ((), 9)
    assert core.ambassador_requests == (("cpu", "1m"), ("memory", "2Mi"))
    assert read().core().options.env == PRESETS["standard"]


def test_defaults_take_comma_lists_repetition_and_json() -> None:
    """A comma ends a value only where the next key begins."""
    expected = {"env": "POD_IP,MINE=metadata.uid", "volume": "false"}
    text = "env=POD_IP,MINE=metadata.uid,volume=false"
    assert read(f"--defaults={text}").defaults == expected
    assert read("--defaults=env=POD_IP,MINE=metadata.uid", "--defaults=volume=false").defaults == expected
    assert read(f"--defaults={text.replace(',volume', ';volume')}").defaults == expected
    assert read('--defaults={"env": "POD_IP,MINE=metadata.uid", "volume": "false"}').defaults == expected
    assert pairs({"cpu": "1"}, ("cpu",)) == {"cpu": "1"}


def test_all_that_is_wrong_is_said_at_once_with_flag_value_and_what_is_accepted() -> None:
    found = wrong(
        "--port=99999", "--keep-alive=90", "--defaults=env=FOO,volume=maybe", "--on-invalid=shrug", "--body-timeout=0",
        pair=False,
    )  # fmt: skip
    starts = [line.partition(":")[0] for line in found]
    assert starts == [
        "--port (PODMETA_PORT)",
        "--dev (PODMETA_DEV)",
        "--on-invalid (PODMETA_ON_INVALID)",
        "--defaults (PODMETA_DEFAULTS)",
        "--defaults (PODMETA_DEFAULTS)",
        "--body-timeout (PODMETA_BODY_TIMEOUT)",
        "--keep-alive (PODMETA_KEEP_ALIVE)",
    ]
    assert "'99999': Input should be less than or equal to 65535" in found[0]
    assert "accepted: --tls-cert-file and --tls-key-file, or --dev" in found[1]
    assert "env: 'FOO': no such variable in the catalogue; accepted: " in found[3]
    assert 'volume: \'maybe\': not a boolean; accepted: "true" or "false"' in found[4]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--defaults=enf=all"], "enf: 'all': no such annotation; accepted: env, env-prefix"),
        (["--defaults=inject=true"], "inject: 'true': no such annotation"),
        (["--defaults=all"], "'all' is no KEY=VALUE; accepted: KEY=VALUE,KEY=VALUE, or JSON"),
        (["--defaults={"], "not JSON: "),
        (['--defaults={"volume": true}'], "the value of volume is not a string"),
        (["--ambassador-requests=cpu=10x,memory=1Mi"], "cpu: '10x' is no quantity"),
        (["--ambassador-requests=cpu=-1,memory=1Mi"], "cpu: '-1' is no quantity"),
        (["--ambassador-limits=cpu=1"], "memory missing; accepted: cpu=10m,memory=64Mi"),
        (['--ambassador-limits={"gpu": "1", "cpu": "1", "memory": "1"}'], "gpu is no resource"),
        (["--kubernetes-version=2.0"], "not a version of Kubernetes; accepted: such as 1.36"),
        (["--kubernetes-version=latest"], "not a version of Kubernetes"),
        (["--ambassador-user=0"], "greater than or equal to 1"),
        (["--ambassador-image=two words"], "String should match pattern"),
        (["--remember-bytes=-1"], "greater than or equal to 0"),
        (["--dev"], "exclude each other; accepted: one of them"),
    ],
)
def test_errors(arguments: list[str], expected: str) -> None:
    found = wrong(*arguments)
    assert len(found) == 1
    assert found[0].startswith(f"{arguments[0].partition('=')[0]} (") or "--dev (" in found[0]
    assert expected in found[0]


def test_half_a_pair_is_told_which_half() -> None:
    found = wrong(PAIR[0], pair=False)
    assert len(found) == 1
    assert "accepted: --tls-key-file, or --dev" in found[0]


@pytest.mark.parametrize(
    ("text", "minor"), [("1.36", 36), ("v1.9", 9), ("1.30+", 30), ("1.29.1-gke.100", 29), ("v1.28.4+k3s1", 28)]
)
def test_versions_as_providers_write_them(text: str, minor: int) -> None:
    assert parse_version(text) == minor


def test_keep_alive_is_longer_than_the_api_servers() -> None:
    """Whoever closes an idle connection first makes the other one send into it; it must not be us."""
    assert Settings.model_fields["keep_alive"].default > API_SERVER_IDLE == 90
    assert "greater than 90" in wrong("--keep-alive=90")[0]


def test_a_variable_that_kubernetes_made_for_a_service_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Service called podmeta sets PODMETA_PORT in every container of its namespace."""
    monkeypatch.setenv("PODMETA_PORT", "tcp://10.0.0.1:443")
    monkeypatch.setenv("PODMETA_HEALTH_PORT", "tcp://10.0.0.2:80")
    assert (read().port, read().health_port) == (8443, 8080)
    made = ["PODMETA_SERVICE_HOST", "PODMETA_SERVICE_PORT", "PODMETA_SERVICE_PORT_HTTPS", "PODMETA_PORT"]
    made += [f"PODMETA_PORT_443_TCP{rest}" for rest in ("", "_PROTO", "_PORT", "_ADDR")]
    made += ["PODMETA_WEBHOOK_SERVICE_HOST", "PODMETA_WEBHOOK_PORT_443_TCP_ADDR"]
    assert unknown(made) == []


def test_a_misspelt_variable_is_told() -> None:
    assert unknown(["PODMETA_DEFALTS", "PODMETA_XYZ", "PODMETA_DEFAULTS", "HOME"]) == [
        "PODMETA_DEFALTS is no setting; did you mean PODMETA_DEFAULTS?",
        "PODMETA_XYZ is no setting",
    ]


def test_what_is_issued_lives_as_long_as_with_the_other_verbs() -> None:
    fields = Settings.model_fields
    assert fields["certificate_lifetime"].default == Lifetimes.serving
    assert fields["ca_lifetime"].default == Lifetimes.authority


def test_help_lists_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_settings(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert [name for name in Settings.model_fields if f"  {flag(name)}" not in printed] == []
    assert "usage: podmeta serve" in printed


def test_an_unknown_flag_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_settings(["--prot=1"])
    assert ended.value.code == 2
    assert "--prot" in capsys.readouterr().err


def test_the_page_is_generated_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written once; `--check` tells a stale page from a fresh one and writes nothing."""
    path = tmp_path / "settings.md"
    monkeypatch.setattr(pages, "PATH", path)
    monkeypatch.setattr(sys, "argv", ["settings", "--check"])
    assert pages.main() == 1
    assert not path.exists()
    monkeypatch.setattr(sys, "argv", ["settings"])
    assert pages.main() == 0
    text = path.read_text()
    for name in Settings.model_fields:
        assert f"| `{name}` | `{variable(name)}` | `{flag(name)}` |" in text
    monkeypatch.setattr(sys, "argv", ["settings", "--check"])
    assert pages.main() == 0
    path.write_text(text + "x")
    assert pages.main() == 1


def test_no_verb_imports_another() -> None:
    """`podmeta --version` imports no web framework: start-up is paid for by whoever needs it."""
    others = ("fastapi", "uvicorn", "ruamel", "cryptography", "pydantic_settings")
    code = f"import sys, webhook.cli.main; print([name for name in {others} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("text", ["", "90", "1d", "1h 5m", "5m1h", "-1h"])
def test_what_is_no_duration_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="accepted: hours, minutes and seconds, such as 2160h or 1h30m"):
        duration(text)


def test_a_certificate_that_ends_before_anybody_could_follow_is_refused() -> None:
    found = wrong("--certificate-lifetime=119s", "--ca-lifetime=9m59s")
    assert [sentence.partition(" (")[0] for sentence in found] == ["--certificate-lifetime", "--ca-lifetime"]
    assert all("greater than or equal to" in sentence for sentence in found)
