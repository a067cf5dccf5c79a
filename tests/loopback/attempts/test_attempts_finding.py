"""What the store knows of the attempts to reach a recipient: journal and callbacks, put together."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.search.cast import HOSTILE, index, keep
from tests.unit.attempts.cast import SECOND, moment, note, refused, tried
from tests.unit.missed.cast import AT, answered, by_anna
from waybell.attempts.finding import AttemptsFinder, NothingKnownError
from waybell.attempts.values import Source, Verdict
from waybell.callbacks.rows import to_row
from waybell.callbacks.values import Callback, Reason
from waybell.calls.search_deadline import TooSlowError
from waybell.calls.values import Status, micros
from waybell.store.callback_tables import callbacks

AN_HOUR_LATER = moment() + timedelta(hours=1)


async def keep_note(engine: AsyncEngine, placed: Callback, pbx: str = "pbx1") -> None:
    """Stores it as :class:`~waybell.callbacks.store.CallbackStore` does."""
    rest = {"pbx": pbx, "owner": "token:1", "request_key": placed.id, "request_hash": "", "longest_seconds": 1800}
    async with engine.begin() as connection:
        await connection.execute(insert(callbacks).values(to_row(placed) | rest | {"version": 0}))


def asking(engine: AsyncEngine, now: datetime = AN_HOUR_LATER) -> AttemptsFinder:
    return AttemptsFinder(engine, clock=lambda: now)


async def test_the_journal_tells_how_long_it_rang_and_the_note_what_the_network_said(engine: AsyncEngine) -> None:
    await keep(engine, [tried(0.8, 17), by_anna(-5), answered(by_anna(5)), by_anna(1, parcel="11")])
    await keep_note(engine, note(Reason.BUSY, sip_cause=486, cause=17))
    for _ in range(2):
        sheet = await asking(engine).sheet("10")
        [attempt] = sheet.attempts
        assert (attempt.rang_seconds, attempt.sip_status, attempt.verdict) == (0.8, 486, Verdict.GENUINE)
        assert [contact.id for contact in sheet.contacts] == ["pbx1--5", "pbx1-5"]
        assert (sheet.complete, sheet.made_at) == (True, micros(AN_HOUR_LATER))
        await index(engine)


async def test_a_refused_call_is_told_among_them(engine: AsyncEngine) -> None:
    await keep(engine, [tried(20), refused()])
    verdicts = {attempt.id: attempt.verdict for attempt in (await asking(engine).sheet("10")).attempts}
    assert verdicts == {"pbx1-cb0123456789abcdef": Verdict.GENUINE, "pbx1-cr00": Verdict.REFUSED}


async def test_a_call_that_the_log_lost_is_told_by_the_note_once_the_journal_has_had_its_time(
    engine: AsyncEngine,
) -> None:
    await keep(engine, [by_anna(-5)])
    await keep_note(engine, note(Reason.NO_ANSWER))
    assert (await asking(engine, moment(300)).sheet("10")).attempts == ()
    [attempt] = (await asking(engine, moment(700)).sheet("10")).attempts
    assert (attempt.source, attempt.rang_seconds, attempt.id) == (Source.CALLBACKS, 20.0, "pbx1-cb0123456789abcdef")
    await keep(engine, [tried(19.5)])
    [attempt] = (await asking(engine, moment(700)).sheet("10")).attempts
    assert (attempt.source, attempt.rang_seconds) == (Source.JOURNAL, 19.5)


async def test_the_same_moment_gives_the_same_sheet_whatever_came_after_it(engine: AsyncEngine) -> None:
    await keep(engine, [tried(20)])
    first = await asking(engine, moment(60)).sheet("10")
    later = tried(3, answered=True, id="pbx1-cb2", started_at=AT + 100 * SECOND, ended_at=AT + 137 * SECOND)
    under_way = tried(3, id="pbx1-cb3", started_at=AT + 30 * SECOND, ended_at=AT + 90 * SECOND)
    await keep(engine, [later, under_way, by_anna(9)])
    assert await asking(engine, moment(9000)).sheet("10", first.made_at) == first
    now = await asking(engine, moment(9000)).sheet("10")
    assert (len(now.attempts), now.checksum == first.checksum) == (3, False)


async def test_in_whatever_order_calls_are_written_the_sheet_is_the_same(engine: AsyncEngine) -> None:
    calls = [tried(n, id=f"pbx1-cb{n}", started_at=AT + n * SECOND, ended_at=AT + 60 * SECOND) for n in range(12)]
    await keep(engine, calls)
    first = await asking(engine).sheet("10")
    random.Random(3).shuffle(calls)
    for call in calls:
        await keep(engine, [call])
    assert await asking(engine).sheet("10") == first
    assert [attempt.id for attempt in first.attempts] == [f"pbx1-cb{n}" for n in range(12)]


async def test_a_call_under_way_is_not_told_yet(engine: AsyncEngine) -> None:
    await keep(engine, [tried(20), tried(1, id="pbx1-cb2", status=Status.IN_PROGRESS, ended_at=None)])
    assert len((await asking(engine).sheet("10")).attempts) == 1


@pytest.mark.parametrize("parcel", ["11", "1", "10 ", "010", "' OR 1=1 --", "%", HOSTILE[1], "x" * 100])
async def test_of_another_parcel_nothing_is_known(engine: AsyncEngine, parcel: str) -> None:
    await keep(engine, [tried(20), by_anna(0)])
    with pytest.raises(NothingKnownError):
        await asking(engine).sheet(parcel)


async def test_a_parcel_of_which_there_is_too_much_says_so(engine: AsyncEngine) -> None:
    await keep(engine, [replace(refused(), id=f"pbx1-cr{n:04}") for n in range(1001)])
    sheet = await asking(engine).sheet("10")
    assert (len(sheet.attempts), sheet.complete) == (1000, False)


async def test_a_store_that_hangs_is_given_up(engine: AsyncEngine) -> None:
    await keep(engine, [tried(20)])
    with pytest.raises(TooSlowError):
        await AttemptsFinder(engine, seconds=0.000001).sheet("10")
