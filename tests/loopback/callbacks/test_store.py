"""Placed calls in SQLite and MariaDB: once for each key, and counted by one at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.callbacks import states
from waybell.callbacks.store import CallbackStore, Counts, Draft
from waybell.callbacks.values import Callback, Kind, Party, Plan, Reason, RefusedError, Side, Status
from waybell.store.engine import make_engine

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PLAN = Plan(
    Kind.CALLBACK, Party("79010000011", "courier", "11", "Б"), Party("79161000001", "recipient", "10"), "11", "10"
)


def draft(number: int, key: str = "", at: datetime = NOW, plan: Plan = PLAN) -> Draft:
    callback = Callback(f"cb{number:016x}", plan, Status.REQUESTED, at, at, first_line="one", second_line="two")
    return Draft("token:1", key or f"key-{number}", "hash", callback, 600)


def given(number: int, _counts: Counts) -> Callback:
    return draft(number).callback


async def put(store: CallbackStore, what: Draft, most: int = 1_000_000) -> Counts:
    """Stores it unless the courier has ``most`` calls already; gives what was counted."""
    seen: list[Counts] = []

    def decide(counts: Counts) -> Callback:
        seen.append(counts)
        if counts.courier_at_once >= most:
            raise RefusedError("courier-at-once", 429, "Too many", "too many")
        return what.callback

    await store.place(what, decide)
    return seen[0]


async def test_a_call_comes_back_as_it_was_stored(engine: AsyncEngine) -> None:
    store = CallbackStore(engine)
    await put(store, draft(1))
    ended = await store.change(
        draft(1).callback.id,
        lambda call: replace(
            call,
            status=Status.FAILED,
            reason=Reason.BUSY,
            side=Side.SECOND,
            cause=17,
            sip_cause=486,
            first_answered_at=NOW + timedelta(seconds=1),
            second_rung_at=NOW + timedelta(seconds=2, microseconds=7),
            ended_at=NOW + timedelta(seconds=5),
        ),
    )
    stored = await store.get(draft(1).callback.id)
    assert stored is not None
    assert stored.callback == ended
    assert stored.callback.plan == PLAN
    assert await store.under_way() == []


async def test_the_same_key_gives_the_call_that_is_there_whoever_asks_at_the_same_moment(
    store_url: str, engine: AsyncEngine
) -> None:
    another = make_engine(store_url)
    try:
        stores = [CallbackStore(engine, 30), CallbackStore(another, 30)]
        made = await asyncio.gather(*(stores[n % 2].place(draft(n, "the same"), partial(given, n)) for n in range(20)))
    finally:
        await another.dispose()
    assert Counter(new for _, new in made) == {True: 1, False: 19}
    assert len({stored.callback.id for stored, _ in made}) == 1


async def test_two_hundred_at_once_in_two_instances_pass_a_limit_by_none(store_url: str, engine: AsyncEngine) -> None:
    another = make_engine(store_url)
    try:
        stores = [CallbackStore(engine, 60), CallbackStore(another, 60)]
        results = await asyncio.gather(
            *(put(stores[n % 2], draft(n), most=7) for n in range(200)), return_exceptions=True
        )
        assert len(await stores[0].under_way()) == 7
    finally:
        await another.dispose()
    assert Counter(type(result).__name__ for result in results) == {"Counts": 7, "RefusedError": 193}


async def test_what_was_used_is_counted_in_windows_that_slide(engine: AsyncEngine) -> None:
    store = CallbackStore(engine)
    other = replace(PLAN, courier="12", first=replace(PLAN.first, number="79010000012"))
    await put(store, draft(1, at=NOW - timedelta(hours=25)))
    await put(store, draft(2, at=NOW - timedelta(hours=2)))
    await put(store, draft(3, at=NOW - timedelta(minutes=59)))
    await put(store, draft(4, at=NOW - timedelta(milliseconds=500), plan=other))
    await put(store, draft(5, at=NOW + timedelta(hours=3)))  # before the clock was set back
    for number in (1, 2):
        await store.change(
            draft(number).callback.id,
            lambda call: replace(
                call, status=Status.DONE, first_answered_at=call.created_at, ended_at=NOW - timedelta(minutes=1)
            ),
        )
    counts = await put(store, draft(6))
    assert (counts.courier_at_once, counts.courier_in_hour, counts.courier_in_day) == (2, 2, 3)
    assert (counts.destination_in_day, counts.company_at_once, counts.company_in_second) == (3, 3, 2)
    assert counts.company_talk_seconds_in_day == (25 + 2) * 3600 - 120
    assert counts.lines == {"one": 3, "two": 3}


async def test_of_two_who_change_a_call_at_once_neither_is_lost(engine: AsyncEngine) -> None:
    store = CallbackStore(engine, 30)
    await put(store, draft(1))

    def louder(call: Callback) -> Callback:
        return replace(call, cause=call.cause + 1)

    await asyncio.gather(*(store.change(draft(1).callback.id, louder) for _ in range(4)))
    stored = await store.get(draft(1).callback.id)
    assert stored is not None
    assert stored.callback.cause == 4


async def test_a_refused_call_leaves_nothing_behind_and_its_key_free(engine: AsyncEngine) -> None:
    store = CallbackStore(engine)
    with pytest.raises(RefusedError):
        await put(store, draft(1, "key"), most=0)
    assert await store.find("token:1", "key") is None
    await put(store, draft(2, "key"))
    await store.withdraw(draft(2).callback.id)
    assert await store.find("token:1", "key") is None


async def test_a_step_that_changes_nothing_writes_nothing(engine: AsyncEngine) -> None:
    store = CallbackStore(engine)
    await put(store, draft(1))
    assert (
        await store.change(draft(1).callback.id, lambda call: states.advance(call, states.SecondAnswered(), NOW))
        is None
    )
    assert await store.change("cbffffffffffffffff", lambda call: call) is None


async def test_a_pbx_sees_its_own_calls_under_way_and_all_are_counted(engine: AsyncEngine) -> None:
    here, there = CallbackStore(engine, pbx="pbx1"), CallbackStore(engine, pbx="pbx2")
    await put(here, draft(1))
    assert await there.under_way() == []
    assert (await put(there, draft(2))).company_at_once == 1
    assert [call.id for call in await there.under_way()] == [draft(2).callback.id]


async def test_an_operators_call_is_none_of_the_couriers(engine: AsyncEngine) -> None:
    store = CallbackStore(engine)
    await put(store, draft(1, plan=replace(PLAN, kind=Kind.CLICK)))
    counts = await put(store, draft(2))
    assert (counts.courier_at_once, counts.courier_in_day, counts.company_at_once) == (0, 0, 1)


async def test_a_call_whose_end_nobody_saw_counts_as_if_it_had_been_one(engine: AsyncEngine) -> None:
    store = CallbackStore(engine)
    await put(store, draft(1, at=NOW - timedelta(minutes=30)))
    await store.change(
        draft(1).callback.id,
        lambda call: replace(call, status=Status.FAILED, reason=Reason.UNKNOWN, ended_at=NOW - timedelta(minutes=10)),
    )
    counts = await put(store, draft(2))
    assert (counts.destination_in_day, counts.company_talk_seconds_in_day) == (1, 20 * 60)
