"""A PBX that writes its event log to a database table: the journal made of that equals the callers' own log."""

from __future__ import annotations

import asyncio
from itertools import cycle, islice
from pathlib import Path

import pytest

from lab.asterisk import Asterisk
from lab.mariadb import MariaDB
from lab.odbc import event_log_files, event_log_table
from tests.fixtures_mariadb import mariadb, mariadb_alone  # noqa: F401 - fixtures
from tests.pbx.faults.callers import ANNA, DARIA, STRANGER, Callers
from tests.pbx.faults.company import company, journal_of
from tests.pbx.journal import JournalReader
from waybell.calls.rebuild import rebuild
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate

pytestmark = [pytest.mark.pbx, pytest.mark.mariadb]

CALLS, KILLS = 40, 4
_EVERY = 0.12


async def test_no_row_is_lost_or_doubled_by_kills_when_the_log_is_a_table(
    tmp_path: Path,
    mariadb: MariaDB,  # noqa: F811
) -> None:
    with event_log_table(mariadb) as log:
        settings = {"cel": {"url": log.reader(), "path": str(tmp_path / "nowhere.csv")}}
        async with company(tmp_path, settings, Asterisk(extra_files=event_log_files())) as stack:
            callers = Callers(stack, talk=0.3)
            placing = asyncio.create_task(callers.in_turn(islice(cycle([ANNA, STRANGER, DARIA]), CALLS), _EVERY))
            for kill in range(KILLS):
                await callers.begun((kill + 1) * CALLS // (KILLS + 1))
                await asyncio.sleep(kill * 0.07)
                await stack.waybell.kill9()
                await stack.waybell.start()
            await placing
            rows = await journal_of(callers)
            assert {row["dialed"]: row["caller"]["number"] for row in rows} == {
                placed.did: placed.caller for placed in callers.log
            }
            assert {row["status"] for row in rows} == {"answered"}
            assert await stack.waybell.stop() == 0
            assert rows == await from_the_file(stack.pbx.cel_path, tmp_path / "other.db", rows)


async def from_the_file(log: Path, store: Path, like: list[dict[str, object]]) -> list[dict[str, object]]:
    """The rows that the file beside the table gives."""
    url = f"sqlite+aiosqlite:///{store}"
    engine = make_engine(url)
    try:
        await migrate(engine)
        await rebuild(engine, log)
    finally:
        await engine.dispose()
    async with JournalReader(None, url) as journal:  # type: ignore[arg-type] # the URL says where
        rows = await journal.rows()
    assert len(rows) == len(like)
    return rows


HOSTILE = [b"\xff\xfe\xc3", "Анна 📦\u202e".encode(), b"x" * 300, b"'; DROP TABLE cel; --", b"=1+1"]


async def test_whatever_name_a_caller_has_the_table_takes_the_event(
    tmp_path: Path,
    mariadb: MariaDB,  # noqa: F811
) -> None:
    with event_log_table(mariadb) as log:
        settings = {"cel": {"url": log.reader()}}
        async with company(tmp_path, settings, Asterisk(extra_files=event_log_files())) as stack:
            callers = Callers(stack)
            for name in HOSTILE:
                from_value = b'"%s" <sip:%s@127.0.0.1>' % (name, STRANGER.encode())
                call = await stack.provider.call(callers.next_did(), from_value=from_value)
                await call.ringing()
                await call.ended()
            async with JournalReader(stack) as journal:
                await journal.finished(len(HOSTILE))
                rows = await journal.rows()
            assert {row["caller"]["number"] for row in rows} == {STRANGER}
            assert len(rows) == len(HOSTILE)


async def test_a_database_that_stands_still_for_a_while_delays_the_journal_and_costs_it_nothing(
    tmp_path: Path,
    mariadb_alone: MariaDB,  # noqa: F811
) -> None:
    with event_log_table(mariadb_alone) as log:
        settings = {"cel": {"url": log.reader()}}
        async with company(tmp_path, settings, Asterisk(extra_files=event_log_files())) as stack:
            callers = Callers(stack)
            await callers.in_turn([ANNA, STRANGER], 0.1)
            with mariadb_alone.frozen():
                await callers.in_turn([DARIA, ANNA], 0.1)
            await callers.in_turn([STRANGER], 0.1)
            rows = await journal_of(callers, 30)
            assert len(rows) == 5
