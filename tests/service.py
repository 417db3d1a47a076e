"""`podmeta serve --dev` as a process of its own: for the demo, the real API server, and the benchmark."""

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

PATIENCE = 20.0  # seconds for the start, seconds for the end


@dataclass(frozen=True)
class Service:
    """A service that runs: its ports, the CA that it printed (PEM and base64), its process id and its log."""

    port: int
    health_port: int
    ca_bundle: str
    pid: int
    log: Path

    @property
    def ca_pem(self) -> str:
        return base64.b64decode(self.ca_bundle).decode()

    def metric(self, name: str) -> float:
        """A metric by its name with its labels; without them, the sum over all."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        found = [line.rpartition(" ")[::2] for line in lines if not line.startswith("#")]
        return sum(float(value) for labelled, value in found if name in (labelled, labelled.partition("{")[0]))


def dev_service(*flags: str) -> AbstractContextManager[Service]:
    """podmeta itself, on free ports."""
    command = [sys.executable, "-m", "webhook", "serve", "--dev", "--port=0", "--health-port=0", "--drain-seconds=0"]
    return service([*command, *flags])


@contextmanager
def service(command: Sequence[str]) -> Iterator[Service]:
    """Start it, wait until it says where it listens, end it by its process id."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PODMETA_")}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            yield _listening(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listening(process: subprocess.Popen[bytes], log: Path) -> Service:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        lines = [
            json.loads(line) for line in log.read_text().splitlines() if line.startswith("{") and line.endswith("}")
        ]
        said = next((line for line in lines if "caBundle" in line), None)
        if said:
            webhook, health = urlsplit(said["address"]).port, urlsplit(said["health"]).port
            return Service(int(webhook or 0), int(health or 0), said["caBundle"], process.pid, log)
        time.sleep(0.02)
    raise RuntimeError(f"podmeta serve did not start:\n{log.read_text()}")
