from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from tests.unit.calls.logbook import another, trace
from tests.unit.calls.memory_store import MemoryJournalStore
from tests.unit.calls.test_recorder import expected, until
from waybell.calls.keeper import Keeper
from waybell.calls.recorder import Recorder

BUSY = trace("busy")


class Poisoned(Recorder):
    """Trips over the log as long as there is poison."""

    poison = True

    def poll(self) -> bool:
        if Poisoned.poison:
            raise KeyError("poison")
        return super().poll()


class Silent(MemoryJournalStore):
    """Accepts and never answers."""

    async def save(self, *_: object) -> None:
        await asyncio.Event().wait()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "waybell.csv"
    path.write_bytes(BUSY)
    return path


async def ready() -> None:
    """A store that is as it should be."""


Prepare = Callable[[], Awaitable[None]]


def keeper(path: Path, store: MemoryJournalStore, prepare: Prepare = ready, kind: type[Recorder] = Recorder) -> Keeper:
    return Keeper(prepare, lambda: kind(store, path), again=0.001, last_seconds=0.05)


def is_well(kept: Keeper) -> bool:
    """Asked anew each time: it changes by itself."""
    return kept.well


async def test_an_error_of_our_own_is_told_with_its_traceback_and_the_journal_begins_again_where_it_was(
    path: Path,
) -> None:
    store, stop = MemoryJournalStore(), asyncio.Event()
    Poisoned.poison = True
    kept = keeper(path, store, kind=Poisoned)
    with capture_logs() as logs:
        running = asyncio.create_task(kept.keep(stop))
        await until(lambda: logs)
        assert not is_well(kept)
        Poisoned.poison = False
        await until(lambda: kept.well)
        assert store.rows == expected(BUSY), "well only once the log is read to its end"
        with path.open("ab") as log:
            log.write(another(BUSY, 1, 1))
        await until(lambda: kept.waiting)
        assert is_well(kept), "what waits to be written is no trouble"
        stop.set()
        await running
    [told] = logs
    assert "KeyError" in told["error"]
    assert isinstance(told["exc_info"], KeyError)
    assert told["exc_info"].__traceback__ is not None


async def test_an_error_that_comes_again_and_again_is_told_once_and_is_not_well(path: Path) -> None:
    Poisoned.poison = True
    attempts = 0

    async def prepare() -> None:
        nonlocal attempts
        attempts += 1

    kept, stop = keeper(path, MemoryJournalStore(), prepare, Poisoned), asyncio.Event()
    with capture_logs() as logs:
        running = asyncio.create_task(kept.keep(stop))
        await until(lambda: attempts > 3)
        assert not kept.well
        stop.set()
        await running
    assert len(logs) == 1


@pytest.mark.parametrize(
    "error", [OperationalError("SELECT", {}, Exception("gone")), OSError(5, "disk"), TimeoutError()]
)
async def test_a_store_that_cannot_be_prepared_is_told_once_and_tried_until_it_can(
    path: Path, error: Exception
) -> None:
    store, stop, attempts = MemoryJournalStore(), asyncio.Event(), 0

    async def prepare() -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 4:
            raise error

    kept = keeper(path, store, prepare)
    with capture_logs() as logs:
        running = asyncio.create_task(kept.keep(stop))
        assert not kept.well
        await until(lambda: kept.well)
        await until(lambda: kept.waiting)
        stop.set()
        await running
    assert [entry["log_level"] for entry in logs] == ["error", "info"]
    assert store.rows == expected(BUSY)


async def test_a_stop_does_not_wait_for_a_store_that_gives_no_answer_while_it_is_prepared(path: Path) -> None:
    asked, stop = asyncio.Event(), asyncio.Event()

    async def prepare() -> None:
        asked.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(Keeper(prepare, lambda: Recorder(MemoryJournalStore(), path)).keep(stop))
    await asked.wait()
    stop.set()
    async with asyncio.timeout(2):
        await running


async def test_a_stop_waits_only_so_long_for_a_store_that_does_not_take_the_last_calls(path: Path) -> None:
    stop = asyncio.Event()
    kept = keeper(path, Silent())
    with capture_logs() as logs:
        running = asyncio.create_task(kept.keep(stop))
        await until(lambda: kept.waiting)
        stop.set()
        async with asyncio.timeout(2):
            await running
    assert ["takes too long" in entry["event"] for entry in logs] == [True]


async def test_a_stop_writes_what_waits(path: Path) -> None:
    store, stop = MemoryJournalStore(), asyncio.Event()
    kept = keeper(path, store)
    running = asyncio.create_task(kept.keep(stop))
    await until(lambda: kept.waiting)
    stop.set()
    await running
    assert store.rows == expected(BUSY)


async def test_how_far_it_is_behind_is_not_known_before_the_store_says_where_it_was(path: Path) -> None:
    store, stop = MemoryJournalStore(), asyncio.Event()
    store.failure = TimeoutError()
    kept = keeper(path, store)
    assert kept.behind() is None
    running = asyncio.create_task(kept.keep(stop))
    with capture_logs() as logs:
        await until(lambda: logs)
        assert kept.behind() is None
        store.failure = None
        await until(lambda: kept.behind() == 0)
        stop.set()
        await running
