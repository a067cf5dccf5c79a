"""The HTTP door: is Waybell alive, is it ready, how is it doing; and the calls it is asked to place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from waybell.callbacks.ports import Callbacks
from waybell.calls.search_port import Journal
from waybell.feedback.store import FeedbackStore
from waybell.recordings.service import Recordings
from web_app import examples
from web_app.attempts_api import Attempts, attempts_router
from web_app.auth import Authenticate
from web_app.bodies import BodyLimits, BoundedBodies
from web_app.callbacks_api import callbacks_router
from web_app.calls_api import calls_router
from web_app.feedback_api import feedback_router
from web_app.live_api import Live, live_router
from web_app.missed_api import MissedCalls, missed_router
from web_app.problems import report_problems
from web_app.recordings_api import recordings_router
from web_app.stats_api import stats_router

Ready = Callable[[], Awaitable[dict[str, bool]]]


@dataclass(frozen=True, slots=True)
class Api:
    """What the API needs of others."""

    callbacks: Callbacks | None
    authenticate: Authenticate
    live: Live | None = None
    journal: Journal | None = None
    missed: MissedCalls | None = None
    recordings: Recordings | None = None
    feedback: FeedbackStore | None = None
    attempts: Attempts | None = None


def build_app(
    ready: Ready,
    registry: CollectorRegistry,
    version: str,
    api: Api | None = None,
    limits: BodyLimits = BodyLimits(),  # noqa: B008 -- a value
) -> FastAPI:
    """The application. ``ready`` tells, for each part of Waybell by name, whether it can do its work.

    Without ``api`` nothing can be asked of it but how it is doing.
    """
    app = _Documented(
        title="Waybell",
        version=version,
        description="Calls that Waybell places. Errors are problem documents (RFC 9457).",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        responses=examples.problems("body-too-large", "internal-error"),
    )
    report_problems(app)
    app.add_middleware(BoundedBodies, limits=limits)
    app.include_router(_health(ready, registry, version))
    if api is not None:
        app.state.callbacks, app.state.authenticate, app.state.live = api.callbacks, api.authenticate, api.live
        if api.callbacks is not None:
            app.include_router(callbacks_router())
        if api.journal is not None:
            app.state.journal, app.state.recordings = api.journal, api.recordings
            app.include_router(calls_router())
            app.include_router(stats_router())
            if api.recordings is not None:
                app.include_router(recordings_router())
        if api.feedback is not None:
            app.state.feedback = api.feedback
            app.include_router(feedback_router())
        if api.missed is not None:
            app.state.missed = api.missed
            app.include_router(missed_router())
        if api.attempts is not None:
            app.state.attempts = api.attempts
            app.include_router(attempts_router())
        if api.live is not None:
            app.include_router(live_router())
    return app


class _Documented(FastAPI):
    """FastAPI has no place for a schema that only errors use, and drops what is null from examples."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        document = super().openapi()
        examples.complete(document)
        return document


def _operation_id(route: APIRoute) -> str:
    return route.name


def _health(ready: Ready, registry: CollectorRegistry, version: str) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/", response_class=PlainTextResponse)
    async def root() -> str:
        """Says what this is."""
        return f"Waybell {version} is running. See /health/ready and /metrics.\n"

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """200 as long as the process answers."""
        return {"status": "live"}

    unready = {"description": "Some part cannot do its work", "content": {"application/json": {}}}

    @router.get("/health/ready", responses={503: unready})
    async def is_ready() -> JSONResponse:
        """200 when every part can do its work, else 503; says which cannot."""
        parts = await ready()
        return JSONResponse({"ready": all(parts.values()), "parts": parts}, 200 if all(parts.values()) else 503)

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
