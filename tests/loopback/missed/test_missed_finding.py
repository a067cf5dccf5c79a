"""Missed calls as the store is asked for them: what the fold of all calls gives, page after page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.search.cast import index, keep
from tests.unit.missed.cast import (
    ANNA,
    AT,
    BORIS,
    MINUTE,
    SHOP,
    answered,
    by,
    by_anna,
    call,
    callback,
    leg,
    many_calls,
)
from waybell.calls.queries import BadCursorError, BadFilterError, CallFilter
from waybell.calls.values import Call, Party, utc
from waybell.missed.finding import MissedCalls
from waybell.missed.fold import missed
from waybell.missed.values import Missed, MissedFilter, Rung, State
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate
from waybell.store.tables import calls as journal

NOW = utc(AT).replace(tzinfo=UTC) + timedelta(hours=1)
ALL = MissedFilter(state=State.ALL)


async def empty(engine: AsyncEngine) -> None:
    """Without calls; the search index keeps what it had."""
    async with engine.begin() as connection:
        await connection.execute(journal.delete())


def asking(engine: AsyncEngine) -> MissedCalls:
    return MissedCalls(engine, clock=lambda: NOW)


async def pages(found: MissedCalls, chosen: MissedFilter = ALL, limit: int = 2) -> list[Missed]:
    """All of them, without the phones that rang."""
    entries: list[Missed] = []
    cursor = ""
    while True:
        page = await found.page(chosen, limit, cursor)
        assert len(page.missed) <= limit
        entries += [replace(entry, rung=()) for entry in page.missed]
        if not (cursor := page.cursor):
            return entries


@pytest.fixture
def database(store_url: str) -> Iterator[tuple[asyncio.Runner, AsyncEngine]]:
    """For tests that hypothesis drives: one store, and one event loop."""
    with asyncio.Runner() as runner:
        engine = make_engine(store_url)
        runner.run(migrate(engine))
        yield runner, engine
        runner.run(engine.dispose())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many_calls, st.integers(0, 25), st.sampled_from(State), st.integers(1, 5), st.data())
def test_in_whatever_order_calls_are_written_and_indexed_the_store_tells_what_the_fold_tells(
    database: tuple[asyncio.Runner, AsyncEngine],
    calls: list[Call],
    indexed: int,
    state: State,
    limit: int,
    data: st.DataObject,
) -> None:
    runner, engine = database
    arrived = data.draw(st.permutations(calls))
    courier = data.draw(st.sampled_from(["", "", "11"]))

    async def check() -> None:
        await empty(engine)
        await keep(engine, arrived[:indexed])
        await index(engine)
        await keep(engine, arrived[indexed:])
        found = await pages(asking(engine), MissedFilter(CallFilter(courier=courier), state), limit)
        expected = [entry for entry in missed(calls) if courier in ("", entry.courier)]
        assert found == [
            entry for entry in expected if state is State.ALL or (entry.closed is None) == (state is State.OPEN)
        ]

    runner.run(check())


async def test_an_entry_tells_which_phones_rang_and_how_often(engine: AsyncEngine) -> None:
    await keep(engine, [by_anna(0, legs=(leg(BORIS), leg("199"))), by_anna(1, legs=(leg(BORIS),))])
    [entry] = (await asking(engine).page(MissedFilter())).missed
    assert entry.rung == (Rung(BORIS, 2), Rung("199", 1))


async def test_a_call_written_late_closes_what_was_missed_and_one_taken_away_opens_it(engine: AsyncEngine) -> None:
    found = asking(engine)
    await keep(engine, [by_anna(0), by_anna(9)])
    await index(engine)
    [entry] = await pages(found)
    assert entry.calls == ("pbx1-0", "pbx1-9")
    await keep(engine, [callback(5, Party(ANNA, "Анна", "recipient", "10"))])
    assert [entry.closed is None for entry in await pages(found)] == [True, False]
    await keep(engine, [callback(5, Party(ANNA, "Анна", "recipient", "10"), reached=False)])
    [entry] = await pages(found)
    assert entry.closed is None


async def test_filters_describe_the_last_call_and_the_window_says_what_is_looked_at(engine: AsyncEngine) -> None:
    await keep(engine, [by_anna(0, courier="12"), by_anna(9), call(3, caller=Party(SHOP, "Shop", "client", "101"))])
    found = asking(engine)

    async def ids(**chosen: object) -> list[tuple[str, ...]]:
        return [entry.calls for entry in await pages(found, MissedFilter(CallFilter(**chosen), State.OPEN))]  # type: ignore[arg-type]

    both = ("pbx1-0", "pbx1-9")
    assert await ids(courier="11") == [both]
    assert await ids(courier="12") == []
    assert await ids(kind="client") == [("pbx1-3",)]
    assert await ids(parcel="10") == await ids(number="=" + ANNA) == await ids(search="анна") == [both]
    assert await ids(since=AT + 8 * MINUTE) == [("pbx1-9",)]
    assert await ids(until=AT + 8 * MINUTE) == [("pbx1-3",), ("pbx1-0",)]
    assert await ids(until=AT) == []
    with pytest.raises(BadFilterError):
        await ids(kind="ghost")


async def test_whoever_calls_again_while_pages_are_turned_is_neither_shown_twice_nor_hidden(
    engine: AsyncEngine,
) -> None:
    await keep(engine, [by(minute, f"7916000000{minute}") for minute in range(6)])
    found = asking(engine)
    first = await found.page(MissedFilter(), 2)
    await keep(engine, [by(120, "79160000001"), by(121, "79160000005")])
    rest = await found.page(MissedFilter(), 9, first.cursor)
    assert [entry.calls for entry in (*first.missed, *rest.missed)] == [(f"pbx1-{n}",) for n in range(5, -1, -1)]


async def test_a_page_that_takes_too_long_is_short_and_its_cursor_goes_on(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waybell.missed.finding._PATIENCE", -1.0)
    reached = [answered(by(50, f"791600000{number:02}", id=f"pbx1-r{number}")) for number in range(20)]
    await keep(engine, [by(20 - number, f"791600000{number:02}") for number in range(21)] + reached)
    found = asking(engine)
    first = await found.page(MissedFilter(), 1)
    assert (first.missed, first.cursor != "") == ((), True)
    assert [entry.numbers for entry in await pages(found, MissedFilter(), 1)] == [("79160000020",)]


async def test_a_cursor_that_is_not_of_this_question_is_refused(engine: AsyncEngine) -> None:
    await keep(engine, [by(minute, f"7916000000{minute}") for minute in range(3)])
    found = asking(engine)
    cursor = (await found.page(MissedFilter(), 1)).cursor
    assert len((await found.page(MissedFilter(), 9, cursor)).missed) == 2
    for forged in (cursor[4:], cursor.swapcase(), "x", "é", "A" * 5000, "' OR 1=1 --", "MTox"):
        with pytest.raises(BadCursorError):
            await found.page(MissedFilter(), 1, forged)
    with pytest.raises(BadCursorError):
        await found.page(ALL, 1, cursor)
