"""A supervisor that keeps what it is told, for tests to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ari_app.access import Access
from ari_app.client import AriClient
from ari_app.delivery import Supervisor
from ari_app.events import ChannelDestroyed, Event
from ari_app.limits import Patience
from ari_app.listener import AriListener
from lab.changes import Changes


class Watcher:
    """``told`` is all of it in order: events, ``"connected"``, ``"lost: why"``."""

    def __init__(self) -> None:
        self.told: list[Event | str] = []
        self._changes = Changes()

    @property
    def events(self) -> list[Event]:
        """The events alone."""
        return [one for one in self.told if not isinstance(one, str)]

    @property
    def lost(self) -> list[str]:
        """Why connections were lost."""
        return [one.removeprefix("lost: ") for one in self.told if isinstance(one, str) and one.startswith("lost: ")]

    async def on_event(self, event: Event) -> None:
        """Keeps it."""
        self._keep(event)

    async def on_connected(self) -> None:
        """Keeps that."""
        self._keep("connected")

    async def on_lost(self, why: str) -> None:
        """Keeps that."""
        self._keep(f"lost: {why}")

    async def on_check(self) -> None:
        """Keeps that."""
        self._keep("check")

    async def until(self, look: Callable[[], Any], deadline: float = 10.0) -> Any:
        """The first true value of ``look``."""
        return await self._changes.until(look, deadline, lambda: f"told: {self.told}")

    async def connected(self, times: int = 1, deadline: float = 10.0) -> None:
        """Returns when it was told of so many connections."""
        await self.until(lambda: self.told.count("connected") >= times, deadline)

    def count(self, kind: type[Event]) -> int:
        """How many events of this kind came."""
        return sum(isinstance(one, kind) for one in self.told)

    async def counted(self, kind: type[Event], number: int, deadline: float = 10.0) -> None:
        """Returns when so many events of this kind have come."""
        await self.until(lambda: self.count(kind) >= number, deadline)

    async def destroyed(self, channel_id: str, deadline: float = 15.0) -> ChannelDestroyed:
        """The end of a channel."""

        def look() -> ChannelDestroyed | None:
            ends = (one for one in self.told if isinstance(one, ChannelDestroyed) and one.channel_id == channel_id)
            return next(ends, None)

        found: ChannelDestroyed = await self.until(look, deadline)
        return found

    def _keep(self, what: Event | str) -> None:
        self.told.append(what)
        self._changes.tell()


class Lines:
    """A log that keeps its lines."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.infos: list[str] = []

    def error(self, event: str, **details: Any) -> None:
        """Keeps it."""
        self.errors.append(f"{event} {details}")

    def info(self, event: str, **details: Any) -> None:
        """Keeps it."""
        self.infos.append(f"{event} {details}")


async def eventually(look: Callable[[], Any], deadline: float = 10.0) -> None:
    """Returns when ``look`` is true, for what tells nobody of its changes."""
    async with asyncio.timeout(deadline):
        while not look():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Listening:
    """A listener that runs."""

    listener: AriListener
    log: Lines
    stop: asyncio.Event
    task: asyncio.Task[None]


@asynccontextmanager
async def listening(
    access: Access,
    supervisor: Supervisor,
    patience: Patience | None = None,
    subscribe: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[Listening]:
    """Runs inside the block, and must end by itself after it."""
    log, stop = Lines(), asyncio.Event()
    async with AriClient(access) as client:
        listener = AriListener(access, supervisor, subscribe or client.subscribe, patience=patience, log=log)
        task = asyncio.create_task(listener.run(stop))
        try:
            yield Listening(listener, log, stop, task)
        finally:
            stop.set()
            await asyncio.wait_for(task, 10)
