"""Recordings that are to be heard no more: of a person who is forgotten, or older than they are to be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from waybell.calls.rows import from_row
from waybell.keeping.forgetting import Progress
from waybell.recordings.service import ids_of
from waybell.store.tables import calls

_AT_ONCE = 50


class Files(Protocol):
    """Where the recordings are."""

    async def remove(self, id_: str) -> bool:
        """Deletes one; ``False`` when there was none."""
        ...


class RecordingEraser:
    """Comes before the journal's: by that, nobody knows any more which calls were theirs."""

    kind = "recordings"

    def __init__(self, files: Files) -> None:
        self._files = files

    async def erase(self, engine: AsyncEngine, number: str, progress: Progress) -> int:
        """See :class:`~waybell.keeping.forgetting.Eraser`. Raises what the place of the recordings raises, too."""
        c = calls.c
        theirs = or_(
            *(column == number for column in (c.caller_number, c.answered_number, c.dialed)),
            c.legs.contains(f'"{number}"', autoescape=True),
        )
        removed, behind = 0, ""
        while True:
            rows = await _some(engine, theirs & (c.id > behind))
            if not rows:
                return removed
            removed += await _remove(engine, self._files, rows)
            behind = rows[-1]["id"]
            progress(self.kind, removed)


async def purge_recordings(engine: AsyncEngine, files: Files, days: int, now: datetime) -> int:
    """Deletes recordings that are older than ``days`` (0: none) at ``now`` (with zone); how many that were.

    Raises SQLAlchemy's errors, and what the place of the recordings raises.
    """
    if not days:
        return 0
    oldest, removed = now.astimezone(UTC).replace(tzinfo=None) - timedelta(days=days), 0
    while rows := await _some(engine, calls.c.started_at < oldest):
        removed += await _remove(engine, files, rows)
    return removed


async def _some(engine: AsyncEngine, where: ColumnElement[bool]) -> Sequence[Mapping[str, Any]]:
    heard = or_(calls.c.recordings.is_not(None), calls.c.feedback.endswith('"]'))  # the last of it is a comment's id
    query = select(calls).where(heard, where).order_by(calls.c.id).limit(_AT_ONCE)
    async with engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(query)).mappings()]


async def _remove(engine: AsyncEngine, files: Files, rows: Sequence[Mapping[str, Any]]) -> int:
    """The files first: a call that still names one that is gone tells so, one that is named nowhere is found never."""
    removed = 0
    for row in rows:
        for id_ in ids_of(from_row(row)):
            removed += await files.remove(id_)
        async with engine.begin() as connection:
            await _forget(connection, row)
    return removed


async def _forget(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    told = from_row(row).feedback
    said: dict[str, Any] = {"recordings": None}
    if told is not None and told.comment:
        said["feedback"] = row["feedback"].replace(f'"{told.comment}"', "null")
    await connection.execute(update(calls).where(calls.c.id == row["id"]).values(said))
