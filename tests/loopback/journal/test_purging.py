"""What is older than it is to be kept goes, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tests.loopback.journal.test_journal import CALLS, everything, fill
from waybell.calls.values import Call, micros
from waybell.keeping.purging import Kind, keep_purged, purge
from waybell.store.engine import make_engine
from waybell.store.tables import calls

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def aged(number: int, age: timedelta) -> Call:
    at = micros(NOW - age)
    assert at is not None
    return replace(CALLS[0], id=f"pbx1-1.{number}", started_at=at)


def kind(days: int) -> Kind:
    return Kind("calls", calls, calls.c.started_at, days)


async def test_only_what_is_too_old_is_deleted_however_much_it_is(engine: AsyncEngine) -> None:
    old = [aged(number, 31 * DAY) for number in range(1100)]
    kept = [aged(2000, 30 * DAY), aged(2001, timedelta()), aged(2002, -DAY)]
    await fill(engine, [*old, *kept])
    assert await purge(engine, kind(30), NOW) == 1100
    assert {call.id for call in await everything(engine)} == {call.id for call in kept}


async def test_zero_days_keep_for_ever(engine: AsyncEngine) -> None:
    await fill(engine, [aged(1, 40_000 * DAY)])
    assert await purge(engine, kind(0), NOW) == 0
    assert len(await everything(engine)) == 1


async def test_what_hangs_on_a_row_goes_before_it_in_the_same_transaction(engine: AsyncEngine) -> None:
    seen: list[str] = []

    async def before(_connection: AsyncConnection, ids: Sequence[str]) -> None:
        seen.extend(ids)
        raise TimeoutError

    await fill(engine, [aged(1, 31 * DAY)])
    with contextlib.suppress(TimeoutError):
        await purge(engine, replace(kind(30), before=before), NOW)
    assert seen == ["pbx1-1.1"]
    assert len(await everything(engine)) == 1, "nothing was deleted"


async def test_a_store_that_is_away_is_waited_for_and_the_work_ends_when_told(engine: AsyncEngine) -> None:
    stop = asyncio.Event()
    away = make_engine("mysql+asyncmy://nobody@127.0.0.1:1/none")
    async with asyncio.timeout(10):
        working = asyncio.create_task(keep_purged(away, [kind(30)], stop, after=0, every=0.01))
        await asyncio.sleep(0.1)
        assert not working.done()
        stop.set()
        await working
    await away.dispose()
