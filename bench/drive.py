"""The load: bench/load, on the last processor, as a function."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from bench import programs
from bench.running import pinned


class Load(NamedTuple):
    """What the load saw. Latencies are in microseconds; `dialled`: connections opened, a TLS handshake each."""

    requests: int
    failed: int
    dialled: int
    seconds: float
    rate: float
    p50: float
    p90: float
    p99: float
    p999: float
    max: float
    mean: float
    failure: str = ""
    reopened: tuple[float, ...] = ()


def drive(port: int, ca: Path, body: Path, mode: str, *, free: bool = False, **flags: Any) -> Load:
    """Runs the load to its end. `flags` are its own: connections=8, seconds=2, requests=..., rate=..., gaps=...

    `free`: on any processor.
    """
    with started(port, ca, body, mode, free=free, **flags) as process:
        return finished(process)


def started(port: int, ca: Path, body: Path, mode: str, *, free: bool = False, **flags: Any) -> subprocess.Popen[str]:
    """The load as a process that runs: several may at once."""
    command = [] if free else pinned(-1)
    command += [str(programs.go("load")), f"-address=127.0.0.1:{port}", f"-ca={ca}"]
    command += [f"-body={body}", f"-mode={mode}", *(f"-{name}={value}" for name, value in flags.items())]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> Load:
    """Waits for it and reads what it saw; an interrupted wait ends it."""
    try:
        output, _ = process.communicate()
    except BaseException:
        process.kill()
        raise
    if process.returncode != 0:
        raise RuntimeError(f"the load ended with code {process.returncode}")
    found = json.loads(output)
    return Load(**{**found, "reopened": tuple(sorted(found.get("reopened", ())))})
