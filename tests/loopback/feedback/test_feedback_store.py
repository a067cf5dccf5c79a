"""What callers said, in each database: written with their calls, found again, put together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.search.cast import AT, call
from waybell.calls.journal import get_call
from waybell.calls.values import Call, Feedback, Party
from waybell.calls.writer import SqlJournalStore
from waybell.feedback.lately import Lately
from waybell.feedback.store import FeedbackStore, write_feedback
from waybell.feedback.values import Average, By, FeedbackFilter
from waybell.store.engine import make_engine
from waybell.store.feedback_tables import feedback
from waybell.store.tables import calls

COMMENT = "20261122-0123456789abcdef0123"
ANYTHING = FeedbackFilter()
DAY = 86_400_000_000
ANNA = Party("79161000001", "Анна", "recipient", "10")


def rated(number: int, rating: int | None, **changes: object) -> Call:
    """Call ``number``: its caller was asked a minute after it began."""
    base = call(number, **{"client": "101", "caller": ANNA, **changes})
    asked = base.started_at + 60_000_000
    said = Feedback(asked) if rating is None else Feedback(asked, rating, asked + 2_000_000, COMMENT)
    return replace(base, feedback=said)


def by_courier(id_: str) -> dict[str, object]:
    return {"courier": id_, "manager": None, "answered_by": Party("79010000011", "Борис", "courier", id_)}


def by_manager(extension: str) -> dict[str, object]:
    person = Party(extension, "Анна", "employee", None)
    return {"courier": "11", "manager": "199,100", "answered_by": person}


async def keep(engine: AsyncEngine, *written: Call) -> None:
    await SqlJournalStore(engine, "pbx1", write_feedback).save(written, [], None)


async def test_what_was_said_stands_in_the_call_and_in_the_list(engine: AsyncEngine) -> None:
    said = rated(1, 4, **by_courier("11"))
    await keep(engine, said, call(2))
    shown = (await get_call(engine, said.id)).as_json()
    assert (shown["feedback"]["rating"], shown["feedback"]["comment"]) == (4, COMMENT)
    [listed] = await FeedbackStore(engine).page(ANYTHING, 10, None)
    assert (listed.call_id, listed.rating, listed.courier, listed.operator) == (said.id, 4, "11", None)
    assert (listed.parcel, listed.client, listed.number) == (said.parcel, said.client, said.caller.number)
    assert said.feedback
    assert (listed.asked_at, listed.rated_at) == (said.feedback.asked_at, said.feedback.at)


async def test_a_call_read_again_from_the_log_is_rated_once_and_a_later_look_knows_more(engine: AsyncEngine) -> None:
    early = replace(rated(1, None), ended_at=None)
    await keep(engine, early)
    assert await FeedbackStore(engine).page(ANYTHING, 10, None) == []
    for _ in range(2):
        await keep(engine, rated(1, 5))
    assert [said.rating for said in await FeedbackStore(engine).page(ANYTHING, 10, None)] == [5]
    async with engine.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(feedback))).scalar() == 1
        assert (await connection.execute(select(calls.c.rating, calls.c.facets))).one() == (5, None)


async def test_when_the_call_is_not_written_neither_is_what_was_said(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await write_feedback(connection, [rated(1, 5)])
        await connection.rollback()
    assert await FeedbackStore(engine).page(ANYTHING, 10, None) == []


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (ANYTHING, [4, 3, 2, 1]),
        (FeedbackFilter(rating=5), [4, 1]),
        (FeedbackFilter(courier="12"), [2]),
        (FeedbackFilter(operator="199"), [4, 3]),
        (FeedbackFilter(manager="199"), [4, 3]),
        (FeedbackFilter(parcel="no such"), []),
        (FeedbackFilter(since=AT + 3_000_000 + 60_000_000), [4, 3]),
        (FeedbackFilter(until=AT + 3_000_000 + 60_000_000), [2, 1]),
        (FeedbackFilter(rating=5, courier="11"), [4, 1]),
    ],
)
async def test_every_filter_finds_what_it_names(engine: AsyncEngine, chosen: FeedbackFilter, found: list[int]) -> None:
    await keep(engine, *some())
    page = await FeedbackStore(engine).page(chosen, 10, None)
    assert [said.call_id for said in page] == [f"pbx1-{number}.0" for number in found]


def some() -> list[Call]:
    return [
        rated(1, 5, **by_courier("11")),
        rated(2, 2, **by_courier("12")),
        rated(3, 4, **by_manager("199")),
        rated(4, 5, **by_manager("199")),
        rated(5, None, **by_courier("11")),
    ]


async def test_pages_hold_each_once_also_where_many_were_asked_at_once(engine: AsyncEngine) -> None:
    moment = AT + 60_000_000
    await keep(engine, *(replace(call(n), feedback=Feedback(moment, 3, moment)) for n in range(10)))
    store, seen, after = FeedbackStore(engine), list[str](), None
    while page := await store.page(ANYTHING, 3, after):
        seen += [said.call_id for said in page]
        after = (page[-1].asked_at, page[-1].call_id)
    assert sorted(seen) == sorted(f"pbx1-{n}.0" for n in range(10))


async def test_averages_tell_how_many_were_asked_and_spare_a_courier_what_an_operator_did(engine: AsyncEngine) -> None:
    await keep(engine, *some())
    store = FeedbackStore(engine)
    assert await store.averages(ANYTHING, By.COURIER) == [Average("11", 2, 1, 5.0), Average("12", 1, 1, 2.0)]
    assert await store.averages(ANYTHING, By.MANAGER) == [Average("199", 2, 2, 4.5)]
    assert await store.averages(ANYTHING, By.OPERATOR) == [Average("199", 2, 2, 4.5)]
    [client] = await store.averages(ANYTHING, By.CLIENT)
    assert (client.asked, client.rated, client.average) == (5, 4, 4.0)
    assert [average.rated for average in await store.averages(FeedbackFilter(rating=5), By.CLIENT)] == [2]


async def test_days_are_put_together_the_latest_first(engine: AsyncEngine) -> None:
    moved = [replace(one, feedback=shifted(one, number)) for number, one in enumerate(some())]
    await keep(engine, *moved)
    days = await FeedbackStore(engine).averages(ANYTHING, By.DAY)
    assert [len(day.key) for day in days] == [10] * 5
    assert [day.key for day in days] == sorted((day.key for day in days), reverse=True)
    assert (days[0].rated, days[0].average) == (0, None)


def shifted(one: Call, days: int) -> Feedback:
    assert one.feedback
    return replace(one.feedback, asked_at=one.feedback.asked_at + days * DAY)


async def test_whoever_was_asked_is_not_asked_again_until_the_days_are_over(engine: AsyncEngine) -> None:
    declined = rated(1, None)
    await keep(engine, declined)
    number = declined.caller.number or ""
    assert declined.feedback
    asked = declined.feedback.asked_at / 1_000_000
    for seconds, expected in ((60, True), (29 * 86_400, True), (31 * 86_400, False)):
        lately = Lately(FeedbackStore(engine), 30, now=lambda seconds=seconds: asked + seconds)  # type: ignore[misc]
        assert await lately.asked(number) is expected
    assert not await Lately(FeedbackStore(engine), 30, now=lambda: asked).asked("79990000000")


async def test_a_store_that_is_down_keeps_nobody_from_being_asked() -> None:
    engine = make_engine("mysql+asyncmy://nobody:x@127.0.0.1:1/none")
    assert await Lately(FeedbackStore(engine, 0.5), 30).asked("79161234567") is False
    with pytest.raises((OperationalError, OSError)):
        await FeedbackStore(engine).asked_since("79161234567", 0)
    await engine.dispose()
