"""Laws of the programs that run beside a test."""

import os
import socket
import time
from pathlib import Path

import pytest

from tests.kube.processes import LOOPBACK, Failed, Port, Process, wait_until


def test_a_dead_program_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    process = Process(["sh", "-c", "seq 100; echo the cause >&2; exit 3"], tmp_path / "log")
    with pytest.raises(Failed) as caught:
        wait_until(lambda: False, [process], "nothing")
    lines = str(caught.value).splitlines()
    assert lines[0] == "sh ended with code 3; the last lines of its log:"
    assert lines[-1] == "the cause"
    assert "50" not in lines


def test_a_program_that_does_not_get_ready_is_reported_with_its_log(tmp_path: Path) -> None:
    process = Process(["sh", "-c", "echo still busy; sleep 60"], tmp_path / "log")
    try:
        with pytest.raises(Failed, match=r"(?s)an answer did not come within 0 s.*still busy"):
            wait_until(lambda: False, [process], "an answer", seconds=0.3)
    finally:
        process.kill()


def test_a_program_that_does_not_want_to_end_is_killed(tmp_path: Path) -> None:
    process = Process(["sh", "-c", "trap '' TERM; echo deaf; while true; do sleep 0.1; done"], tmp_path / "log")
    wait_until(lambda: "deaf" in process.tail(), [process], "the first line")
    began = time.monotonic()
    process.terminate(seconds=0.3)
    assert time.monotonic() - began < 10
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_held_port_is_refused_to_strangers_and_shared_with_the_program() -> None:
    with Port() as port, socket.socket() as stranger, socket.socket() as program, socket.socket() as client:
        with pytest.raises(OSError, match="in use"):
            stranger.bind((LOOPBACK, port.number))
        program.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        program.bind((LOOPBACK, port.number))
        program.listen()
        client.connect((LOOPBACK, port.number))
        accepted, _ = program.accept()
        accepted.close()
