"""Laws of the cache of programs. The `go` here is a script: what is built is of no interest, how often is."""

import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.kube import binaries
from tests.kube.binaries import ASSETS, CONTROL_PLANE, MODULES, Unavailable

GO = """#!/bin/sh
echo "$@" >> "$CALLS"
sleep 0.1
for word in "$@"; do
  if [ "$last" = -o ]; then echo program > "$word"; fi
  last=$word
done
exit ${GO_CODE:-0}
"""


@pytest.fixture(autouse=True)
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and a `go` that writes down how it was called."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(GO)
    go.chmod(go.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.delenv(ASSETS, raising=False)
    return tmp_path / "calls"


@pytest.mark.parametrize("name", ["kube/go.mod", "kube/go.sum", "runc/go.sum"])
def test_the_key_changes_with_every_file_that_pins_a_version(tmp_path: Path, name: str) -> None:
    modules = shutil.copytree(MODULES, tmp_path / "go")
    assert binaries.key(modules) == binaries.key()
    with (modules / name).open("a") as file:
        file.write("\n")
    assert binaries.key(modules) != binaries.key()


def test_the_key_changes_with_the_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    before = binaries.key()
    monkeypatch.setattr(binaries, "_FLAGS", ("-race",))
    assert binaries.key() != before


def test_several_at_once_build_each_program_once(calls: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        directories = set(pool.map(lambda _: binaries.build(), range(4)))
    assert len(directories) == 1
    assert len(calls.read_text().splitlines()) == len(CONTROL_PLANE)


def test_a_build_that_fails_leaves_no_program_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GO_CODE", "1")
    with pytest.raises(Unavailable, match="etcd could not be built"):
        binaries.build()
    assert not (binaries.cache() / "etcd").exists()


def test_the_version_is_stamped(calls: Path) -> None:
    binaries.find("kubectl")
    assert f"version.gitVersion={binaries.kubernetes_version()}" in calls.read_text()


def test_without_go_the_sentence_says_what_would_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"no `go` on PATH.*set KUBEBUILDER_ASSETS"):
        binaries.find("etcd")


def test_given_programs_are_used_and_only_the_others_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Path
) -> None:
    given = tmp_path / "assets" / "etcd"
    given.parent.mkdir()
    given.touch()
    monkeypatch.setenv(ASSETS, str(given.parent))
    found = binaries.find("etcd", "kubectl")
    assert found == {"etcd": given, "kubectl": binaries.cache() / "kubectl"}
    assert len(calls.read_text().splitlines()) == 1
