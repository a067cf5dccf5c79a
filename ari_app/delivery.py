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


class NotNowError(Exception):
    """The supervisor could not take what it was told, and may be able to soon."""


class Supervisor(Protocol):
    """Who is told: one thing after another, in the order in which it happened.

    What raises :class:`NotNowError` is told again, for a while, before anything else; any other error is only logged.
    """

    async def on_event(self, event: Event) -> None:
        """Something happened to a channel."""
        ...

    async def on_connected(self) -> None:
        """Events come from now on. What happened before is not told again: compare with the channels there are."""
        ...

    async def on_lost(self, why: str) -> None:
        """No events come any more."""
        ...

    async def on_check(self) -> None:
        """Everything that came up to now has been told: time to compare with the channels there are."""
        ...


@dataclass(frozen=True, slots=True)
class Connected:
    """Takes its place among the events."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Takes its place among the events."""

    why: str


@dataclass(frozen=True, slots=True)
class Check:
    """Takes its place among the events."""


class Delivery:
    """What waits for ``supervisor``."""

    def __init__(self, supervisor: Supervisor, patience: Patience, counters: Counters, trouble: Trouble) -> None:
        self._supervisor, self._patience, self._counters, self._trouble = supervisor, patience, counters, trouble
        self._waiting: asyncio.Queue[Event | Connected | Lost | Check | None] = asyncio.Queue()
        self._checking = False

    @property
    def full(self) -> bool:
        """Whether more waits than may."""
        return self._waiting.qsize() >= self._patience.most_waiting

    def put(self, what: Event | Connected | Lost) -> None:
        """It will be told after everything that was put before."""
        self._waiting.put_nowait(what)

    def check(self) -> None:
        """A check will be told after everything that was put before; one at a time waits."""
        if not self._checking:
            self._checking = True
            self._waiting.put_nowait(Check())

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
                await self._insist(what)
            except Exception as error:  # the supervisor is not ours, and the next event is not to suffer
                self._counters.handler_failures += 1
                why = f"{type(error).__name__} on {type(what).__name__}"
                self._trouble.tell("an event of asterisk's could not be handled", why, exc_info=error)
            finally:
                self._waiting.task_done()

    async def _insist(self, what: Event | Connected | Lost | Check) -> None:
        """A check comes again by itself; an event does not, and the database may be away for a moment only."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + self._patience.insisting, self._patience.first_retry
        while True:
            try:
                async with asyncio.timeout(self._patience.handler):
                    await self._tell(what)
                    return
            except (NotNowError, TimeoutError):
                if isinstance(what, Check) or loop.time() + pause > until:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._patience.longest_retry)

    async def _tell(self, what: Event | Connected | Lost | Check) -> None:
        match what:
            case Check():
                self._checking = False
                await self._supervisor.on_check()
            case Connected():
                await self._supervisor.on_connected()
            case Lost(why):
                await self._supervisor.on_lost(why)
            case _:
                await self._supervisor.on_event(what)
