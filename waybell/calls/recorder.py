"""Keeps the journal up to date: follows the log, folds, writes.

Exactly once: with the calls goes, in the same transaction, the place in the log of the oldest conversation that is
still open. Whatever kills the process, the next start reads again from there, and reading a conversation again makes
the same row. Nothing else has to be remembered.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from waybell.calls.conversations import Open
from waybell.calls.fold import Normalise, plain
from waybell.calls.follow import Follower
from waybell.calls.log_fold import LogFold
from waybell.calls.logs import Place
from waybell.calls.values import Call
from waybell.calls.writer import JournalStore

_log = structlog.get_logger(__name__)

# Calls are routed in the same thread. What has come since the last look is taken at once, which is cheapest; where a
# backlog is left, it is read in small pieces with a breath after each, so that no call waits for more than a few ms.
_PIECE = 16 * 1024
_BREATH = 0.004
_BATCH = 100
_MOST_WAITING = 5000
_IN_PROGRESS_AFTER = 2.0
_LONGEST_PAUSE = 15.0


class Recorder:
    """One PBX's journal. Either ``run`` it, or ``start`` it and then ``poll`` and ``flush`` at will."""

    def __init__(
        self,
        store: JournalStore,
        path: Path,
        *,
        pbx: str = "pbx1",
        normalise: Normalise = plain,
        now: Callable[[], float] = time.time,
        deadline: float = 30.0,
    ) -> None:
        """``now``: the clock, in seconds; ``deadline``: the seconds after which the store counts as hanging.

        ``caught_up`` is set once the log has been read to its end and everything in it is written.
        """
        self.fold = LogFold(pbx=pbx, normalise=normalise)
        self._store = store
        self._path = path
        self._now = now
        self._deadline = deadline
        self._follower: Follower | None = None
        self._more = True
        self.caught_up = False
        self._troubles: set[str] = set()

    @property
    def started(self) -> bool:
        """Whether the place in the log to go on from is known."""
        return self._follower is not None

    async def start(self) -> None:
        """Find the place in the log to go on from. Raises what the store raises, or :class:`TimeoutError`."""
        self._follower = Follower(self._path, await self.place())

    async def place(self) -> Place | None:
        """The place that is stored. Raises as :meth:`start`."""
        async with asyncio.timeout(self._deadline):
            return await self._store.place()

    async def take(self) -> bool:
        """As :meth:`poll`, for whoever may wait."""
        return self.poll()

    def poll(self) -> bool:
        """Take the log's next bytes; whether there were any. Raises :class:`OSError` when it cannot be read."""
        assert self._follower is not None, "start() comes first"
        chunk = self._follower.poll(_PIECE if self._more else None)
        self._more = chunk is not None and chunk.more
        if chunk is not None and chunk.data:
            self.fold.take(chunk.log, chunk.offset, chunk.data)
        return chunk is not None

    def close(self) -> None:
        """Let go of the log. What was not flushed is read again at the next start."""
        if self._follower is not None:
            self._follower.close()

    @property
    def well(self) -> bool:
        """Whether log and store work just now."""
        return not self._troubles

    def behind(self) -> int | None:
        """How many bytes of the log are still to be read; ``None`` while the place to go on from is not known.

        Raises :class:`OSError` when the log may not be read.
        """
        return self._follower.behind() if self._follower is not None else None

    @property
    def waiting(self) -> int:
        """How many finished calls wait to be written."""
        return len(self.fold.final) + len(self.fold.provisional)

    async def flush(self) -> None:
        """Write what there is. What the store raises is raised, and everything is kept for the next time.

        A conversation under way gets its row once it lasts a while, and again when something has happened in it.
        """
        running = [
            (conversation, len(conversation.records))
            for conversation in self.fold.running(int((self._now() - _IN_PROGRESS_AFTER) * 1_000_000))
        ]
        if self.waiting or running or self.fold.gone:
            await self._flush(running)
        self.caught_up = self.caught_up or not self._more

    async def _flush(self, running: list[tuple[Open, int]]) -> None:
        under_way = [self.fold.fold(conversation.records) for conversation, _ in running]
        await self._save(list(self.fold.final.values()), [*self.fold.provisional.values(), *under_way])
        self.fold.written()
        for conversation, records in running:
            conversation.saved_records = records

    async def run(
        self,
        stop: asyncio.Event,
        *,
        interval: float = 0.25,
        flush_every: float = 1.0,
        retry: float = 0.5,
    ) -> None:
        """Keep the journal until ``stop`` is set, then write what waits. Outlasts the store's and the log's failing.

        ``interval``: seconds between looks at the log; ``flush_every``: the longest a finished call waits; ``retry``:
        the first pause after a failure, doubled with each further one.
        """
        delay, flushed = retry, time.monotonic()
        while not stop.is_set():
            try:
                pause = _BREATH if await self._look() else interval
                if self.waiting >= _BATCH or time.monotonic() - flushed >= flush_every:
                    await self.flush()
                    flushed = time.monotonic()
                    delay = retry
                    self._recovered()
            except (OSError, SQLAlchemyError) as error:  # TimeoutError is an OSError
                self._complain(error)
                pause, delay = delay, min(delay * 2, _LONGEST_PAUSE)
            await _pause(stop, pause)
        await self._finish()

    async def _look(self) -> bool:
        """Take what has come; whether more of it is there already."""
        if not self.started:
            await self.start()
        return self.waiting < _MOST_WAITING and await self.take() and self._more

    async def _finish(self) -> None:
        try:
            await self.flush()
        except (OSError, SQLAlchemyError) as error:
            self._complain(error)  # nothing is lost: the next start reads it again
        self.close()

    async def _save(self, final: list[Call], provisional: list[Call]) -> None:
        place = self.fold.low_water()
        async with asyncio.timeout(self._deadline):
            try:
                while len(final) > _BATCH:  # after the store was down: each part is written by itself, the place last
                    await self._store.save(final[:_BATCH], (), None)
                    del final[:_BATCH]
                await self._store.save(final, provisional, place, self.fold.gone)
            except (DataError, IntegrityError):
                await self._save_one_by_one(final, provisional)
                await self._store.save((), (), place, self.fold.gone)

    async def _save_one_by_one(self, final: list[Call], provisional: list[Call]) -> None:
        """One call that the database will not take must not keep the others out of the journal."""
        for call in final:
            await self._save_alone(call, [call], [])
        for call in provisional:
            await self._save_alone(call, [], [call])

    async def _save_alone(self, call: Call, final: list[Call], provisional: list[Call]) -> None:
        try:
            await self._store.save(final, provisional, None)
        except (DataError, IntegrityError) as error:
            _log.error("the database refuses a call; it is left out of the journal", call=call.id, error=str(error))

    def _complain(self, error: Exception) -> None:
        """Once for every kind of trouble, until it is over."""
        kind = type(error).__name__
        if kind not in self._troubles:
            self._troubles.add(kind)
            _log.error(
                "the journal stands still; it goes on by itself and loses nothing",
                error=f"{kind}: {error}"[:500],
                log=str(self._path),
                what_to_do="check the store's database and that the event log may be read (waybell check)",
            )

    def _recovered(self) -> None:
        if self._troubles:
            self._troubles.clear()
            _log.info("the journal goes on", waiting=self.waiting)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but no longer than until ``stop``."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
