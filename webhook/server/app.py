"""The ASGI application: two doors, and FastAPI behind them for every other request.

Rule: an error is a sentence in the form that its reader understands; and a connection whose body was not read to its
      end is closed, so that nobody can keep us reading what will be thrown away.
Strategy: the doors are answered ahead of FastAPI's router, which costs more than the engine behind them. The router
      knows the same doors as routes, so that it answers 405 with Allow for them and 404 for what it does not know.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import perf_counter

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route

from webhook.inject.question import Door
from webhook.server.answer import status
from webhook.server.body import Patience, Receive, Refusal, Scope, Send, read
from webhook.server.review import Decide, Foresee, Review, Reviewer, foreseen

DOORS = {"/mutate": Door.POD, "/mutate/namespace": Door.NAMESPACE}
REMEMBERED = 16 * 1024 * 1024  # bytes: several thousand shapes of pods
BODY_TIMEOUT = 10.0  # seconds; the API server waits 10 by default and 30 at most (timeoutSeconds)

_JSON = (b"content-type", b"application/json")
_CLOSE = (b"connection", b"close")
Observe = Callable[[Review, float], None]
ObserveRefusal = Callable[[Refusal, str], None]


class Application:
    """`decide` is the pure core with its Defaults. Observers are told what was answered after it was answered."""

    def __init__(self, decide: Decide, *, remember: int = REMEMBERED, body_timeout: float = BODY_TIMEOUT) -> None:
        self.draining = False  # then an answer is the last on its connection
        self.in_flight = 0
        self.observers: list[Observe] = []
        self.refusal_observers: list[ObserveRefusal] = []
        self.foresee: Foresee | None = None  # where the installer wants it
        self.reviewer = Reviewer(decide, remember)
        self.patience = Patience(body_timeout)
        self._doorways = {path: Doorway(self, path, door) for path, door in DOORS.items()}
        self._router = router(self._doorways, self.refused)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        doorway = self._doorways.get(scope["path"]) if scope["type"] == "http" else None
        if doorway is not None and scope["method"] == "POST":
            await doorway(scope, receive, send)
        else:
            await self._router(scope, receive, send)

    def reviewed(self, review: Review, seconds: float) -> None:
        """Tell the observers of a review."""
        for observe in self.observers:
            observe(review, seconds)

    def refused(self, refusal: Refusal, path: str) -> None:
        """Tell the observers of a request that was no review."""
        for observe in self.refusal_observers:
            observe(refusal, path)


class Doorway:
    """One door as an ASGI application of its own."""

    def __init__(self, application: Application, path: str, door: Door) -> None:
        self._application = application
        self._path = path
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        application = self._application
        started = perf_counter()
        application.in_flight += 1
        try:
            body = await read(scope, receive, application.patience)
            if isinstance(body, bytes):
                review = application.reviewer.review(body, self._door)
                if application.foresee is not None and review.answer.ambassador:
                    review = await foreseen(review, application.foresee)
                await _send(send, review.status, review.body, close=application.draining)
                application.reviewed(review, perf_counter() - started)
            elif body is not None:
                await _send(send, body.code, status(body.code, body.reason, body.message), close=True)
                application.refused(body, self._path)
        finally:
            application.in_flight -= 1


async def _send(send: Send, code: int, body: bytes, *, close: bool) -> None:
    length = (b"content-length", b"%d" % len(body))
    headers = [_JSON, length, _CLOSE] if close else [_JSON, length]
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def router(doorways: Mapping[str, Doorway], refused: ObserveRefusal) -> FastAPI:
    """The FastAPI application behind the doors. Its own documentation pages are off: the API server reads none."""
    app = FastAPI(title="podmeta", openapi_url=None, redirect_slashes=False)
    app.router.routes.extend(Route(path, doorway, methods=["POST"]) for path, doorway in doorways.items())
    speak_kubernetes(app, refused)
    return app


def speak_kubernetes(app: FastAPI, refused: ObserveRefusal) -> None:
    """Make FastAPI's own errors a metav1.Status with a sentence."""

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
        path, allowed = request.url.path, (error.headers or {}).get("Allow")
        if allowed:
            refusal = Refusal(
                405, "MethodNotAllowed", f"{request.method} is not accepted at {path}; accepted: {allowed}"
            )
        else:
            known = ", ".join(getattr(route, "path", "") for route in app.routes)
            phrase = HTTPStatus(error.status_code).phrase.replace(" ", "")
            refusal = Refusal(error.status_code, phrase, f"there is nothing at {path}; accepted: {known}")
        refused(refusal, path)
        content = status(refusal.code, refusal.reason, refusal.message)
        headers = {**(error.headers or {}), "Connection": "close"}
        return Response(content, refusal.code, headers, media_type="application/json")

    app.add_exception_handler(HTTPException, refuse)
