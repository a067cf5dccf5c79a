"""The web door's bound: how many connections it holds, and for how long without a request.

Uvicorn bounds requests only. A connection that never sends one would stay for ever, and enough of them would take the
file descriptors that calls need.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_log = structlog.get_logger("web")

_SAY_AGAIN_SECONDS = 60.0


class Door:
    """Holds at most ``most`` connections: beyond it the one that has been without a request for longest gives way."""

    def __init__(self, most: int, request_seconds: float) -> None:
        """``request_seconds``: how long a connection may stay without a whole request head."""
        self.most = most
        self.request_seconds = request_seconds
        self._idle: dict[Visit, None] = {}  # in the order in which they became so
        self._said = -_SAY_AGAIN_SECONDS

    def protocol(self) -> Callable[..., asyncio.Protocol]:
        """What uvicorn makes a connection's protocol with."""
        return lambda **of_uvicorn: Visit(self, **of_uvicorn)

    def enter(self, visit: Visit, present: int) -> None:
        """``visit`` has come, and ``present`` are here with it."""
        if present > self.most:
            self._complain()
            next(iter(self._idle), visit).leave()
        self._idle[visit] = None

    def idle(self, visit: Visit) -> None:
        """``visit`` waits for a request again."""
        self._idle[visit] = None

    def busy(self, visit: Visit) -> None:
        """``visit`` has asked for something, or is gone."""
        self._idle.pop(visit, None)

    def _complain(self) -> None:
        now = time.monotonic()
        if now - self._said >= _SAY_AGAIN_SECONDS:
            self._said = now
            _log.warning("the web door is full: connections without a request give way", connections=self.most)


class Visit(HttpToolsProtocol):
    """One connection. It ends when no whole request head comes in time, from its beginning and after each answer."""

    def __init__(self, door: Door, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._door = door
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """A connection has come."""
        super().connection_made(transport)
        self._wait_for_a_request()
        self._door.enter(self, len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._asked()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """A whole request head has come."""
        self._asked()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """The answer is out; another request may come."""
        super().on_response_complete()
        if not self.transport.is_closing() and self.cycle.response_complete:
            self._wait_for_a_request()
            self._door.idle(self)

    def leave(self) -> None:
        """Ends the connection at once."""
        self._asked()
        self.transport.abort()

    def _wait_for_a_request(self) -> None:
        self._asked()
        self._deadline = self.loop.call_later(self._door.request_seconds, self.leave)

    def _asked(self) -> None:
        self._door.busy(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
