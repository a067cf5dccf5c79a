"""Writes calls and the place in the log in one transaction: after any crash, either both are there or neither.

Calls come as *final* (seen whole, from start to end) or as *provisional* (under way, interrupted, or the log lacks the
beginning). Final ones replace what is there; provisional ones replace nothing but a call in progress.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from operator import itemgetter
from typing import Any, Protocol

from sqlalchemy import Table, delete, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.dml import Insert

from waybell.calls.forgotten import read_forgotten
from waybell.calls.logs import LogId, Place
from waybell.calls.rows import to_row
from waybell.calls.values import Call, Status, utc
from waybell.store.tables import calls, cel_position

_IDS_A_QUERY = 500

Also = Callable[[AsyncConnection, Sequence[Call]], Awaitable[None]]
"""Writes what else these calls mean, in the transaction in which they were written."""


def refused_id(pbx: str, rest: str) -> str:
    """The id of a call that was refused: nothing about it is in the event log."""
    return f"{pbx}-cr{rest}"


class JournalStore(Protocol):
    """Where the journal is kept. Every error means that nothing was written."""

    async def place(self) -> Place | None:
        """The place in the log before which everything is in the journal; ``None`` at the very first start."""
        ...

    async def save(
        self, final: Sequence[Call], provisional: Sequence[Call], place: Place | None, gone: Collection[str] = ()
    ) -> None:
        """Write all calls and, if given, the new place, or raise and write nothing.

        ``gone``: ids of calls that became part of another one; a row that says such a call is in progress goes.
        """
        ...


class SqlJournalStore:
    """The journal of one PBX in the store's database."""

    def __init__(self, engine: AsyncEngine, pbx: str, also: Also | None = None) -> None:
        """``also``: what is to be written with calls, each time that they are."""
        self._also = also
        self._engine = engine
        self._pbx = pbx
        self._calls = _Upsert(engine, calls)
        self._position = _Upsert(engine, cel_position)

    async def place(self) -> Place | None:
        """See :class:`JournalStore`."""
        query = select(cel_position).where(cel_position.c.pbx == self._pbx)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        return Place(LogId(row.log_key, row.log_first_at), row.byte_offset) if row else None

    async def save(
        self, final: Sequence[Call], provisional: Sequence[Call], place: Place | None, gone: Collection[str] = ()
    ) -> None:
        """See :class:`JournalStore`. Raises SQLAlchemy's errors."""
        async with self._engine.begin() as connection:
            if place is not None:  # first, so that SQLite takes its write lock before it reads anything
                await self._position.run(connection, [self._position_row(place)])
            if gone:
                under_way = calls.c.status == Status.IN_PROGRESS.value
                await connection.execute(delete(calls).where(calls.c.id.in_(gone), under_way))
            await self.write(connection, final, provisional)

    async def write(self, connection: AsyncConnection, final: Sequence[Call], provisional: Sequence[Call]) -> None:
        """Write calls within somebody else's transaction."""
        if final:
            await self._run(connection, final)
        if provisional:
            settled = await _settled(connection, [call.id for call in provisional])
            new = [call for call in provisional if call.id not in settled]
            if new:
                await self._run(connection, new)

    async def _run(self, connection: AsyncConnection, written: Sequence[Call]) -> None:
        forgotten = await read_forgotten(connection)
        written = [forgotten.without(call) for call in written]
        await self._calls.run(connection, [to_row(call, self._pbx) for call in written])
        if self._also:
            await self._also(connection, written)

    async def forget(self, connection: AsyncConnection, since: int, until: int) -> None:
        """Delete this PBX's calls that began at ``since`` (microseconds) or later, but before ``until``."""
        began = calls.c.started_at
        from_the_log = ~calls.c.id.like(refused_id(self._pbx, "%"))
        old = delete(calls).where(calls.c.pbx == self._pbx, began >= utc(since), began < utc(until), from_the_log)
        await connection.execute(old)

    def _position_row(self, place: Place) -> dict[str, Any]:
        return {
            "pbx": self._pbx,
            "log_key": place.log.key,
            "log_first_at": place.log.first_at,
            "byte_offset": place.offset,
        }


async def _settled(connection: AsyncConnection, ids: Sequence[str]) -> set[str]:
    """Those of ``ids`` that are in the journal and no longer in progress."""
    found: set[str] = set()
    for begin in range(0, len(ids), _IDS_A_QUERY):
        query = select(calls.c.id).where(
            calls.c.id.in_(ids[begin : begin + _IDS_A_QUERY]), calls.c.status != Status.IN_PROGRESS.value
        )
        found.update((await connection.execute(query)).scalars())
    return found


class _Upsert:
    """Writes whole rows, new or over those that are there. Made into SQL once: the journal does this all day."""

    def __init__(self, engine: AsyncEngine, table: Table) -> None:
        names = [column.name for column in table.c if "kept" not in column.info]
        made = _upsert(engine.dialect.name, table, names).compile(dialect=engine.dialect, column_keys=names)
        self._sql = str(made)
        self._in_order = itemgetter(*(made.positiontup or ()))

    async def run(self, connection: AsyncConnection, rows: Iterable[dict[str, Any]]) -> None:
        """``rows`` hold what the driver takes, by column."""
        await connection.exec_driver_sql(self._sql, [self._in_order(row) for row in rows])


def _upsert(dialect: str, table: Table, written: Iterable[str]) -> Insert:
    names = [name for name in written if name not in table.primary_key.columns]
    if dialect == "sqlite":
        lite = sqlite.insert(table)
        return lite.on_conflict_do_update(
            index_elements=list(table.primary_key), set_={name: lite.excluded[name] for name in names}
        )
    maria = mysql.insert(table)
    return maria.on_duplicate_key_update({name: maria.inserted[name] for name in names})
