"""Every filter gives what the same filter in plain Python gives, indexed or not, page after page."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.search.cast import AT, HOSTILE, call, filtered, index, keep
from waybell.calls.journal import Page, count_calls, list_calls
from waybell.calls.queries import NEWEST_FIRST, ORDERS, BadCursorError, BadFilterError, CallFilter, cursor_behind
from waybell.calls.search_index import forget, index_some, keep_indexed
from waybell.calls.values import Call, Direction, Party, Status
from waybell.calls.writer import SqlJournalStore
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate
from waybell.store.tables import call_terms, calls, search_parts, search_runs

NAMES = (
    None,
    "Анна Петрова",
    "анна",
    "Пётр Аннаев",
    "Tom O'Brien",
    "ООО «Ромашка»",
    "x" * 100 + "конец",
    *HOSTILE[:16],
)
NUMBERS = (None, "79161234567", "79161234568", "79010000011", "74951234567", "200", "2001", "12", "500")
IDS = (None, "1", "11", "a'b", "é")
MANAGERS = (None, "199", "100", "199,100", "10,199", "19")
KINDS = (None, "recipient", "courier", "client", "employee", "ghost")

parties = st.builds(
    Party, st.sampled_from(NUMBERS), st.sampled_from(NAMES), st.sampled_from(KINDS), st.sampled_from(IDS)
)
made = st.builds(
    call,
    st.integers(0, 60),
    started_at=st.integers(AT, AT + 20),
    status=st.sampled_from(Status),
    direction=st.sampled_from(Direction),
    caller=parties,
    answered_by=st.none() | parties.filter(lambda party: party != Party()),
    dialed=st.sampled_from(NUMBERS),
    courier=st.sampled_from(IDS),
    client=st.sampled_from(IDS),
    parcel=st.sampled_from(IDS),
    manager=st.sampled_from(MANAGERS),
)
many = st.lists(made, max_size=40, unique_by=lambda each: each.id)
times = st.integers(AT, AT + 20)
wanted = {
    "since": times,
    "until": times,
    "number": st.sampled_from(["791612", "4567", "=200", "200", "12", "5", "000", "79010000011", "=7901"]),
    "status": st.sampled_from(Status),
    "direction": st.sampled_from(Direction),
    "kind": st.sampled_from(KINDS[1:5]),
    "courier": st.sampled_from(IDS[1:]),
    "parcel": st.sampled_from(IDS[1:]),
    "client": st.sampled_from(IDS[1:]),
    "manager": st.sampled_from(["199", "100", "10", "19"]),
    "rating": st.sampled_from([1, 5]),
    "search": st.sampled_from(
        ["анна", "АННА", "пётр", "петр анна", "brien", "ромашка", "script", "drop table", "иванов", "конец", "xxx"]
    ),
}
filters = st.lists(st.sampled_from(sorted(wanted)), min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.builds(CallFilter, **{name: wanted[name] for name in names})
)


async def pages(engine: AsyncEngine, chosen: CallFilter, order: str = NEWEST_FIRST, limit: int = 7) -> list[Call]:
    """All pages of it."""
    found: list[Call] = []
    cursor = ""
    for _ in range(1000):
        page = await list_calls(engine, chosen, order=order, limit=limit, cursor=cursor)
        found += page.calls
        if not (cursor := page.cursor):
            break
    return found


@pytest.fixture
def database(store_url: str) -> Iterator[tuple[asyncio.Runner, AsyncEngine]]:
    """For tests that hypothesis drives: one store, and one event loop."""
    with asyncio.Runner() as runner:
        engine = make_engine(store_url)
        runner.run(migrate(engine))
        yield runner, engine
        runner.run(engine.dispose())


async def empty(engine: AsyncEngine) -> None:
    """Without calls, as `waybell journal rebuild` begins: the index keeps what it had."""
    async with engine.begin() as connection:
        await connection.execute(calls.delete())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many, many, st.lists(filters, min_size=1, max_size=8), st.sampled_from(ORDERS), st.integers(1, 9), st.data())
def test_every_filter_gives_what_it_gives_in_plain_python(
    database: tuple[asyncio.Runner, AsyncEngine],
    indexed: list[Call],
    fresh: list[Call],
    asked: list[CallFilter],
    order: str,
    limit: int,
    data: st.DataObject,
) -> None:
    runner, engine = database
    everything = {each.id: each for each in (*indexed, *fresh)}
    ratings = {id_: rating for id_ in everything if (rating := data.draw(st.sampled_from([0, 0, 1, 5])))}

    async def check() -> None:
        await empty(engine)
        async with engine.begin() as connection:
            await connection.execute(update(calls).values(rating=None))
        await keep(
            engine, indexed, {id_: rating for id_, rating in ratings.items() if id_ not in {x.id for x in fresh}}
        )
        await index(engine)
        await keep(engine, fresh, {id_: rating for id_, rating in ratings.items() if id_ in {x.id for x in fresh}})
        for chosen in (CallFilter(), *asked):
            expected = filtered(everything.values(), chosen, order, ratings)
            assert [each.id for each in await pages(engine, chosen, order, limit)] == [each.id for each in expected]

    runner.run(check())


async def test_calls_that_began_at_once_are_on_one_page_each_whatever_their_facets(engine: AsyncEngine) -> None:
    same = [
        call(number, started_at=AT, courier="1", status=status, direction=direction)
        for number, (status, direction) in enumerate((s, d) for s in Status for d in Direction)
    ]
    await keep(engine, same)
    await index(engine)
    for order in ORDERS:
        for limit in (1, 2, 5):
            assert await pages(engine, CallFilter(courier="1"), order, limit) == filtered(same, CallFilter(), order, {})


async def test_a_call_that_began_at_another_time_than_it_was_indexed_with_is_shown_once(engine: AsyncEngine) -> None:
    await keep(engine, [call(9, courier="1"), *(call(number, courier="1") for number in range(3, 6))])
    await index(engine)
    await keep(engine, [call(9, courier="1", started_at=AT)])
    await index(engine)
    assert [each.id for each in await pages(engine, CallFilter(courier="1"), limit=1)] == [
        f"pbx1-{number}.0" for number in (5, 4, 3, 9)
    ]


async def test_what_is_not_indexed_yet_waits_for_its_turn(engine: AsyncEngine) -> None:
    await keep(engine, [call(number, courier="1") for number in range(10, 20)])
    await index(engine)
    await keep(engine, [call(number, courier="2") for number in range(14, 20)])
    await index(engine)
    await keep(engine, [call(number, courier="1") for number in range(4)])
    expected = [f"pbx1-{number}.0" for number in (13, 12, 11, 10, 3, 2, 1, 0)]
    assert [each.id for each in await pages(engine, CallFilter(courier="1"), limit=2)] == expected


async def test_what_is_forgotten_is_in_no_table_of_the_index(engine: AsyncEngine) -> None:
    others = [call(number, caller=Party("79160000000", "Анна Ким")) for number in range(3)]
    await keep(engine, [call(7, caller=Party("79161234567", "Анна Тайная"), courier="1"), *others])
    await index(engine)
    async with engine.begin() as connection:
        rows = (await connection.execute(select(calls).where(calls.c.id == "pbx1-7.0"))).mappings().all()
        await forget(connection, rows)
        await connection.execute(calls.delete().where(calls.c.id == "pbx1-7.0"))
    async with engine.connect() as connection:
        for table in (call_terms, search_runs, search_parts):
            terms = set((await connection.execute(select(table.c.term))).scalars())
            assert not {term for term in terms if "1234567" in term or "тайн" in term or term == "c1"}
            assert {"n79160000000", "wанна", "wким"} <= terms
        ids = set((await connection.execute(select(call_terms.c.call_id))).scalars())
    assert ids == {each.id for each in others}
    for chosen in (CallFilter(number="0000"), CallFilter(search="анна")):
        assert len((await list_calls(engine, chosen)).calls) == 3


FIVE = [call(number, caller=Party(name="Анна")) for number in range(5)]


async def test_a_call_that_comes_while_pages_are_turned_neither_doubles_nor_hides_another(engine: AsyncEngine) -> None:
    await keep(engine, FIVE[:4])
    for chosen in (CallFilter(), CallFilter(search="анна")):
        first = await list_calls(engine, chosen, limit=2)
        await keep(engine, [FIVE[4], call(9)])
        rest = await list_calls(engine, chosen, limit=9, cursor=first.cursor)
        assert [each.id for each in (*first.calls, *rest.calls)] == [each.id for each in FIVE[3::-1]]
        await empty(engine)
        await keep(engine, FIVE[:4])
        await index(engine)


async def test_a_call_that_changes_while_pages_are_turned_neither_doubles_nor_hides_another(
    engine: AsyncEngine,
) -> None:
    under_way = [call(number, status=Status.IN_PROGRESS, courier="11") for number in range(6)]
    await SqlJournalStore(engine, "pbx1").save([], under_way, None)
    seen: list[str] = []
    cursor = ""
    for number in range(3):
        page = await list_calls(engine, CallFilter(courier="11"), limit=2, cursor=cursor)
        seen += [each.id for each in page.calls]
        cursor = page.cursor
        await keep(engine, [call(n, status=Status.ANSWERED, courier="11") for n in (5 - number, number)])
        await index(engine)
    assert (seen, cursor) == ([each.id for each in under_way[::-1]], "")


async def test_a_call_written_anew_is_found_by_what_it_is_now_and_by_nothing_else(engine: AsyncEngine) -> None:
    await keep(engine, [call(1, courier="11", caller=Party("79161234567", "Анна"))])
    await index(engine)
    await keep(engine, [call(1, courier="12", caller=Party("79160000000", "Зоя"), status=Status.MISSED)])
    for indexed in (False, True):
        if indexed:
            await index(engine)
        for chosen in (CallFilter(courier="11"), CallFilter(number="4567"), CallFilter(search="анна")):
            assert (await list_calls(engine, chosen)).calls == ()
        for chosen in (CallFilter(courier="12"), CallFilter(number="0000"), CallFilter(search="зоя", status="missed")):
            assert len((await list_calls(engine, chosen)).calls) == 1


async def test_a_rating_outlasts_that_its_call_is_written_anew(engine: AsyncEngine) -> None:
    await keep(engine, FIVE, {FIVE[1].id: 5})
    await keep(engine, FIVE)
    await index(engine)
    assert [each.id for each in (await list_calls(engine, CallFilter(rating=5))).calls] == [FIVE[1].id]


async def test_what_is_written_while_the_index_is_made_is_indexed_as_it_is(engine: AsyncEngine) -> None:
    stop = asyncio.Event()
    indexing = asyncio.create_task(keep_indexed(engine, stop))
    source = random.Random(7)
    for _ in range(30):
        written = [
            call(number, courier=source.choice("12"), status=source.choice([Status.ANSWERED, Status.MISSED]))
            for number in source.sample(range(40), 10)
        ]
        await keep(engine, written)
    stop.set()
    await indexing
    await index(engine)
    everything = await pages(engine, CallFilter(), limit=100)
    for chosen in (CallFilter(courier="1"), CallFilter(courier="2", status="missed"), CallFilter(status="answered")):
        expected = filtered(everything, chosen, NEWEST_FIRST, {})
        assert await pages(engine, chosen) == expected


async def test_calls_under_way_are_found_and_not_indexed(engine: AsyncEngine) -> None:
    await SqlJournalStore(engine, "pbx1").save([], [call(1, status=Status.IN_PROGRESS, courier="11")], None)
    assert await index_some(engine) == 0
    assert len((await list_calls(engine, CallFilter(courier="11", status="in_progress"))).calls) == 1


async def test_two_that_index_at_once_index_everything_once(engine: AsyncEngine) -> None:
    await keep(engine, [call(number, courier="1") for number in range(50)])
    await asyncio.gather(index(engine), index(engine), return_exceptions=True)
    await index(engine)
    async with engine.connect() as connection:
        query = select(func.count()).select_from(call_terms).where(call_terms.c.term == "c1")
        assert (await connection.execute(query)).scalar() == 50


async def test_calls_are_counted_exactly_up_to_a_thousand(engine: AsyncEngine) -> None:
    for number, expected in ((999, (999, True)), (1000, (1000, True)), (1001, (1000, False))):
        await empty(engine)
        await keep(engine, [call(n, courier="11") for n in range(number)])
        for chosen in (CallFilter(), CallFilter(courier="11")):
            page = await list_calls(engine, chosen)
            found = await count_calls(engine, chosen, page)
            assert (found.calls, found.exact) == expected
        while await index_some(engine):
            pass
        page = await list_calls(engine, CallFilter(courier="11"))
        found = await count_calls(engine, CallFilter(courier="11"), page)
        assert (found.calls, found.exact) == expected


async def test_a_single_page_is_counted_without_being_asked_for_again(engine: AsyncEngine) -> None:
    await engine.dispose()
    found = await count_calls(engine, CallFilter(), Page((FIVE[0],), ""))
    assert (found.calls, found.exact) == (1, True)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_name_of_any_kind_is_kept_as_it_came_and_found_by_its_words(engine: AsyncEngine, name: str) -> None:
    hostile = call(7, caller=Party("79161234567", name), courier=name[:100].strip(), parcel=name[:100].strip())
    await keep(engine, [hostile, *FIVE])
    stored = name.encode("utf-8", "backslashreplace").decode()
    for _ in range(2):
        [found] = (await list_calls(engine, CallFilter(number="1234567"))).calls
        assert found.caller.name == stored
        assert [each.id for each in (await list_calls(engine, CallFilter(courier=found.courier or ""))).calls] == [
            found.id
        ]
        try:
            searched = CallFilter(search=stored).checked()
        except BadFilterError:
            assert not CallFilter(search=stored).words()[:8] or len(CallFilter(search=stored).words()) > 8
        else:
            assert found in (await list_calls(engine, searched)).calls
        await index(engine)


CURSOR = cursor_behind(FIVE[0], CallFilter())
FORGED = (
    "x",
    "====",
    "MTI",
    "é",
    CURSOR + "A",
    CURSOR[:-4],
    CURSOR.swapcase(),
    cursor_behind(FIVE[0], CallFilter(courier="11")),
    cursor_behind(FIVE[0], CallFilter(), ORDERS[1]),
    "MTc5NTMxNTk3NDAwMDAwMDpwYngxJyBPUiAxPTE",
    "' OR 1=1 --",
    "A" * 5000,
)


@pytest.mark.parametrize("cursor", FORGED, ids=lambda cursor: cursor[:20])
async def test_a_cursor_that_is_not_of_this_question_is_refused(engine: AsyncEngine, cursor: str) -> None:
    with pytest.raises(BadCursorError):
        await list_calls(engine, CallFilter(), cursor=cursor)


async def test_a_cursor_with_an_id_made_up_finds_nothing_it_should_not(engine: AsyncEngine) -> None:
    await keep(engine, FIVE)
    made_up = cursor_behind(call(3, id="' OR '1'='1"), CallFilter())
    assert [each.id for each in (await list_calls(engine, CallFilter(), cursor=made_up)).calls] == [
        each.id for each in FIVE[2::-1]
    ]
