"""The HTTP door, as far as it goes: is Waybell alive, is it ready, how is it doing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Ready = Callable[[], Awaitable[dict[str, bool]]]


def build_app(ready: Ready, registry: CollectorRegistry, version: str) -> FastAPI:
    """The application. ``ready`` tells, for each part of Waybell by name, whether it can do its work."""
    app = FastAPI(title="Waybell", version=version, docs_url=None, redoc_url=None)

    @app.get("/", response_class=PlainTextResponse)
    async def root() -> str:
        """Says what this is."""
        return f"Waybell {version} is running. See /health/ready and /metrics.\n"

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """200 as long as the process answers."""
        return {"status": "live"}

    @app.get("/health/ready")
    async def is_ready() -> JSONResponse:
        """200 when every part can do its work, else 503; says which cannot."""
        parts = await ready()
        return JSONResponse({"ready": all(parts.values()), "parts": parts}, 200 if all(parts.values()) else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app
