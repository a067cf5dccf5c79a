from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from lab.mariadb import MariaDB
from tests.unit.calls.logbook import hour, parse, raw_records
from waybell.calls.conversations import Conversations
from waybell.calls.fold import fold
from waybell.calls.journal import list_calls
from waybell.calls.rebuild import rebuild
from waybell.calls.recorder import Recorder
from waybell.calls.values import Status
from waybell.calls.writer import SqlJournalStore
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate
from waybell.store.tables import calls

LOG = hour(160)
ROWS = {call.id: call for call in (fold(ended.records) for ended in Conversations().add(parse(LOG)))}
ROOT = Path(__file__).parents[3]


async def start(url: str, log: Path) -> asyncio.subprocess.Process:
    script = Path(__file__).with_name("recording.py")
    return await asyncio.create_subprocess_exec(
        sys.executable, str(script), url, str(log), cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
    )


async def rows(engine: AsyncEngine) -> int:
    """How many calls are in the journal, without those in progress."""
    query = select(func.count()).select_from(calls).where(calls.c.status != Status.IN_PROGRESS.value)
    try:
        async with engine.connect() as connection:
            return int((await connection.execute(query)).scalar_one())
    except OperationalError:
        return -1


async def until_rows(engine: AsyncEngine, at_least: int) -> None:
    while await rows(engine) < at_least:  # noqa: ASYNC110 -- another process writes them
        await asyncio.sleep(0.002)


async def test_killed_again_and_again_no_row_is_lost_or_doubled(
    engine: AsyncEngine, store_url: str, log_path: Path
) -> None:
    chance = random.Random(7)
    records = raw_records(LOG)
    written = 0
    for life in range(1, 6):
        process = await start(store_url, log_path)
        target = len(records) * life // 5
        with log_path.open("ab", buffering=0) as log:
            while written < target:
                step = chance.randint(1, 60)
                log.write(b"".join(records[written : min(written + step, target)]))
                written = min(written + step, target)
                await asyncio.sleep(0)
        await until_rows(engine, len(ROWS) * (life - 1) // 5 + chance.randint(1, 20))
        process.kill()
        await process.wait()
        if life % 2:
            log_path.rename(log_path.with_name(f"waybell.csv.{life}"))
            log_path.touch()
    process = await start(store_url, log_path)
    await until_rows(engine, len(ROWS))
    process.terminate()
    await process.wait()
    journal = (await list_calls(engine, limit=1000)).calls
    assert {call.id: call for call in journal} == ROWS
    assert len(journal) == len(ROWS)
    await rebuild(engine, log_path)
    assert (await list_calls(engine, limit=1000)).calls == journal


async def test_a_store_that_hangs_stops_the_journal_only_for_as_long(mariadb_alone: MariaDB, log_path: Path) -> None:
    engine = make_engine(mariadb_alone.database().store())
    await migrate(engine)
    store = SqlJournalStore(engine, "pbx1")
    recorder = Recorder(store, log_path, deadline=0.3)
    log_path.write_bytes(LOG)
    await recorder.start()
    while recorder.poll():
        pass
    with mariadb_alone.frozen(), pytest.raises(TimeoutError):
        await recorder.flush()
    recorder_later = Recorder(store, log_path)
    await recorder.flush()
    await recorder_later.start()
    assert not recorder_later.poll(), "everything is in the journal, nothing is read again"
    recorder.close()
    recorder_later.close()
    assert {call.id: call for call in (await list_calls(engine, limit=1000)).calls} == ROWS
    await engine.dispose()


async def test_a_store_that_is_killed_and_comes_back_has_every_row(mariadb_alone: MariaDB, log_path: Path) -> None:
    engine = make_engine(mariadb_alone.database().store())
    await migrate(engine)
    records = raw_records(LOG)
    log_path.write_bytes(b"".join(records[: len(records) // 2]))
    stop = asyncio.Event()
    recorder = Recorder(SqlJournalStore(engine, "pbx1"), log_path)
    running = asyncio.create_task(recorder.run(stop, interval=0.01, flush_every=0.01, retry=0.05))
    await until_rows(engine, 20)
    await asyncio.to_thread(mariadb_alone.kill)
    with log_path.open("ab") as log:
        log.write(b"".join(records[len(records) // 2 :]))
    await asyncio.to_thread(mariadb_alone.start)
    await until_rows(engine, len(ROWS))
    stop.set()
    await running
    assert {call.id: call for call in (await list_calls(engine, limit=1000)).calls} == ROWS
    await engine.dispose()
