"""What was measured where: versions and the machine, without any name or path of it."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.programs import HERE, KOPF

OURS = ("podmeta", "uvicorn", "uvloop", "httptools", "msgspec", "fastapi", "pydantic")
GO = ("k8s.io/api", "sigs.k8s.io/controller-runtime", "github.com/goccy/go-json")


def described() -> dict[str, Any]:
    """For the JSON of every run."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": {
            "processor": processor(),
            "processors": len(os.sched_getaffinity(0)),
            "memory GiB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
            "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        },
        "versions": versions(),
    }


def processor() -> str:
    """The model as Linux names it; its family and model where the name says too little."""
    text = Path("/proc/cpuinfo").read_text()
    found = dict(re.findall(r"^(model name|cpu family|model)\s*: (.*)$", text, re.MULTILINE))
    name = found.get("model name", platform.machine())
    return f"{name} (family {found['cpu family']}, model {found['model']})" if "cpu family" in found else name


def versions() -> dict[str, str]:
    modules = (HERE / "go.mod").read_text()
    kopf = re.search(r"^kopf==(\S+)", KOPF.read_text(), re.MULTILINE)
    required = {name: re.search(rf"^\s*{re.escape(name)} v(\S+)", modules, re.MULTILINE) for name in GO}
    found = {"Python": platform.python_version(), "Go": _go(), **{name: version(name) for name in OURS}}
    return found | {name: match[1] for name, match in [*required.items(), ("kopf", kopf)] if match}


def _go() -> str:
    done = subprocess.run(["go", "env", "GOVERSION"], text=True, capture_output=True, check=False)
    return done.stdout.strip().removeprefix("go") or "unknown"
