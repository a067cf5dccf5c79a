"""One contract for the journal's store: in memory, in SQLite, in MariaDB over both drivers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.journal.conftest import DATABASES
from tests.unit.calls.logbook import NAMES, parse, trace
from tests.unit.calls.memory_store import MemoryJournalStore
from waybell.calls.fold import fold
from waybell.calls.journal import list_calls
from waybell.calls.logs import LogId, Place
from waybell.calls.rows import to_row
from waybell.calls.values import Call, Party, RouteStep, Status
from waybell.calls.writer import JournalStore, SqlJournalStore

CALLS = [fold(parse(trace(name))) for name in NAMES]
BUSY = fold(parse(trace("busy")))
PLACE = Place(LogId("a" * 32, 1795311325262949), 12345678901)


class Journal:
    """A store and a way to look into it."""

    def __init__(self, store: JournalStore, engine: AsyncEngine | None) -> None:
        self.store = store
        self._engine = engine

    async def rows(self) -> list[Call]:
        """All calls, newest first."""
        if isinstance(self.store, MemoryJournalStore):
            return newest_first(self.store.rows.values())
        assert self._engine is not None
        return list((await list_calls(self._engine, limit=5000)).calls)


def newest_first(calls: Iterable[Call]) -> list[Call]:
    return sorted(calls, key=lambda call: (call.started_at, call.id), reverse=True)


@pytest.fixture(params=["memory", *DATABASES])
def store_url(request: pytest.FixtureRequest, tmp_path: object) -> str:
    if request.param == "memory":
        return "sqlite+aiosqlite://"
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/waybell.db"
    return request.getfixturevalue("mariadb").database().store(request.param)  # type: ignore[no-any-return]


@pytest.fixture
def journal(request: pytest.FixtureRequest, store_url: str) -> Journal:
    if store_url == "sqlite+aiosqlite://":
        return Journal(MemoryJournalStore(), None)
    engine = request.getfixturevalue("engine")
    return Journal(SqlJournalStore(engine, "pbx1"), engine)


async def test_a_call_comes_back_as_it_was_written(journal: Journal) -> None:
    await journal.store.save(CALLS, [], PLACE)
    assert await journal.rows() == newest_first(CALLS)


async def test_a_call_written_twice_is_one_row(journal: Journal) -> None:
    for _ in range(2):
        await journal.store.save(CALLS, [], PLACE)
    assert await journal.rows() == newest_first(CALLS)


async def test_the_place_is_written_with_the_calls(journal: Journal) -> None:
    assert await journal.store.place() is None
    await journal.store.save([BUSY], [], PLACE)
    assert await journal.store.place() == PLACE
    later = replace(PLACE, offset=0)
    await journal.store.save([], [], later)
    await journal.store.save([], [], None)
    assert await journal.store.place() == later


async def test_a_call_in_progress_is_replaced_by_whatever_comes(journal: Journal) -> None:
    early = fold(parse(trace("busy"))[:4])
    later = fold(parse(trace("busy"))[:9])
    await journal.store.save([], [early], PLACE)
    assert await journal.rows() == [early]
    await journal.store.save([], [later], PLACE)
    assert await journal.rows() == [later]
    await journal.store.save([BUSY], [], PLACE)
    assert await journal.rows() == [BUSY]


async def test_a_finished_call_is_not_replaced_by_a_provisional_one(journal: Journal) -> None:
    await journal.store.save([BUSY], [], PLACE)
    interrupted = replace(BUSY, status=Status.INTERRUPTED)
    await journal.store.save([], [fold(parse(trace("busy"))[:4]), interrupted], PLACE)
    assert await journal.rows() == [BUSY]


async def test_many_calls_go_in_one_transaction(journal: Journal) -> None:
    many = [replace(BUSY, id=f"pbx1-{number}.0") for number in range(1200)]
    await journal.store.save([], many, PLACE)
    await journal.store.save(many[:700], many[700:], PLACE)
    assert len(await journal.rows()) == 1200


def test_text_from_outside_never_is_too_long_for_its_column() -> None:
    long = "ё" * 9000
    huge = replace(BUSY, caller=Party(long, long, long, long), answered_by=Party(long, long, long, long))
    row = to_row(replace(huge, id=long, parcel=long, dialed=long, courier=long, client=long, manager=long), "pbx1")
    assert {name: len(value) for name, value in row.items() if isinstance(value, str)}["caller_name"] == 200


async def test_text_of_any_kind_is_stored(journal: Journal) -> None:
    texts = ["'; DROP TABLE calls; --", "😀 ё 李 \x00\x07\r\n", "%s %(id)s :id {x}", "\\", "é" * 200]
    calls = [
        replace(
            BUSY,
            id=f"pbx1-{number}.0",
            caller=Party("1", text, "client", text[:100]),
            route=(RouteStep(1, text, text, text, text, "crm"),),
        )
        for number, text in enumerate(texts)
    ]
    await journal.store.save(calls, [], PLACE)
    assert await journal.rows() == newest_first(calls)


async def test_lone_surrogates_do_not_stop_the_journal(engine: AsyncEngine) -> None:
    broken = replace(BUSY, parcel="\ud800", route=(RouteStep(1, "a", "dial", "\ud800", None, "crm"),))
    await SqlJournalStore(engine, "pbx1").save([broken], [], PLACE)
    [call] = (await list_calls(engine)).calls
    assert call.parcel == "\\ud800"


async def test_calls_of_two_pbxs_share_a_journal_and_have_a_place_each(engine: AsyncEngine) -> None:
    one, two = SqlJournalStore(engine, "pbx1"), SqlJournalStore(engine, "pbx2")
    await one.save([BUSY], [], PLACE)
    await two.save([replace(BUSY, id="pbx2-1.0")], [], replace(PLACE, offset=7))
    assert (await one.place(), await two.place()) == (PLACE, replace(PLACE, offset=7))
    assert len((await list_calls(engine)).calls) == 2


async def test_a_call_that_became_part_of_another_one_goes_if_it_is_in_progress(journal: Journal) -> None:
    going, settled = replace(BUSY, id="pbx1-1.5", status=Status.IN_PROGRESS), replace(BUSY, id="pbx1-1.6")
    await journal.store.save([settled], [going], None)
    await journal.store.save([BUSY], [], PLACE, {going.id, settled.id, "pbx1-unknown"})
    assert await journal.rows() == newest_first([BUSY, settled])
