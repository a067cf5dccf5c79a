"""Everybody who looks at the live feed: how many they are, from where each goes on, and when the feed is needed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from waybell.live.feed import Feed, LaggingError
from waybell.live.frames import HEARTBEAT, NOWHERE, Frame, Mark, Stamp, call_frame, parse_id, reset_wire
from waybell.live.reading import LostPlaceError, Replay, is_behind

_log = structlog.get_logger("live")

_TICK_SECONDS = 2.0
_HEARTBEAT_SECONDS = 15.0
_REPLAYS_AT_ONCE = 2


class FullError(Exception):
    """As many look as may."""


class LiveFeed:
    """One PBX's live feed for many clients."""

    def __init__(self, feed: Feed, *, tick: float = _TICK_SECONDS, heartbeat: float = _HEARTBEAT_SECONDS) -> None:
        """``tick``: a quiet stream gives a piece, perhaps an empty one, at least every so many seconds."""
        self._feed = feed
        self._tick, self._heartbeat = tick, heartbeat
        self._clients = 0
        self._closed = False
        self._replays = asyncio.Semaphore(_REPLAYS_AT_ONCE)
        self._ending: asyncio.TimerHandle | None = None
        self._stopping: asyncio.Task[None] | None = None

    @property
    def clients(self) -> int:
        """How many look."""
        return self._clients

    @property
    def running(self) -> bool:
        """Whether the log is being followed."""
        return self._feed.running

    async def close(self) -> None:
        """Ends every stream and the feed."""
        self._closed = True
        if self._ending:
            self._ending.cancel()
        await self._feed.stop()
        if self._stopping:
            await asyncio.wait({self._stopping})

    def enter(self) -> None:
        """One more looks; each must :meth:`leave`. Raises :class:`FullError`."""
        if self._clients >= self._feed.bounds.clients or self._closed:
            raise FullError
        self._clients += 1
        if self._ending:
            self._ending.cancel()
            self._ending = None

    def leave(self) -> None:
        """One looks no longer."""
        self._clients -= 1
        if not self._clients and not self._closed:
            self._ending = asyncio.get_running_loop().call_later(self._feed.pace.linger, self._end)

    async def stream(self, last_event_id: str = "") -> AsyncIterator[bytes]:
        """Server-Sent Events, for somebody who has entered; an empty piece now and then. Ends when the client has not
        read for too long, or the feed ends.

        First the calls that are under way or, for a client that comes back, what it has missed.
        """
        while self._stopping:
            await asyncio.wait({self._stopping})
            self._stopping = None
        self._feed.start()
        await self._feed.ready.wait()
        seq: int | None = None
        mark = parse_id(last_event_id)
        try:
            if last_event_id and mark is None:
                raise LostPlaceError("the last event's id is none of ours")
            async for behind, wire in self._missed(mark):
                seq = behind
                yield wire
        except (LostPlaceError, OSError) as error:
            seq = None
            yield reset_wire(str(error))
        if not self._feed.running:
            return
        if seq is None:
            seq, mark = self._feed.seq, None
            yield self._feed.snapshot().wire
        with contextlib.suppress(LaggingError):
            async for wire in self._news(seq, mark.stamp if mark else NOWHERE):
                yield wire

    async def _missed(self, mark: Mark | None) -> AsyncIterator[tuple[int, bytes]]:
        """What came behind that event and is not in the ring; with the number of the event in the ring that follows."""
        feed = self._feed
        if mark is None:
            return
        replay = Replay(feed.path, mark, feed.new_fold(), feed.bounds.window)
        if mark.stamp >= feed.base:
            yield feed.seq_behind(mark.stamp), b""
            return
        async with self._replays:
            last = mark.stamp
            async with contextlib.aclosing(replay.run()) as pieces:
                async for place, told in pieces:
                    frames = [frame for frame in map(call_frame, told) if frame.stamp <= feed.base]
                    last = max([last, *(frame.stamp for frame in frames)])
                    yield feed.seq_behind(max(last, feed.base)), _joined(frames)
                    if is_behind(place, feed.base):
                        return
            yield feed.seq_behind(max(last, feed.base)), b""

    async def _news(self, seq: int, known: Stamp) -> AsyncIterator[bytes]:
        """From number ``seq`` on. ``known``: a client that heard another Waybell may be ahead of us."""
        feed, clock = self._feed, asyncio.get_running_loop().time
        beat = clock()
        while feed.running:
            frames = feed.from_seq(seq)
            seq += len(frames)
            if not frames and clock() - beat >= self._heartbeat:
                yield HEARTBEAT
                beat = clock()
            else:
                yield _joined([frame for frame in frames if frame.stamp > known])
            if frames:
                beat = clock()
            else:
                await feed.more(seq, self._tick)

    def _end(self) -> None:
        self._ending = None
        if not self._clients:
            self._stopping = asyncio.create_task(self._feed.stop())


def _joined(frames: list[Frame]) -> bytes:
    return b"".join(frame.wire for frame in frames)
