"""Keeps the search index up to date, a little behind the journal and in batches.

The journal's writer only marks what it wrote (``facets`` is NULL). To index a call with it would cost a call more than
all the rest of the writing; in a batch, it costs little.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import Table, bindparam, delete, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from waybell.calls.search_terms import ALL_CALLS, NUMBER, facets_of, names_of, parts_of, terms_of
from waybell.calls.values import Status, micros
from waybell.store.tables import call_terms, calls, search_parts, search_runs

_BATCH = 250
_IDLE_SECONDS = 2.0
_TROUBLE_SECONDS = 3.0
_AT_ONCE = 500
_log = structlog.get_logger("search")
_WANTED = (
    *("id", "status", "direction", "caller_kind", "rating", "started_at", "names", "caller_name", "answered_name"),
    *("caller_number", "answered_number", "dialed", "courier", "client", "parcel", "manager"),
)


async def index_some(engine: AsyncEngine, limit: int = _BATCH) -> int:
    """Index the newest ``limit`` calls that are over and not indexed yet; how many there were.

    One transaction. The rows are locked against the journal's writer until its end: what is marked as indexed is
    what was read. Raises SQLAlchemy's errors; then nothing was written.
    """
    lite = engine.dialect.name == "sqlite"
    if not lite:
        engine = engine.execution_options(isolation_level="READ COMMITTED")  # no locks but on rows that are there
    async with engine.connect() as connection:
        if lite:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
        rows = await _unindexed(connection, limit)
        if rows:
            await _index(connection, rows)
        await connection.commit()
    return len(rows)


async def keep_indexed(engine: AsyncEngine, stop: asyncio.Event) -> None:
    """Index what comes until ``stop``. A store that is down is waited for.

    However much there is, it takes half of the time at most: calls have their turn.
    """
    while not stop.is_set():
        began = time.monotonic()
        try:
            full = await index_some(engine) == _BATCH
            pause = time.monotonic() - began if full else _IDLE_SECONDS
        except (SQLAlchemyError, OSError) as error:
            _log.debug("the search index waits", error=str(error))
            pause = _TROUBLE_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stop.wait()


async def forget(connection: AsyncConnection, rows: Iterable[Mapping[Any, Any]]) -> None:
    """Erase from the index what these rows of the journal are found by, before they are changed or deleted.

    A number or word that no other call has is gone from it altogether. Whoever then changes the rows sets ``facets`` to
    NULL as always, and they are indexed as what is left of them.
    """
    for row in rows:
        for term in sorted(terms_of(row)):
            facets = select(search_runs.c.facets).where(search_runs.c.term == term)
            found = (await connection.execute(facets)).scalars().all()
            posting = call_terms.c.term == term, call_terms.c.at == micros(row["started_at"])
            old = delete(call_terms).where(*posting, call_terms.c.facets.in_(found), call_terms.c.call_id == row["id"])
            await connection.execute(old)
            if (await connection.execute(select(call_terms.c.at).where(call_terms.c.term == term).limit(1))).first():
                continue
            await connection.execute(delete(search_runs).where(search_runs.c.term == term))
            await connection.execute(
                delete(search_parts)
                .where(search_parts.c.part.in_(list(parts_of(term))))
                .where(search_parts.c.term == term)
            )


async def forget_number(connection: AsyncConnection, number: str) -> None:
    """Erase a number that no call has any more; an earlier version of one may have left it behind."""
    term = f"{NUMBER}{number}"
    for table in (call_terms, search_runs):
        await connection.execute(delete(table).where(table.c.term == term))
    theirs = search_parts.c.part.in_(list(parts_of(term))), search_parts.c.term == term
    await connection.execute(delete(search_parts).where(*theirs))


async def _unindexed(connection: AsyncConnection, limit: int) -> Sequence[RowMapping]:
    query = (
        select(*(calls.c[name] for name in _WANTED))
        .where(calls.c.facets.is_(None), calls.c.status != Status.IN_PROGRESS.value)
        .order_by(calls.c.started_at.desc(), calls.c.id.desc())
        .limit(limit)
        .with_for_update()
    )
    return (await connection.execute(query)).mappings().all()


async def _index(connection: AsyncConnection, rows: Sequence[RowMapping]) -> None:
    postings: list[tuple[str, int, int, str]] = []
    by_facets: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        facets = facets_of(row["status"], row["direction"], row["caller_kind"], row["rating"])
        names = names_of(row["caller_name"], row["answered_name"])
        at = micros(row["started_at"])
        assert at is not None
        postings += [(term, facets, at, row["id"]) for term in terms_of({**row, "names": names})]
        by_facets[facets].append(row["id"])
    runs = {posting[:2] for posting in postings} | {(ALL_CALLS, facets) for facets in by_facets}
    known = await _known(connection, {term for term, _ in runs})
    new = {term for term, _ in runs} - {term for term, _ in known}
    parts = {(part, term) for term in new for part in parts_of(term)}
    await _insert(connection, search_parts, parts)
    await _insert(connection, search_runs, runs - known)
    await _insert(connection, call_terms, postings)
    await _fill_in_names(connection, rows)
    for facets, ids in by_facets.items():
        await connection.execute(update(calls).where(calls.c.id.in_(ids)).values(facets=facets))


async def _known(connection: AsyncConnection, terms: set[str]) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for some in _batches(sorted(terms)):
        query = select(search_runs.c.term, search_runs.c.facets).where(search_runs.c.term.in_(some))
        found.update((term, facets) for term, facets in await connection.execute(query))
    return found


async def _fill_in_names(connection: AsyncConnection, rows: Sequence[RowMapping]) -> None:
    """For calls that an older Waybell wrote."""
    missing = [
        {"call": row["id"], "words": names_of(row["caller_name"], row["answered_name"])[:500]}
        for row in rows
        if row["names"] is None
    ]
    if missing:
        query = update(calls).where(calls.c.id == bindparam("call")).values(names=bindparam("words"))
        await connection.execute(query, missing)


async def _insert(connection: AsyncConnection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """What is there already stays. In the index's own order, so that two instances do not wait for each other."""
    lite = connection.dialect.name == "sqlite"
    columns = ", ".join(column.name for column in table.c)
    mark = ", ".join(["?" if lite else "%s"] * len(table.c))
    # Not IGNORE: MariaDB's driver would tell of each row that is there.
    same = "ON CONFLICT DO NOTHING" if lite else "ON DUPLICATE KEY UPDATE term = VALUES(term)"
    sql = f"INSERT INTO {table.name} ({columns}) VALUES ({mark}) {same}"  # noqa: S608 - our own names
    for some in _batches(sorted(rows)):
        await connection.exec_driver_sql(sql, some)


def _batches(values: list[Any]) -> Iterable[list[Any]]:
    return (values[begin : begin + _AT_ONCE] for begin in range(0, len(values), _AT_ONCE))
