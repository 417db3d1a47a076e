"""The injection as a kopf operator has it, behind kopf's own admission server.

Rule: a handler changes `patch`, and kopf makes JSON Patch of it. kopf's patch is a merge patch, in which a list is
      replaced as a whole: the containers and volumes are written anew.
Strategy: `kopf run` also watches a cluster; here its server and its engine are put together without that, from the
      same pieces (kopf/_core/reactor/running.py). They are not public, so requirements.txt pins them.
"""

import argparse
import functools
import logging
from pathlib import Path
from typing import Any

import kopf
import uvloop
from kopf._cogs.structs.ephemera import Memo
from kopf._cogs.structs.references import Insights, Resource
from kopf._core.engines.admission import serve_admission_request
from kopf._core.engines.indexing import OperatorIndexers
from kopf._core.reactor.inventory import ResourceMemories

from bench.peers import downward

REGISTRY = kopf.OperatorRegistry()
PODS = Resource("", "v1", "pods", "Pod", "pod", namespaced=True)


# kopf takes the path of the request for the name of a handler.
@kopf.on.mutate("pods", id="mutate", operation="CREATE", annotations={downward.ANNOTATION: "true"}, registry=REGISTRY)
def inject(spec: kopf.Spec, patch: kopf.Patch, **_: Any) -> None:
    volumes = list(spec.get("volumes", ()))
    for kind in downward.KINDS:
        if containers := spec.get(kind):
            patch.spec[kind] = [downward.injected(container) for container in containers]
            volumes += [downward.volume(container["name"]) for container in containers]
    patch.spec["volumes"] = volumes


async def serve(port: int, certificate: Path, key: Path) -> None:
    answer = functools.partial(
        serve_admission_request,
        settings=kopf.OperatorSettings(),
        memories=ResourceMemories(),
        memobase=Memo(),
        registry=REGISTRY,
        insights=Insights(webhook_resources={PODS}),
        indices=OperatorIndexers().indices,
    )
    server = kopf.WebhookServer(addr="127.0.0.1", port=port, certfile=certificate, pkeyfile=key)
    async with server:
        async for _ in server(answer):
            pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tls-cert-file", type=Path, required=True)
    parser.add_argument("--tls-key-file", type=Path, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)  # kopf run --quiet
    uvloop.run(serve(given.port, given.tls_cert_file, given.tls_key_file))


if __name__ == "__main__":
    main()
