"""How large a request's body may be, and how long it may take to come.

Counted while it comes, so that one without Content-Length (chunked) is no way around it. The web server holds 64 KiB
of a body at most until it is asked for more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web_app.problems import problem_of_status


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """``most`` bytes in ``seconds`` from the end of the request's head."""

    most: int = 65_536
    seconds: float = 10.0


class BoundedBodies:
    """ASGI middleware: a larger body ends in 413 before it is read, one that trickles in 408."""

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _declared(scope) > self._limits.most:
            await problem_of_status(scope["path"], 413)(scope, receive, send)
        else:
            await self._app(scope, _Body(receive, self._limits).receive, send)


class _Body:
    """What is left of the time and the bytes of one body."""

    def __init__(self, receive: Receive, limits: BodyLimits) -> None:
        self._receive = receive
        self._left = limits.most
        self._deadline = asyncio.get_running_loop().time() + limits.seconds
        self._whole = False

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, headers={"Connection": "close"}) from None
        self._whole = not message.get("more_body", False)
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413)
        return message


def _declared(scope: Scope) -> int:
    """The length that the request's head promises; a number that is none promises too much."""
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 1 << 62
