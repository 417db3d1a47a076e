"""What podmeta is measured against: the same uvicorn, the same TLS, another application.

`nothing` reads the body and answers a constant: the floor. `pydantic` is the webhook as FastAPI's own documentation
would have it written: models for the whole review, the same core behind them.
"""

import asyncio
import base64
import json
import sys
from datetime import UTC, datetime
from typing import Any

import uvloop
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from certs import CertificateAuthority
from webhook.api.review import AdmissionRequest, decode
from webhook.inject.mutate import Patched, decide
from webhook.inject.question import Door, question
from webhook.server.listen import address, bind, server
from webhook.server.settings import Settings
from webhook.server.tls import Material, Tls

ANSWER = b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"","allowed":true}}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
CORE = Settings(dev=True).core()


async def nothing(_: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")


class Container(Loose):
    name: str
    image: str | None = None
    env: list[dict[str, Any]] = []
    volumeMounts: list[dict[str, Any]] = []  # noqa: N815 - as the API spells it
    resources: dict[str, Any] = {}


class Spec(Loose):
    containers: list[Container]
    initContainers: list[Container] = []  # noqa: N815 - as the API spells it
    volumes: list[dict[str, Any]] = []


class Pod(Loose):
    metadata: dict[str, Any]
    spec: Spec


class Request(Loose):
    uid: str
    namespace: str
    operation: str
    resource: dict[str, str]
    object: Pod


class Review(Loose):
    apiVersion: str  # noqa: N815 - as the API spells it
    kind: str
    request: Request


def fastapi() -> FastAPI:
    app = FastAPI()

    @app.post("/mutate")
    def mutate(review: Review) -> dict[str, Any]:
        found = decode(json.dumps(review.model_dump()).encode())
        assert isinstance(found, AdmissionRequest)
        outcome = decide(question(found, Door.POD), CORE)
        response: dict[str, Any] = {"uid": review.request.uid, "allowed": True}
        if isinstance(outcome, Patched):
            response |= {"patchType": "JSONPatch", "patch": base64.b64encode(outcome.patch).decode()}
        return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}

    return app


async def serve(name: str) -> None:
    authority = CertificateAuthority.issue(datetime.now(UTC))
    served = authority.serving(("localhost",), datetime.now(UTC))
    tls = Tls(ask_clients=False)
    assert not tls.offer(Material(served.pem, served.key_pem, None, authority.pem), datetime.now(UTC))
    listening = bind("127.0.0.1", 0)
    assert not isinstance(listening, str)
    running = server({"nothing": nothing, "pydantic": fastapi()}[name], Settings(dev=True), tls.context)
    task = asyncio.create_task(running.serve([listening]))
    await running.up.wait()
    where = address("https", listening)
    said = {"address": where, "health": where, "caBundle": base64.b64encode(authority.pem).decode()}
    print(json.dumps(said), flush=True)
    await task


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
