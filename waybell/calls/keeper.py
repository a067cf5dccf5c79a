"""Keeps one PBX's journal for as long as Waybell runs, whatever becomes of the store, the log or our own code."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from waybell.calls.recorder import Recorder

_log = structlog.get_logger("journal")

_AGAIN_SECONDS = 2.0
_LONGEST_PAUSE = 60.0
# systemd kills what has not stopped after 15 s, and the doors take some of them.
_LAST_SECONDS = 4.0


class Keeper:
    """``keep`` it until a stop. ``prepare`` makes the store ready; ``recorder`` makes a recorder that starts from the
    place that is saved in the store.
    """

    def __init__(
        self,
        prepare: Callable[[], Awaitable[None]],
        recorder: Callable[[], Recorder],
        *,
        again: float = _AGAIN_SECONDS,
        last_seconds: float = _LAST_SECONDS,
    ) -> None:
        """``again``: the pause after a failure, in seconds; ``last_seconds``: how long after a stop the last calls may
        take to be written.
        """
        self._prepare = prepare
        self._make = recorder
        self._again = again
        self._last_seconds = last_seconds
        self._recorder: Recorder | None = None
        self._trouble = ""
        self._erred = False

    @property
    def well(self) -> bool:
        """Whether log and store work just now; after an error of our own, only once the log is read to its end."""
        recorder = self._recorder
        return recorder is not None and recorder.well and (not self._erred or recorder.caught_up)

    @property
    def waiting(self) -> int:
        """How many finished calls wait to be written."""
        return self._recorder.waiting if self._recorder else 0

    def behind(self) -> int | None:
        """How many bytes of the log are still to be read; ``None`` when that cannot be said."""
        with contextlib.suppress(OSError):
            return self._recorder.behind() if self._recorder else None
        return None

    async def keep(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set; then what waits is written, unless the store takes too long for it."""
        work = asyncio.create_task(self._work(stop))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if self._recorder:
                await asyncio.wait({work}, timeout=self._last_seconds)
        finally:
            stopped.cancel()
            await self._end(work)

    async def _end(self, work: asyncio.Task[None]) -> None:
        if work.done():
            return
        if self._recorder:
            _log.warning("the store takes too long: the last calls are not written, the next start reads them again")
        work.cancel()
        await asyncio.wait({work}, timeout=1.0)

    async def _work(self, stop: asyncio.Event) -> None:
        now, pause = asyncio.get_running_loop().time, self._again
        while not stop.is_set():
            began = now()
            try:
                await self._attempt(stop)
            except (OSError, SQLAlchemyError) as error:  # TimeoutError is an OSError
                self._complain("the store cannot be used; calls go on, the journal catches up later", error)
                pause = self._again
            except Exception as error:  # whatever it is, the journal must not end without a word
                if now() - began > _LONGEST_PAUSE:
                    pause, self._trouble = self._again, ""
                self._erred = True
                self._complain(
                    "an error of Waybell's own: the journal begins again from what is written; please report this",
                    error,
                    exc_info=error,
                )
                pause = min(pause * 2, _LONGEST_PAUSE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await stop.wait()

    async def _attempt(self, stop: asyncio.Event) -> None:
        await self._prepare()
        if self._trouble and not self._erred:
            self._trouble = ""
            _log.info("the store can be used; the journal goes on")
        self._recorder = recorder = self._make()
        try:
            await recorder.run(stop)
        finally:
            recorder.close()
            if not stop.is_set():
                self._recorder = None

    def _complain(self, what: str, error: Exception, **more: object) -> None:
        """Each trouble is told once."""
        trouble = f"{type(error).__name__}: {error}"[:500]
        if trouble != self._trouble:
            self._trouble = trouble
            _log.error(what, error=trouble, **more)
