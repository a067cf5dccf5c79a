"""Puts what happens into the outbox, for each webhook that wants to be told of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from waybell.calls.values import utc
from waybell.live.reading import BREATH
from waybell.webhooks.events import Event
from waybell.webhooks.outbox import Outbox
from waybell.webhooks.sources import Source

_log = structlog.get_logger("webhooks")

_SAVE_SECONDS = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
TOO_OLD = timedelta(days=3)
"""What happened so long ago is told nobody: nothing is tried for longer."""


class Collector:
    """One source's events, each put in once for every webhook that wants its type."""

    def __init__(
        self,
        source: Source,
        outbox: Outbox,
        wanted: Mapping[str, Sequence[str]],
        now: Callable[[], datetime],
        tell: Callable[[], None],
    ) -> None:
        """``wanted``: names of webhooks by event type; ``tell`` is called when something was put in."""
        self._source, self._outbox, self._wanted = source, outbox, wanted
        self._now, self._tell = now, tell
        self._begun = False
        self._trouble = ""
        self._saved_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set. Outlasts the failing of store and log: what was not put in is found again."""
        pause = _FIRST_PAUSE
        try:
            while not stop.is_set():
                try:
                    wait = await self._step()
                    pause = _FIRST_PAUSE
                    self._recovered()
                except Exception as error:  # whatever it is, events are looked for again
                    self._complain(error)
                    wait, pause, self._begun = pause, min(pause * 2, _LONGEST_PAUSE), False
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await stop.wait()
        finally:
            self._source.close()

    async def _step(self) -> float:
        """Look once; how long to wait until the next look, in seconds."""
        if not self._begun:
            await self._begin()
        events, more = await self._source.find()
        oldest = self._now() - TOO_OLD
        told = [
            (name, event) for event in events if utc(event.at) >= oldest for name in self._wanted.get(event.type, ())
        ]
        await self._save(told)
        return BREATH if more else self._source.pause

    async def _begin(self) -> None:
        place = await self._outbox.place(self._source.name)
        await self._source.begin(place)
        if place is None:  # from now on nothing is missed
            await self._outbox.put((), self._now(), {self._source.name: self._source.place()})
        self._begun = True

    async def _save(self, told: list[tuple[str, Event]]) -> None:
        clock = asyncio.get_running_loop().time()
        if not told and clock - self._saved_at < _SAVE_SECONDS:
            return
        await self._outbox.put(told, self._now(), {self._source.name: self._source.place()})
        self._saved_at = clock
        if told:
            self._tell()

    def _complain(self, error: Exception) -> None:
        ours = not isinstance(error, OSError | SQLAlchemyError)  # TimeoutError is an OSError
        trouble = f"{type(error).__name__}: {error}"[:300]
        if trouble != self._trouble:
            self._trouble = trouble
            what = "an error of Waybell's own; please report this" if ours else "it goes on by itself and loses nothing"
            _log.error(f"webhooks are told nothing: {what}", source=self._source.name, error=trouble, exc_info=ours)

    def _recovered(self) -> None:
        if self._trouble:
            self._trouble = ""
            _log.info("webhooks are told again", source=self._source.name)
