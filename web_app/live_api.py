"""``/api/v1/live``: what happens to calls, as Server-Sent Events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from waybell.callbacks.values import RefusedError
from waybell.live.clients import FullError
from web_app import examples
from web_app.auth import (
    Authenticate,
    Bearer,
    ForbiddenNetworkError,
    Needs,
    TooManyGuessesError,
    UnauthorizedError,
)
from web_app.problems import ProblemError

PREFIX = "/api/v1"

_MEDIA_TYPE = "text/event-stream"
_CHECK_SECONDS = 5.0
_RETRY_SECONDS = 5
_AGAIN_MS = 1000
_EXAMPLE = (
    "event: call.started\nid: 1763768204854863.171.1.1763768204854863.0\n"
    'data: {"id":"pbx1-1763768204.0/1763768204854863/started","type":"call.started",'
    '"time":"2025-11-21T23:36:44.854863Z","complete":true,"call":{"id":"pbx1-1763768204.0","status":"in_progress"}}\n\n'
)
_DESCRIPTION = (
    "The stream. Events: `snapshot` (all calls under way, first), `call.started`, `call.routed`, `call.answered`, "
    "`call.ended`, `call.missed`, `feedback.received`, `call.joined` (it is part of the call `into` from now on); "
    "`reset` when what was missed can no longer be told: load the journal again. "
    "Each holds the call as `GET /calls/{id}` shows it. The same event may come twice: its `id` in `data` is the same."
)


class Live(Protocol):
    """What the stream is made of."""

    def enter(self) -> None:
        """One more looks. Raises :class:`waybell.live.clients.FullError`."""
        ...

    def leave(self) -> None:
        """One looks no longer."""
        ...

    def stream(self, last_event_id: str = "") -> AsyncIterator[bytes]:
        """The events; an empty piece now and then."""
        ...

    async def close(self) -> None:
        """Ends every stream."""
        ...


_SCOPES = ("operator", "supervisor", "admin")
Token = Annotated[Bearer, Depends(Needs(*_SCOPES))]
LastEventId = Annotated[
    str,
    Header(alias="Last-Event-ID", max_length=100, description="The id of the last event that came: goes on behind it"),
]


def live_router() -> APIRouter:
    """The route. The application's state holds ``live`` and ``authenticate``."""
    router = APIRouter(prefix=PREFIX, tags=["calls"])
    content = {"schema": {"type": "string"}, "examples": {"started": {"value": _EXAMPLE}}}
    stream: dict[str, Any] = {"description": _DESCRIPTION, "content": {_MEDIA_TYPE: content}}
    problems = examples.problems(*examples.COMMON, "invalid-request", "too-many-streams")
    responses: examples.Responses = {200: stream, **problems}
    router.add_api_route(
        "/live",
        get_live,
        methods=["GET"],
        status_code=200,  # FastAPI reads it off the response class, where this one has none
        responses=responses,
        response_class=EventStream,
    )
    return router


async def get_live(request: Request, token: Token, last_event_id: LastEventId = "") -> EventStream:
    """What happens to calls, as it happens, for as long as the token is good and the client reads."""
    live: Live = request.app.state.live
    try:
        live.enter()
    except FullError:
        detail = f"As many streams are open as may be; try again in {_RETRY_SECONDS} s."
        wait = {"Retry-After": str(_RETRY_SECONDS)}
        raise ProblemError("too-many-streams", 503, "Too many streams", detail, wait) from None
    return EventStream(_while_allowed(live.stream(last_event_id), _still_allowed(request, token)), live.leave)


class EventStream(StreamingResponse):
    """Server-Sent Events, as they come. ``leave`` is called at the end, whatever ended it."""

    media_type = _MEDIA_TYPE

    def __init__(self, pieces: AsyncIterator[bytes], leave: Callable[[], None]) -> None:
        # Proxies are not to gather what is to be seen at once.
        super().__init__(pieces, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


async def _while_allowed(pieces: AsyncIterator[bytes], allowed: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    clock = asyncio.get_running_loop().time
    asked = clock()
    yield f"retry: {_AGAIN_MS}\n\n".encode()
    async for piece in pieces:
        if clock() - asked >= _CHECK_SECONDS:
            if not await allowed():
                return
            asked = clock()
        if piece:
            yield piece


def _still_allowed(request: Request, token: Bearer) -> Callable[[], Awaitable[bool]]:
    """Whether the token still is what it was. A store that gives no answer takes nobody's stream away."""
    authenticate: Authenticate = request.app.state.authenticate
    text = request.headers["Authorization"].partition(" ")[2].strip()
    peer = request.client.host if request.client else ""

    async def ask() -> bool:
        try:
            return await authenticate(text, peer) == token
        except (UnauthorizedError, ForbiddenNetworkError, TooManyGuessesError):
            return False
        except RefusedError:
            return True

    return ask
