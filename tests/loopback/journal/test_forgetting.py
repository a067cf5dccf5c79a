"""A person who is forgotten is in nothing that the store holds, nor comes back; how many calls there were stays."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, select
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.callbacks.company import APP, WISH, FakePbx, service
from tests.loopback.journal.test_journal import CALLS, LOG, everything, fill, follow
from waybell.callbacks.happenings import FirstEnded
from waybell.callbacks.store import CallbackStore
from waybell.calls.rebuild import rebuild
from waybell.calls.search_index import index_some
from waybell.calls.values import Call, Party, utc
from waybell.calls.writer import SqlJournalStore
from waybell.keeping.erasers import CallbackEraser, FeedbackEraser, JournalEraser, WebhookEraser
from waybell.keeping.forgetting import Eraser, forget

CALLER, BORIS, ANNA = "79161234567", "79010000011", "79161000001"
NOW = datetime(2027, 1, 1, tzinfo=UTC)
ALL: list[Eraser] = [JournalEraser(), CallbackEraser(), FeedbackEraser(), WebhookEraser()]


async def whole_store(engine: AsyncEngine) -> str:
    """Every value of every table."""
    tables, found = MetaData(), []
    async with engine.connect() as connection:
        await connection.run_sync(tables.reflect)
        for table in tables.sorted_tables:
            found += [repr(tuple(row)) for row in await connection.execute(select(table))]
    return "\n".join(found)


def totals(calls: list[Call]) -> Counter[Any]:
    return Counter((call.id, call.status, call.direction, call.caller.kind, call.talk_seconds) for call in calls)


@pytest.mark.parametrize("number", [CALLER, BORIS])
async def test_nothing_of_the_person_is_left_and_the_totals_stay(engine: AsyncEngine, number: str) -> None:
    await fill(engine, CALLS)
    await index_some(engine)
    before = await everything(engine)
    assert number in await whole_store(engine)
    done = await forget(engine, number, ALL, now=NOW)
    assert done["calls"] == sum(number in repr(call) for call in before) > 0
    assert number not in await whole_store(engine)
    assert totals(await everything(engine)) == totals(before)
    names = {call.caller.name for call in before if call.caller.number == number} - {None}
    assert not names & {call.caller.name for call in await everything(engine)}


async def test_what_an_earlier_version_of_a_call_left_in_the_index_goes_too(engine: AsyncEngine) -> None:
    found = next(call for call in CALLS if call.caller.number == CALLER)
    await fill(engine, [found])
    await index_some(engine)
    await fill(engine, [replace(found, caller=Party("79990000000"), legs=())])
    await index_some(engine)
    assert CALLER in await whole_store(engine)
    await forget(engine, CALLER, ALL, now=NOW)
    assert CALLER not in await whole_store(engine)


async def test_a_journal_made_anew_from_the_log_leaves_the_person_out_too(engine: AsyncEngine, log_path: Path) -> None:
    log_path.write_bytes(LOG)
    await follow(engine, log_path)
    await forget(engine, CALLER, ALL, now=NOW)
    forgotten = await everything(engine)
    await rebuild(engine, log_path)
    assert await everything(engine) == forgotten
    assert CALLER not in await whole_store(engine)


async def test_what_waits_to_be_written_while_somebody_is_forgotten_leaves_them_out(engine: AsyncEngine) -> None:
    await forget(engine, CALLER, ALL, now=NOW)
    await fill(engine, CALLS)
    assert CALLER not in await whole_store(engine)


async def test_who_calls_again_is_a_new_caller(engine: AsyncEngine) -> None:
    found = next(call for call in CALLS if call.caller.number == CALLER)
    await forget(engine, CALLER, ALL, now=utc(found.started_at).replace(tzinfo=UTC) - timedelta(seconds=1))
    await SqlJournalStore(engine, "pbx1").save([found], [], None)
    assert (await everything(engine))[0].caller.number == CALLER


async def test_placed_calls_lose_the_person_and_still_count(engine: AsyncEngine) -> None:
    store, pbx = CallbackStore(engine, 30), FakePbx()
    placing = service(store, pbx)
    call = await placing.request(APP, WISH, f"{BORIS}>{ANNA}@2026-11-22T12:00Z")
    await placing.first_ended(pbx.rung[0].channel_id, FirstEnded(17, 486))
    done = await forget(engine, ANNA, ALL, now=NOW)
    assert done["callbacks"] == 1
    assert ANNA not in await whole_store(engine)
    left = await placing.get(APP, call.id)
    assert left is not None
    assert (left.plan.second.number, left.plan.second.kind, left.plan.parcel) == ("", "recipient", "10")


async def test_forgetting_twice_is_the_same(engine: AsyncEngine) -> None:
    await fill(engine, CALLS)
    await forget(engine, CALLER, ALL, now=NOW)
    assert set((await forget(engine, CALLER, ALL, now=NOW)).values()) == {0}
