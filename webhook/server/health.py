"""The second port, plain HTTP, for the kubelet and Prometheus: /healthz, /readyz, /metrics.

Rule: alive means that the loop turns, nothing more: a restart helps against nothing else. Ready means that the next
      review would be answered to an API server that believes us.
Strategy: readiness is a list of sentences; ready is the empty list.
"""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Response
from fastapi.responses import PlainTextResponse

from webhook.server.app import ObserveRefusal, speak_kubernetes


def health(
    unready: Callable[[], Awaitable[list[str]]], metrics: Callable[[], tuple[bytes, str]], refused: ObserveRefusal
) -> FastAPI:
    """The application of the second port. `metrics` gives the page and its content type."""
    app = FastAPI(title="podmeta health", openapi_url=None, redirect_slashes=False)

    @app.get("/healthz")
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/readyz")
    async def readyz() -> PlainTextResponse:
        reasons = await unready()
        return PlainTextResponse("".join(f"{reason}\n" for reason in reasons), 503) if reasons else await healthz()

    @app.get("/metrics")
    async def exposition() -> Response:
        content, content_type = metrics()
        return Response(content, headers={"Content-Type": content_type})

    speak_kubernetes(app, refused)
    return app
