"""Where in the log to begin to read, and the reading itself in small pieces, so that no call waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from waybell.calls.feed import CallFeed, Happening
from waybell.calls.follow import Chunk, Follower
from waybell.calls.logs import Log, Place, after, logs_of
from waybell.live.frames import Mark, Stamp, stamp_at

PIECE = 16 * 1024
BREATH = 0.004

_TOO_MUCH = "too much has happened since"


class LostPlaceError(Exception):
    """A place in the log cannot be gone on from; the text says why."""


@dataclass(frozen=True, slots=True)
class Window:
    """How many bytes of the log may be read, at most: before a place, to see whole the calls that were under way there,
    and behind it, to tell what a client has missed.
    """

    before: int = 8 << 20
    behind: int = 32 << 20


def end_of(path: Path) -> Place | None:
    """Behind the last byte of the log that is written now; ``None`` when there is none yet. Raises :class:`OSError`."""
    logs = [log for log in _logs(path) if log.id]
    if not logs or logs[-1].id is None:
        return None
    return Place(logs[-1].id, logs[-1].path.stat().st_size)


def start_of(path: Path, wanted: Place | None, window: int) -> Place | None:
    """``wanted``, if no more than ``window`` bytes follow it; else that far before the log's end.

    Raises :class:`OSError`.
    """
    logs = _logs(path)
    if not logs or logs[-1].id is None:
        return wanted
    size = logs[-1].path.stat().st_size
    if wanted is not None and _length(after(logs, wanted)) <= window:
        return wanted
    return Place(logs[-1].id, line_behind(logs[-1], max(0, size - window)))


def line_behind(log: Log, offset: int) -> int:
    """The beginning of the first line at ``offset`` or later; a record in the middle of which it is, is passed over."""
    if offset == 0 or log.compressed:
        return 0
    with log.open() as file:
        file.seek(offset - 1)
        return offset + len(file.readline(PIECE)) - 1


def _length(todo: list[tuple[Log, int]]) -> int:
    return sum(max(0, log.path.stat().st_size - (0 if log.compressed else offset)) for log, offset in todo)


def _logs(path: Path) -> list[Log]:
    return logs_of(path) if path.parent.is_dir() else []


async def skip_to(end: Place | None, feed: CallFeed, follower: Follower) -> Place | None:
    """Read what is there up to ``end`` or a little further, without telling it; where that was.

    Raises :class:`OSError`.
    """
    place: Place | None = None
    while end is not None and (chunk := follower.poll(PIECE)) is not None:
        place = end_of_chunk(chunk)
        feed.skip(chunk.log, chunk.offset, chunk.data)
        if is_behind(place, stamp_at(end)):
            break
        await asyncio.sleep(BREATH)
    return place


def end_of_chunk(chunk: Chunk) -> Place:
    """The place behind it."""
    return Place(chunk.log, chunk.offset + len(chunk.data))


class Behind:
    """Passes the log on to ``feed`` and tells only what happens behind ``stamp``."""

    def __init__(self, feed: CallFeed, stamp: Stamp) -> None:
        self._feed = feed
        self._mark = stamp
        self._telling = False

    def take(self, chunk: Chunk) -> list[Happening]:
        """What happens in ``chunk`` behind the place; chunks come in order."""
        known = self._known_bytes(chunk)
        if known:
            self._feed.skip(chunk.log, chunk.offset, chunk.data[:known])
        told = self._feed.take(chunk.log, chunk.offset + known, chunk.data[known:]) if known < len(chunk.data) else []
        return [one for one in told if stamp_at(one.place, one.number) > self._mark]

    def _known_bytes(self, chunk: Chunk) -> int:
        """How many bytes of ``chunk`` the client knows; without the last line end, as that record may tell more."""
        if self._telling or chunk.log.first_at > self._mark.log_first_at:
            self._telling = True
            return 0
        if chunk.log.first_at < self._mark.log_first_at:
            return len(chunk.data)
        known = max(0, min(len(chunk.data), self._mark.offset - 1 - chunk.offset))
        self._telling = known < len(chunk.data)
        return known


class Replay:
    """Reads the log again for a client that knows everything up to ``mark``.

    Raises :class:`LostPlaceError` when that place is not in the log any more, or too far back.
    """

    def __init__(self, path: Path, mark: Mark, feed: CallFeed, window: Window) -> None:
        """Raises :class:`OSError` too."""
        self._behind = Behind(feed, mark.stamp)
        self._left = window.before + window.behind
        self._follower = Follower(path, self._place(_logs(path), mark, window))

    def _place(self, logs: list[Log], mark: Mark, window: Window) -> Place | None:
        """Where to begin."""
        if not any(mark.stamp):
            if _length(after(logs, None)) > window.behind:
                raise LostPlaceError(_TOO_MUCH)
            return None
        log = _named(logs, mark.stamp.log_first_at)
        if log is None or log.id is None:
            raise LostPlaceError("the event log of that time is not there any more")
        if not log.compressed and mark.stamp.offset > log.path.stat().st_size:
            raise LostPlaceError("the event log is not that long")
        if _length(after(logs, Place(log.id, mark.stamp.offset))) > window.behind:
            raise LostPlaceError(_TOO_MUCH)
        return self._low(logs, log, mark, window.before)

    async def run(self) -> AsyncGenerator[tuple[Place, list[Happening]], None]:
        """Piece by piece, what happened behind the mark and up to where; ends at the log's end. Raises :class:`OSError`
        and :class:`LostPlaceError`.
        """
        try:
            while (chunk := self._follower.poll(PIECE)) is not None:
                self._left -= len(chunk.data)
                if self._left < 0:
                    raise LostPlaceError(_TOO_MUCH)
                yield end_of_chunk(chunk), self._behind.take(chunk)
                await asyncio.sleep(BREATH)
        finally:
            self._follower.close()

    def _low(self, logs: list[Log], log: Log, mark: Mark, most: int) -> Place:
        assert log.id is not None
        low, offset = _named(logs, mark.low_first_at), mark.low_offset
        if low is None or low.id is None or (mark.low_first_at, offset) > mark.stamp[:2]:
            low, offset = log, mark.stamp.offset
        if low is log and mark.stamp.offset - offset > most:
            offset = line_behind(log, mark.stamp.offset - most)
        assert low.id is not None
        return Place(low.id, offset)


def _named(logs: list[Log], first_at: int) -> Log | None:
    found = [log for log in logs if log.id and log.id.first_at == first_at]
    return found[0] if len(found) == 1 else None


def is_behind(place: Place, stamp: Stamp) -> bool:
    """Whether everything up to ``stamp`` stands before ``place``."""
    return (place.log.first_at, place.offset) >= stamp[:2]
