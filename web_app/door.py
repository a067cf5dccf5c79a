"""The web door's bound: how many connections it holds, and for how long without a request.

Uvicorn bounds requests only. A connection that never sends one would stay for ever, and enough of them would take the
file descriptors that calls need. Nor does it bound a request's head, or how long a peer may leave an answer unread.
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
_MOST_HEAD = 32_768


class Door:
    """Holds at most ``most`` connections: beyond it the one that has been without a request for longest gives way."""

    def __init__(self, most: int, request_seconds: float) -> None:
        """``request_seconds``: how long a connection may stay without a whole request head, or leave answers unread."""
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
        """``visit`` has asked for something, body and all, or is gone."""
        self._idle.pop(visit, None)

    def _complain(self) -> None:
        now = time.monotonic()
        if now - self._said >= _SAY_AGAIN_SECONDS:
            self._said = now
            _log.warning("the web door is full: connections without a request give way", connections=self.most)


class Visit(HttpToolsProtocol):
    """One connection. It ends when no whole request head comes in time, from its beginning and after each answer.

    Until the last byte of a request's body has come it is one of those that give way.
    """

    def __init__(self, door: Door, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._door = door
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._unparsed = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """A connection has come."""
        super().connection_made(transport)
        self._wait_for_a_request()
        self._door.enter(self, len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._door.busy(self)
        self._asked()
        self._read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something has come. What is neither a whole head nor body, nor a whole trailer, is kept by the parser."""
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > _MOST_HEAD:
            self.leave()

    def pause_writing(self) -> None:
        """The peer does not read what it asked for."""
        super().pause_writing()
        self._read()
        self._unread = self.loop.call_later(self._door.request_seconds, self.leave)

    def resume_writing(self) -> None:
        """It has read most of it."""
        self._read()
        super().resume_writing()

    def on_headers_complete(self) -> None:
        """A whole request head has come."""
        self._unparsed = 0
        self._asked()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body has come."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A whole request has come."""
        self._unparsed = 0
        super().on_message_complete()
        if not self.cycle.response_complete:  # else it is the rest of one that was answered before its end
            self._door.busy(self)

    def on_response_complete(self) -> None:
        """The answer is out; another request may come."""
        super().on_response_complete()
        if not self.transport.is_closing() and self.cycle.response_complete:
            self._wait_for_a_request()
            self._door.idle(self)

    def leave(self) -> None:
        """Ends the connection at once."""
        self._door.busy(self)
        self._asked()
        self.transport.abort()

    def _wait_for_a_request(self) -> None:
        self._asked()
        self._deadline = self.loop.call_later(self._door.request_seconds, self.leave)

    def _asked(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
