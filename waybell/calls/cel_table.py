"""The event log of a PBX on another machine: a database table that Asterisk's ``cel_odbc`` writes.

A row becomes the record that ``cel_custom`` would have written, so that one parser and one fold read both. What
``dialplan/cel_odbc.conf`` says makes ``cel_odbc`` write the columns that are needed, with times in UTC.
"""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Select, Table, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls.cel import FIELDS, CelParser, CelRecord
from waybell.calls.logs import LogId, Place

_A_POLL = 500
# Rows are numbered when they are begun and seen when they are committed: one with a lower number may come later. A
# number that is missing for so long was given back.
_GAP_SECONDS = 5.0
_IN_ORDER = (
    *(
        "",
        "eventtype",
        "userdeftype",
        "",
        "cid_name",
        "cid_num",
        "cid_ani",
        "cid_rdnis",
        "cid_dnid",
        "exten",
        "context",
    ),
    *("channame", "appname", "appdata", "accountcode", "uniqueid", "linkedid", "peer", "userfield", "extra"),
)
"""The columns in the order of the file's fields; the first field is not read, the fourth is the time."""
COLUMNS = ("id", "eventtime", *filter(None, _IN_ORDER))
"""What the table must have."""


def cel_table(name: str) -> Table:
    """The table as ``sql/cel/mysql.sql`` makes it."""
    return Table(
        name,
        MetaData(),
        Column("id", BigInteger(), primary_key=True),
        *(Column(column, LargeBinary()) for column in COLUMNS[1:]),
    )


@dataclass(frozen=True, slots=True)
class Rows:
    """Some records and the place behind them; ``more``: the next ones are there already."""

    log: LogId
    offset: int
    following: int
    records: list[CelRecord]
    skipped: int
    more: bool


class TableFollower:
    """Gives the table's records in the order of their numbers, from ``place`` on. A place's offset is a row's number.

    Raises SQLAlchemy's errors, and :class:`TimeoutError` where its engine does.
    """

    def __init__(
        self, engine: AsyncEngine, table: str, place: Place | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine, self._table, self._clock = engine, cel_table(table), clock
        self._log = log_id(engine, table)
        self._next = place.offset if place and place.log == self._log else 0
        self._gap: tuple[int, float] | None = None

    async def poll(self) -> Rows | None:
        """The next records, or ``None`` when there are none for now."""
        async with self._engine.connect() as connection:
            found = (await connection.execute(self._query(self._next))).mappings().all()
            if not found and await self._emptied(connection):
                self._next = 0
                found = (await connection.execute(self._query(0))).mappings().all()
        rows = list(found)[: self._without_gap(found)]
        if not rows:
            return None
        begin, self._next = self._next, int(rows[-1]["id"]) + 1
        records, skipped = read(rows)
        return Rows(self._log, begin, self._next, records, skipped, more=len(rows) == _A_POLL)

    async def behind(self) -> int:
        """How many rows are still to be read."""
        count = select(func.count()).select_from(self._table).where(self._table.c.id >= self._next)
        async with self._engine.connect() as connection:
            return int((await connection.execute(count)).scalar_one())

    def _query(self, first: int) -> Select[Any]:
        return select(self._table).where(self._table.c.id >= first).order_by(self._table.c.id).limit(_A_POLL)

    async def _emptied(self, connection: Any) -> bool:
        """Whether the table was emptied and its numbers begin anew."""
        last = (await connection.execute(select(func.max(self._table.c.id)))).scalar_one()
        return last is not None and int(last) < self._next - 1

    def _without_gap(self, found: Sequence[Mapping[str, Any]]) -> int:
        """How many rows to take: those before a missing number that may still come."""
        if len(found) == _A_POLL:
            return _A_POLL  # a backlog: what is missing there was given back long ago
        expected = self._next or (int(found[0]["id"]) if found else 0)
        for number, row in enumerate(found):
            if int(row["id"]) != expected and self._may_come(expected):
                return number
            expected = int(row["id"]) + 1
        return len(found)

    def _may_come(self, missing: int) -> bool:
        now = self._clock()
        if self._gap is None or self._gap[0] != missing:
            self._gap = missing, now
        return now - self._gap[1] < _GAP_SECONDS


def log_id(engine: AsyncEngine, table: str) -> LogId:
    """What a place in this table is known by."""
    url = make_url(str(engine.url))
    where = f"{url.host}:{url.port}/{url.database}/{table}"
    return LogId(f"table:{hashlib.sha256(where.encode()).hexdigest()[:24]}", 0)


def read(rows: Sequence[Mapping[str, Any]]) -> tuple[list[CelRecord], int]:
    """The records of ``rows``, and how many of them could not be read."""
    parser = CelParser()
    records = [record for row in rows for record in (*parser.feed(_line(row)), *parser.finish())]
    return records, parser.skipped


def _line(row: Mapping[str, Any]) -> bytes:
    values = [_text(row[name]) if name else "" for name in _IN_ORDER]
    values[0], values[3] = values[2] or values[1], _epoch(_text(row["eventtime"]))
    assert len(values) == FIELDS
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(values)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _text(value: object) -> str:
    """The columns are bytes; an admin's own table may have text or nothing there."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value or "")


def _epoch(moment: str) -> str:
    """``cel_odbc`` writes ``2026-11-22 08:19:27.555747``. What is no time stays: its row is skipped as unreadable."""
    try:
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    except ValueError:
        return moment
    return f"{int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())}.{at.microsecond:06d}"
