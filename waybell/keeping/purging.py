"""Deletes what is older than it is to be kept, a little at a time, so that nothing else waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Column, ColumnElement, Table, delete, select, true
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from waybell.calls import search_index
from waybell.store.tables import calls

_AT_ONCE = 500
_BREATH = 0.05
# A start has better things to do, and the store may have to be made first.
_AFTER_SECONDS, _EVERY_SECONDS = 60.0, 3600.0
_DEADLINE = 30.0

Job = tuple[str, Callable[[datetime], Awaitable[int]]]
"""A kind of data that is more than rows: its name, and what deletes all that is too old at a time (with zone)."""

Before = Callable[[AsyncConnection, Sequence[str]], Awaitable[None]]
"""Deletes what hangs on rows (by their ids) that are about to be deleted, in the same transaction."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of data: its rows have an id (the column ``key``) and a time ``at``, UTC. ``days`` 0: kept for ever."""

    name: str
    table: Table
    at: Column[datetime]
    days: int
    only: ColumnElement[bool] | None = None
    key: str = "id"
    before: Before | None = None


async def purge(engine: AsyncEngine, kind: Kind, now: datetime) -> int:
    """Deletes what is too old at ``now`` (with zone); how many rows that were. Raises SQLAlchemy's errors."""
    if not kind.days:
        return 0
    oldest = now.astimezone(UTC).replace(tzinfo=None) - timedelta(days=kind.days)
    deleted = 0
    while found := await _some(engine, kind, oldest):
        deleted += found
        await asyncio.sleep(_BREATH if found == _AT_ONCE else 0)
        if found < _AT_ONCE:
            break
    return deleted


async def keep_purged(
    engine: AsyncEngine,
    kinds: Sequence[Kind],
    stop: asyncio.Event,
    *,
    more: Sequence[Job] = (),
    after: float = _AFTER_SECONDS,
    every: float = _EVERY_SECONDS,
) -> None:
    """Purges each kind ``after`` some seconds, then every ``every``, until ``stop``. Outlasts the store's failing."""
    log = structlog.get_logger("keeping")
    jobs: list[Job] = [*more, *((kind.name, partial(purge, engine, kind)) for kind in kinds)]
    await _pause(stop, after)
    while not stop.is_set():
        for name, job in jobs:
            try:
                if deleted := await job(datetime.now(UTC)):
                    log.info("what was kept long enough is deleted", kind=name, number=deleted)
            except Exception as error:  # whatever it is, it is tried again, and the others are not to suffer
                why = f"{type(error).__name__}: {error}"[:300]
                log.warning("old data could not be deleted; it is tried again", kind=name, error=why)
        await _pause(stop, every)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _some(engine: AsyncEngine, kind: Kind, oldest: datetime) -> int:
    """One small transaction."""
    ids = kind.table.c[kind.key]
    only = kind.only if kind.only is not None else true()
    async with asyncio.timeout(_DEADLINE), engine.begin() as connection:
        query = select(ids).where(kind.at < oldest, only).order_by(kind.at).limit(_AT_ONCE)
        found = (await connection.execute(query)).scalars().all()
        if found:
            if kind.before:
                await kind.before(connection, found)
            await connection.execute(delete(kind.table).where(ids.in_(found)))
    return len(found)


async def forget_in_index(connection: AsyncConnection, ids: Sequence[str]) -> None:
    """For calls: what the search finds them by."""
    rows = (await connection.execute(select(calls).where(calls.c.id.in_(ids)))).mappings().all()
    await search_index.forget(connection, rows)
