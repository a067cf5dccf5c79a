"""The live feed: what happens to calls, as it happens, for everybody who looks.

It follows the event log by itself, whatever becomes of journal and store, and only while somebody looks. All clients
read the same ring of the latest events, each at its own pace: one that falls out of it is let go, and comes back with
the id of its last event. What is no longer in the ring is read from the log again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from waybell.calls.feed import CallFeed
from waybell.calls.fold import Normalise, plain
from waybell.calls.follow import Follower
from waybell.calls.logs import Place
from waybell.live.frames import NOWHERE, Frame, Stamp, call_frame, snapshot_frame, stamp_at
from waybell.live.reading import BREATH, PIECE, Window, end_of, end_of_chunk, skip_to, start_of

_log = structlog.get_logger("live")

_MOST_AT_ONCE = 64 * 1024
_STORE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between looks at the log, until the feed ends after its last client, after a failure."""

    look: float = 0.05
    linger: float = 30.0
    again: float = 1.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most clients at once; the ring's most events and bytes; how much of the log is read."""

    clients: int = 100
    events: int = 4000
    bytes: int = 4 << 20
    window: Window = Window()  # noqa: RUF009 -- a value


class LaggingError(Exception):
    """A client has not read for so long that the ring no longer holds what comes next for it."""


class Feed:
    """The ring, and the task that fills it from the log. ``seq`` counts events for as long as the feed lives."""

    def __init__(
        self,
        path: Path,
        journal_place: Callable[[], Awaitable[Place | None]],
        *,
        pbx: str = "pbx1",
        normalise: Normalise = plain,
        pace: Pace = Pace(),
        bounds: Bounds = Bounds(),
    ) -> None:
        """``journal_place``: from where on the log tells of calls under way, as the store knows it.

        ``new_fold`` makes what the log is read with.
        """
        self.path = path
        self.pace, self.bounds = pace, bounds
        self._journal_place = journal_place
        self.new_fold: Callable[[], CallFeed] = partial(CallFeed, pbx=pbx, normalise=normalise)
        self._task: asyncio.Task[None] | None = None
        self._empty()

    @property
    def running(self) -> bool:
        """Whether the log is being followed."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Follow the log, if that is not being done."""
        if not self.running:
            self._empty()
            self._task = asyncio.create_task(self._run(), name="live")

    async def stop(self) -> None:
        """Let go of the log and forget everything."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        self._empty()

    @property
    def seq(self) -> int:
        """The number of the next event."""
        return self._first + len(self._ring)

    @property
    def base(self) -> Stamp:
        """The ring holds every event behind this place."""
        return self._base

    def seq_behind(self, stamp: Stamp) -> int:
        """The number of the first event behind ``stamp``, which is not before :attr:`base`."""
        return self._first + next(
            (number for number, frame in enumerate(self._ring) if frame.stamp > stamp), len(self._ring)
        )

    def snapshot(self) -> Frame:
        """All calls under way."""
        return snapshot_frame(self._at, self._fold.low_water(), self._fold.under_way())

    def from_seq(self, seq: int) -> list[Frame]:
        """Events from number ``seq`` on, as many as go out at once. Raises :class:`LaggingError`."""
        if seq < self._first:
            raise LaggingError
        found, size = [], 0
        for frame in islice(self._ring, seq - self._first, None):
            found.append(frame)
            size += len(frame.wire)
            if size > _MOST_AT_ONCE:
                break
        return found

    async def more(self, seq: int, seconds: float) -> None:
        """Returns when there is an event number ``seq``, the feed has ended or ``seconds`` are over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.seq <= seq and self.running:
                    await self._news.wait()

    def _empty(self) -> None:
        self._ring: deque[Frame] = deque()
        self._first = self._size = 0
        self._base = self._at = NOWHERE
        self._place: Place | None = None
        self._fold = self.new_fold()
        self._news = asyncio.Event()
        self.ready = asyncio.Event()

    async def _run(self) -> None:
        told = False
        try:
            while True:
                try:
                    await self._follow()
                except OSError as error:
                    if not told:
                        _log.error("the live feed cannot read the event log; it is tried again", error=str(error))
                    told = True
                    await asyncio.sleep(self.pace.again)
        except Exception as error:
            _log.error("an error of Waybell's own ended the live feed; please report this", exc_info=error)
        finally:
            self._tell()
            self.ready.set()

    async def _follow(self) -> None:
        """Raises :class:`OSError`; begun again, it goes on at the same place."""
        follower = Follower(self.path, await self._begin() if not self.ready.is_set() else self._place)
        try:
            if not self.ready.is_set():
                end = end_of(self.path)
                self._reach(await skip_to(end, self._fold, follower) or end)
                self._base = self._at
                self.ready.set()
            while True:
                pause = BREATH if self._look(follower) else self.pace.look
                await asyncio.sleep(pause)
        finally:
            follower.close()

    async def _begin(self) -> Place | None:
        self._fold = self.new_fold()
        place: Place | None = None
        with contextlib.suppress(OSError, SQLAlchemyError):  # the log alone tells nearly as much
            async with asyncio.timeout(_STORE_SECONDS):
                place = await self._journal_place()
        return start_of(self.path, place, self.bounds.window.before)

    def _reach(self, place: Place | None) -> None:
        self._place = place
        if place is not None:
            self._at = stamp_at(place)

    def _look(self, follower: Follower) -> bool:
        """Take what has come; whether more of it is there already."""
        chunk = follower.poll(PIECE)
        if chunk is None:
            return False
        told = self._fold.take(chunk.log, chunk.offset, chunk.data)
        for one in told:
            self._add(call_frame(one))
        self._reach(end_of_chunk(chunk))
        if told:
            self._tell()
        return chunk.more

    def _add(self, frame: Frame) -> None:
        self._ring.append(frame)
        self._size += len(frame.wire)
        while len(self._ring) > self.bounds.events or self._size > self.bounds.bytes:
            oldest = self._ring.popleft()
            self._first += 1
            self._size -= len(oldest.wire)
            self._base = oldest.stamp

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
