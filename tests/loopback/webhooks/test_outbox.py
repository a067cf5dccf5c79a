"""The outbox in each database: each event once, one sender at a time, in order."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.store.webhook_tables import webhook_outbox, webhook_places
from waybell.webhooks.events import Event
from waybell.webhooks.outbox import Outbox

NOW = datetime(2026, 11, 22, 12, 0, 0)  # noqa: DTZ001 -- as the store has it
MINUTE = timedelta(minutes=1)
PLACE = {"log:pbx1": {"seen": [1, 2]}}


def event(subject: str, number: int = 1) -> Event:
    return Event(f"{subject}/{number}", "call.started", subject, 1_795_304_204_854_863, '{"name":"Ж😀\'\\"%s"}')


def told(*events: Event, to: str = "crm") -> list[tuple[str, Event]]:
    return [(to, one) for one in events]


async def claimed(outbox: Outbox, lease: str = "a", now: datetime = NOW, to: str = "crm") -> list[str]:
    return [one.event_id for one in await outbox.claim(to, lease, now, MINUTE, 10)]


async def test_an_event_is_put_in_once_and_as_it_is(engine: AsyncEngine) -> None:
    outbox = Outbox(engine)
    for _ in range(2):
        await outbox.put(told(event("a")), NOW, PLACE)
    (one,) = await outbox.claim("crm", "a", NOW, MINUTE, 10)
    assert (one.event_id, one.type, one.body, one.attempts) == ("a/1", "call.started", event("a").body, 0)
    assert await outbox.place("log:pbx1") == PLACE["log:pbx1"]


async def test_what_was_delivered_is_not_put_in_again(engine: AsyncEngine) -> None:
    outbox = Outbox(engine)
    await outbox.put(told(event("a")), NOW, {})
    (one,) = await outbox.claim("crm", "a", NOW, MINUTE, 10)
    await outbox.delivered(one, "a", 204, NOW)
    await outbox.put(told(event("a"), event("b")), NOW, {})
    assert await claimed(outbox) == ["b/1"]
    assert await outbox.counts() == {"crm": {"delivered": 1, "waiting": 1}}


async def test_events_and_place_are_written_both_or_neither(engine: AsyncEngine) -> None:
    outbox = Outbox(engine)
    broken = Event("x", "t" * 31 if engine.dialect.name != "sqlite" else None, "x", 0, "{}")  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"type|NULL"):
        await outbox.put(told(event("a"), broken), NOW, PLACE)
    assert await outbox.place("log:pbx1") is None
    assert await outbox.counts() == {}


async def test_a_later_event_of_the_same_call_waits_for_the_earlier_one(engine: AsyncEngine) -> None:
    outbox = Outbox(engine)
    await outbox.put(told(event("a", 1), event("b", 1), event("a", 2)), NOW, {})
    first, other = await outbox.claim("crm", "x", NOW, MINUTE, 10)
    assert (first.event_id, other.event_id) == ("a/1", "b/1")
    assert await claimed(outbox) == []
    await outbox.failed(first, "x", 500, "no", NOW + MINUTE)
    assert await claimed(outbox) == []
    assert await claimed(outbox, now=NOW + MINUTE) == ["a/1"]
    await outbox.delivered(first, "a", 200, NOW)
    assert await claimed(outbox) == ["a/2"]


async def test_webhooks_do_not_wait_for_each_other(engine: AsyncEngine) -> None:
    outbox = Outbox(engine)
    await outbox.put([*told(event("a", 1)), *told(event("a", 1), event("a", 2), to="other")], NOW, {})
    assert await claimed(outbox) == ["a/1"]
    assert await claimed(outbox, to="other") == ["a/1"]


async def test_of_two_instances_only_one_gets_an_event_until_its_lease_is_over(engine: AsyncEngine) -> None:
    outbox = Outbox(engine)
    await outbox.put(told(*(event(f"call{number}") for number in range(40))), NOW, {})
    found = await asyncio.gather(*(claimed(Outbox(engine), f"instance{number}") for number in range(8)))
    ids = [one for some in found for one in some]
    assert 10 <= len(ids) == len(set(ids))
    later = NOW + MINUTE + timedelta(seconds=1)
    assert len(await claimed(outbox, "heir", later)) == 10


async def test_whoever_lost_the_lease_changes_nothing(engine: AsyncEngine) -> None:
    outbox = Outbox(engine)
    await outbox.put(told(event("a")), NOW, {})
    (one,) = await outbox.claim("crm", "slow", NOW, MINUTE, 10)
    assert await claimed(outbox, "heir", NOW + 2 * MINUTE) == ["a/1"]
    await outbox.failed(one, "slow", 0, "too late", NOW)
    assert await claimed(outbox, "third", NOW + 2 * MINUTE) == []


async def test_what_is_let_go_can_be_sent_by_another_at_once(engine: AsyncEngine) -> None:
    outbox = Outbox(engine)
    await outbox.put(told(event("a")), NOW, {})
    assert await claimed(outbox, "stopping") == ["a/1"]
    await outbox.release("stopping")
    assert await claimed(outbox, "heir") == ["a/1"]


async def test_what_waits_too_long_is_given_up_and_what_is_done_is_forgotten_in_time(engine: AsyncEngine) -> None:
    outbox, day = Outbox(engine), timedelta(days=1)
    await outbox.put(told(event("a", 1), event("a", 2), event("b")), NOW, {})
    one = next(one for one in await outbox.claim("crm", "x", NOW, MINUTE, 10) if one.event_id == "b/1")
    await outbox.delivered(one, "x", 200, NOW)
    await outbox.tidy(NOW + 2 * day, 3 * day, 7 * day, 90 * day)
    assert await outbox.counts() == {"crm": {"waiting": 2, "delivered": 1}}
    await outbox.tidy(NOW + 4 * day, 3 * day, 7 * day, 90 * day)
    assert await outbox.counts() == {"crm": {"dead": 2, "delivered": 1}}
    await outbox.tidy(NOW + 8 * day, 3 * day, 7 * day, 90 * day)
    assert await outbox.counts() == {"crm": {"dead": 2}}
    await outbox.tidy(NOW + 95 * day, 3 * day, 7 * day, 90 * day)
    assert await outbox.counts() == {}


async def test_what_was_given_up_is_sent_again_when_somebody_says_so(engine: AsyncEngine) -> None:
    outbox = Outbox(engine)
    await outbox.put(told(event("a"), event("b")), NOW, {})
    for one in await outbox.claim("crm", "x", NOW, MINUTE, 10):
        await outbox.died(one, "x", 500, "why" * 200, NOW)
    first, second = await outbox.dead()
    assert (first.event_id, first.last_status, len(first.last_error), first.attempts) == ("b/1", 500, 300, 1)
    assert await outbox.retry(NOW, ids=[second.id]) == 1
    assert await claimed(outbox) == ["a/1"]
    assert await outbox.retry(NOW, webhook="nobody") == 0
    assert await outbox.retry(NOW) == 1
    assert await claimed(outbox) == ["b/1"]


async def test_ids_that_are_longer_than_their_column_stop_nothing(engine: AsyncEngine) -> None:
    outbox = Outbox(engine)
    await outbox.put(told(event("ж" * 400)), NOW, {})
    async with engine.connect() as connection:
        row = (await connection.execute(select(webhook_outbox))).one()
        assert (len(row.event_id), len(row.subject)) == (250, 150)
        assert (await connection.execute(select(webhook_places))).all() == []
