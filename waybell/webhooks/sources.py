"""Where events come from: the PBX's event log, and the calls that Waybell places.

Each source knows how far it has been read, and that place is stored with the events that were found up to it. So after
any crash it goes on where it was, and nothing is told twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.callbacks.rows import from_row
from waybell.calls.feed import CallFeed
from waybell.calls.follow import Follower
from waybell.calls.logs import LogId, Place
from waybell.live.frames import LAST_NUMBER, NOWHERE, Stamp
from waybell.live.reading import PIECE, Behind, Window, end_of, end_of_chunk, skip_to, start_of
from waybell.store.callback_tables import callbacks
from waybell.webhooks.events import Event, call_event, callback_event

_OVERLAP = timedelta(seconds=60)


class Source(Protocol):
    """Gives events in order. What :meth:`find` gave is asked for again unless its place was stored."""

    name: str
    pause: float

    async def begin(self, place: dict[str, Any] | None) -> None:
        """Go on behind ``place``; ``None``: begin now, without what is long past. May raise as :meth:`find`."""
        ...

    async def find(self) -> tuple[list[Event], bool]:
        """The next events, and whether there is more already. Raises :class:`OSError` and SQLAlchemy's errors."""
        ...

    def place(self) -> dict[str, Any]:
        """Up to where everything has been found."""
        ...

    def close(self) -> None:
        """Let go of files; :meth:`begin` again."""
        ...


class LogSource:
    """What happens to calls, from the event log; by a follower of its own, whatever becomes of the journal's."""

    pause = 0.2

    def __init__(
        self,
        path: Path,
        pbx: str,
        new_feed: Callable[[], CallFeed],
        journal_place: Callable[[], Awaitable[Place | None]],
    ) -> None:
        """``journal_place``: from where the log tells of the calls under way, for the very first start."""
        self.name = f"log:{pbx}"
        self._path, self._pbx, self._new_feed, self._journal_place = path, pbx, new_feed, journal_place
        self._follower: Follower | None = None

    async def begin(self, place: dict[str, Any] | None) -> None:
        """See :class:`Source`."""
        self.close()
        self._feed = self._new_feed()
        if place is None:
            seen = await self._begin_now()
        else:
            key, first_at, offset = place["low"] or ("", 0, 0)
            low = Place(LogId(key, first_at), offset) if key else None
            self._follower = Follower(self._path, low)
            seen = Stamp(place["seen"][0], place["seen"][1], LAST_NUMBER)
        self._behind = Behind(self._feed, seen)
        self._seen = seen

    async def find(self) -> tuple[list[Event], bool]:
        """See :class:`Source`."""
        assert self._follower is not None, "begin() comes first"
        chunk = self._follower.poll(PIECE)
        if chunk is None:
            return [], False
        told = self._behind.take(chunk)
        end = end_of_chunk(chunk)
        self._seen = max(self._seen, Stamp(end.log.first_at, end.offset, LAST_NUMBER))
        return [call_event(one, self._pbx) for one in told], chunk.more

    def place(self) -> dict[str, Any]:
        """See :class:`Source`."""
        low = self._feed.low_water()
        where = [low.log.key, low.log.first_at, low.offset] if low else None  # none: there is no log yet
        return {"low": where, "seen": list(self._seen[:2])}

    def close(self) -> None:
        """See :class:`Source`."""
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    async def _begin_now(self) -> Stamp:
        journal: Place | None = None
        with contextlib.suppress(OSError, SQLAlchemyError):
            journal = await self._journal_place()
        end = end_of(self._path)
        self._follower = Follower(self._path, start_of(self._path, journal, Window().before))
        there = await skip_to(end, self._feed, self._follower) or end
        return Stamp(there.log.first_at, there.offset, LAST_NUMBER) if there else NOWHERE


class CallbackSource:
    """How far the calls have come that Waybell places, from their table: each version that is seen is told once."""

    pause = 1.0

    def __init__(self, engine: AsyncEngine, pbx: str, now: Callable[[], datetime]) -> None:
        self.name = f"callbacks:{pbx}"
        self._engine, self._pbx, self._now = engine, pbx, now

    async def begin(self, place: dict[str, Any] | None) -> None:
        """See :class:`Source`."""
        self._told: dict[str, int] = {}
        self._since = datetime.fromisoformat(place["since"]) if place else self._now()
        if place is None:
            await self.find()

    async def find(self) -> tuple[list[Event], bool]:
        """See :class:`Source`."""
        now, changed = self._now(), callbacks.c.changed_at >= self._since - _OVERLAP
        mine = callbacks.c.pbx == self._pbx
        query = (
            select(callbacks).where(mine, or_(callbacks.c.ended_at.is_(None), changed)).order_by(callbacks.c.changed_at)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        new = [row for row in rows if self._told.get(row.id, -1) < row.version]
        events = [callback_event(from_row(dict(row._mapping)), row.version, self._pbx) for row in new]
        there = {row.id: row.version for row in rows}
        self._told, self._since = there, now
        return events, False

    def place(self) -> dict[str, Any]:
        """See :class:`Source`."""
        return {"since": self._since.isoformat()}

    def close(self) -> None:
        """See :class:`Source`."""
