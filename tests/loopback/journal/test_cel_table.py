"""The event log as rows of a table: the same journal as from the file, and no row is passed over."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.journal.test_journal import everything, follow
from tests.unit.calls.logbook import hour
from waybell.calls.cel_table import TableFollower, cel_table
from waybell.calls.rebuild_table import rebuild_from_table
from waybell.calls.table_recorder import TableRecorder
from waybell.calls.values import Call
from waybell.calls.writer import SqlJournalStore
from waybell.store.engine import make_engine

LOG = hour(48)
TABLE = cel_table("cel")
_FIELDS = (
    *("eventtype", "eventenum", "userdeftype", "eventtime", "cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid"),
    *("exten", "context", "channame", "appname", "appdata", "accountcode", "uniqueid", "linkedid", "peer", "userfield"),
    "extra",
)


def row_of(fields: Sequence[str], number: int) -> dict[str, Any]:
    """A record of the file as ``cel_odbc`` writes it with ``show_user_defined`` and ``usegmtime``."""
    row = dict(zip(_FIELDS, fields, strict=True))
    seconds, _, micros = row["eventtime"].partition(".")
    at = datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(micros))
    row["eventtype"], row["eventtime"] = row.pop("eventenum"), f"{at:%Y-%m-%d %H:%M:%S.%f}"
    found: dict[str, Any] = {name: value.encode("utf-8", "surrogateescape") for name, value in row.items()}
    return found | {"id": number}


ROWS = [
    row_of(fields, number + 1)
    for number, fields in enumerate(csv.reader(io.StringIO(LOG.decode("utf-8", "surrogateescape"))))
]


@pytest.fixture
async def table(engine: AsyncEngine) -> AsyncEngine:
    async with engine.begin() as connection:
        await connection.run_sync(TABLE.create)
    return engine


async def write(engine: AsyncEngine, rows: Sequence[dict[str, Any]]) -> None:
    """As another program would; aiomysql cannot write bytes."""
    url = engine.url.render_as_string(hide_password=False).replace("aiomysql", "asyncmy")
    writer = make_engine(url)
    async with writer.begin() as connection:
        await connection.execute(insert(TABLE), list(rows))
    await writer.dispose()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def keep(engine: AsyncEngine) -> TableRecorder:
    """All that is there now goes into the journal, as after a start."""
    recorder = TableRecorder(SqlJournalStore(engine, "pbx1"), engine, "cel")
    await recorder.start()
    while await recorder.take():
        await recorder.flush()
    await recorder.flush()
    return recorder


async def from_the_file(engine: AsyncEngine, path: Path) -> list[Call]:
    path.write_bytes(LOG)
    await follow(engine, path)
    return await everything(engine)


async def test_the_table_gives_the_journal_that_the_file_gives(table: AsyncEngine, log_path: Path) -> None:
    expected = await from_the_file(table, log_path)
    async with table.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM calls")
        await connection.exec_driver_sql("DELETE FROM cel_position")
    await write(table, ROWS)
    recorder = await keep(table)
    assert await everything(table) == expected
    assert recorder.fold.skipped == 0


async def test_however_it_is_stopped_and_started_the_journal_is_the_same(table: AsyncEngine, log_path: Path) -> None:
    for begin in range(0, len(ROWS), 37):
        await write(table, ROWS[begin : begin + 37])
        await keep(table)
    found = await everything(table)
    assert found == await from_the_file(table, log_path)


async def test_a_journal_made_anew_from_the_table_is_the_same(table: AsyncEngine) -> None:
    await write(table, ROWS)
    await keep(table)
    before = await everything(table)
    seen: list[int] = []
    done = await rebuild_from_table(table, table, "cel", progress=lambda some, _: seen.append(some))
    assert (done.calls, done.skipped) == (len(before), 0)
    assert await everything(table) == before
    assert seen == sorted(seen)
    assert seen[-1] == len(ROWS)


async def test_a_row_that_is_seen_later_than_the_next_one_is_waited_for(table: AsyncEngine) -> None:
    clock = Clock()
    follower = TableFollower(table, "cel", None, clock=clock)
    await write(table, [ROWS[0], ROWS[2]])
    first = await follower.poll()
    assert first is not None
    assert (first.offset, first.following) == (0, 2)
    assert await follower.poll() is None
    await write(table, [ROWS[1]])
    second = await follower.poll()
    assert second is not None
    assert (second.offset, second.following) == (2, 4)


async def test_a_number_that_was_given_back_holds_nothing_up_for_long(table: AsyncEngine) -> None:
    clock = Clock()
    follower = TableFollower(table, "cel", None, clock=clock)
    await write(table, [ROWS[0], ROWS[2]])
    await follower.poll()
    assert await follower.poll() is None
    clock.now += 6
    rest = await follower.poll()
    assert rest is not None
    assert rest.following == 4


async def test_a_table_that_was_emptied_and_begins_anew_is_read_from_its_beginning(table: AsyncEngine) -> None:
    follower = TableFollower(table, "cel", None)
    await write(table, ROWS[:30])
    assert await follower.poll()
    async with table.begin() as connection:
        await connection.execute(delete(TABLE))
    assert await follower.poll() is None
    await write(table, ROWS[:10])
    again = await follower.poll()
    assert again is not None
    assert again.following == 11


async def test_a_row_that_is_no_event_is_counted_and_hinders_no_other(table: AsyncEngine) -> None:
    await write(table, [ROWS[0] | {"eventtime": b"yesterday"}, *ROWS[1:]])
    recorder = await keep(table)
    assert recorder.fold.skipped == 1
    assert len(await everything(table)) >= 47
