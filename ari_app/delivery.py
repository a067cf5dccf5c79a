"""Handing events on, one after another, without ever keeping the connection waiting.

Asterisk closes a websocket whose reader is slow, so what is read waits here, bounded, for whoever handles it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from ari_app.events import Event
from ari_app.limits import Counters, Patience
from ari_app.trouble import Trouble


class Supervisor(Protocol):
    """Who is told: one thing after another, in the order in which it happened. What it raises is logged, no more."""

    async def on_event(self, event: Event) -> None:
        """Something happened to a channel."""
        ...

    async def on_connected(self) -> None:
        """Events come from now on. What happened before is not told again: compare with the channels there are."""
        ...

    async def on_lost(self, why: str) -> None:
        """No events come any more."""
        ...


@dataclass(frozen=True, slots=True)
class Connected:
    """Takes its place among the events."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Takes its place among the events."""

    why: str


class Delivery:
    """What waits for ``supervisor``."""

    def __init__(self, supervisor: Supervisor, patience: Patience, counters: Counters, trouble: Trouble) -> None:
        self._supervisor, self._patience, self._counters, self._trouble = supervisor, patience, counters, trouble
        self._waiting: asyncio.Queue[Event | Connected | Lost | None] = asyncio.Queue()

    @property
    def full(self) -> bool:
        """Whether more waits than may."""
        return self._waiting.qsize() >= self._patience.most_waiting

    def put(self, what: Event | Connected | Lost) -> None:
        """It will be told after everything that was put before."""
        self._waiting.put_nowait(what)

    def end(self) -> None:
        """:meth:`run` returns when all that waits has been told."""
        self._waiting.put_nowait(None)

    async def drained(self) -> None:
        """Returns when everything has been told."""
        await self._waiting.join()

    async def run(self) -> None:
        """Tells the supervisor until :meth:`end`."""
        while (what := await self._waiting.get()) is not None:
            try:
                async with asyncio.timeout(self._patience.handler):
                    await self._tell(what)
            except Exception as error:  # the supervisor is not ours, and the next event is not to suffer
                self._counters.handler_failures += 1
                why = f"{type(error).__name__} on {type(what).__name__}"
                self._trouble.tell("an event of asterisk's could not be handled", why, exc_info=error)
            finally:
                self._waiting.task_done()

    async def _tell(self, what: Event | Connected | Lost) -> None:
        match what:
            case Connected():
                await self._supervisor.on_connected()
            case Lost(why):
                await self._supervisor.on_lost(why)
            case _:
                await self._supervisor.on_event(what)
