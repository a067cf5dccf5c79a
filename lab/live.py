"""A client of ``GET /live``, as its users write them: plain HTTP, Server-Sent Events, ``Last-Event-ID``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from lab.changes import Changes


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the stream; ``at`` is the loop's time at which it came."""

    type: str
    id: str
    data: dict[str, Any]
    at: float

    @property
    def key(self) -> str:
        """The same each time the same thing is told."""
        return str(self.data.get("id", ""))

    @property
    def call(self) -> dict[str, Any]:
        """The call it is about."""
        found: dict[str, Any] = self.data["call"]
        return found


@dataclass(slots=True)
class Listener:
    """What has come so far. ``over`` once the server has ended the stream."""

    events: list[Event] = field(default_factory=list)
    comments: int = 0
    over: bool = False
    last_id: str = ""
    _changes: Changes = field(default_factory=Changes)

    def of(self, dialed: str) -> list[Event]:
        """The calls' events about calls to ``dialed``."""
        return [event for event in self.events if "call" in event.data and event.call["dialed"] == dialed]

    async def until(self, look: Callable[[Listener], object], deadline: float = 10.0) -> None:
        """Returns once ``look`` is true. Raises ``TimeoutError``."""
        await self._changes.until(
            lambda: look(self) or None, deadline, lambda: str([(event.type, event.key) for event in self.events])
        )

    async def ended(self, calls: int, deadline: float = 15.0) -> None:
        """Returns once ``calls`` calls have ended."""
        await self.until(lambda now: sum(event.type == "call.ended" for event in now.events) >= calls, deadline)

    async def read(self, lines: AsyncIterator[str]) -> None:
        """Takes the stream to its end."""
        parts: dict[str, str] = {}
        try:
            async for line in lines:
                if not line:
                    self._take(parts)
                    parts = {}
                elif line.startswith(":"):
                    self.comments += 1
                else:
                    name, _, value = line.partition(": ")
                    parts[name] = value
                self._changes.tell()
        except httpx2.HTTPError:
            pass
        self.over = True
        self._changes.tell()

    def _take(self, parts: dict[str, str]) -> None:
        if "data" not in parts:
            return
        now = asyncio.get_running_loop().time()
        self.last_id = parts.get("id", self.last_id)
        self.events.append(Event(parts.get("event", "message"), parts.get("id", ""), json.loads(parts["data"]), now))


@asynccontextmanager
async def listening(http: httpx2.AsyncClient, last_event_id: str = "") -> AsyncIterator[Listener]:
    """A stream that is being read, and has begun; ``http`` is a client of the API with a token."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    async with http.stream("GET", "/live", headers=headers, timeout=httpx2.Timeout(10, read=None)) as response:
        if response.status_code != 200:
            raise AssertionError(f"{response.status_code}: {(await response.aread()).decode()}")
        listener = Listener()
        reading = asyncio.create_task(listener.read(response.aiter_lines()))
        try:
            if not last_event_id:
                await listener.until(lambda now: now.events or now.over)
            yield listener
        finally:
            reading.cancel()
            await asyncio.wait({reading})
