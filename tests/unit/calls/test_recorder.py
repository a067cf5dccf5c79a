from __future__ import annotations

import asyncio
import gzip
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DataError, OperationalError
from structlog.testing import capture_logs

from tests.unit.calls.logbook import clock_set, hour, parse, raw_records, trace
from tests.unit.calls.memory_store import MemoryJournalStore
from waybell.calls.conversations import Conversations
from waybell.calls.fold import fold
from waybell.calls.logs import LogId
from waybell.calls.recorder import Recorder
from waybell.calls.values import Call, Status

LONG_AFTER = 4_000_000_000.0
AT_ONCE = 0.0


def expected(log: bytes) -> dict[str, Call]:
    """The rows that a log must become, made without any of the recorder's parts but parser and fold."""
    calls = [fold(ended.records, interrupted=ended.interrupted) for ended in Conversations().add(parse(log))]
    return {call.id: call for call in calls}


async def follow_to_the_end(recorder: Recorder) -> None:
    idle = 0
    while idle < 4:
        idle = 0 if recorder.poll() else idle + 1
    await recorder.flush()


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that ``run`` does by itself and tells nobody of."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


async def record(path: Path, store: MemoryJournalStore, now: float = AT_ONCE) -> Recorder:
    recorder = Recorder(store, path, now=lambda: now)
    await recorder.start()
    await follow_to_the_end(recorder)
    recorder.close()
    return recorder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "waybell.csv"


async def test_every_call_of_the_log_has_one_row(path: Path) -> None:
    log = hour(60)
    path.write_bytes(log)
    store = MemoryJournalStore()
    await record(path, store)
    assert store.rows == expected(log)
    assert len(store.rows) == 60


async def test_a_second_start_reads_only_from_the_oldest_open_conversation(path: Path) -> None:
    path.write_bytes(trace("busy") + b"".join(raw_records(trace("answered"))[:6]))
    store = MemoryJournalStore()
    await record(path, store)
    place = await store.place()
    assert place is not None
    assert place.offset == 0  # both stood in one chunk
    with path.open("ab") as file:
        file.write(b"".join(raw_records(trace("answered"))[6:]))
    await record(path, store)
    place = await store.place()
    assert place is not None
    assert place.offset == path.stat().st_size
    assert len(store.rows) == 2


async def test_a_call_that_lasts_has_a_row_at_once_which_its_end_replaces(path: Path) -> None:
    records = raw_records(trace("answered"))
    path.write_bytes(b"".join(records[:9]))
    store = MemoryJournalStore()
    recorder = Recorder(store, path, now=lambda: LONG_AFTER)
    await recorder.start()
    await follow_to_the_end(recorder)
    [row] = store.rows.values()
    assert row.status is Status.IN_PROGRESS
    saves = store.saves
    await recorder.flush()
    assert store.saves == saves, "nothing has happened, nothing is written"
    with path.open("ab") as file:
        file.write(b"".join(records[9:]))
    await follow_to_the_end(recorder)
    recorder.close()
    assert store.rows == expected(trace("answered"))


async def test_a_call_that_is_young_has_no_row_yet(path: Path) -> None:
    path.write_bytes(b"".join(raw_records(trace("answered"))[:9]))
    store = MemoryJournalStore()
    await record(path, store, now=1795311325.26 + 1.9)
    assert store.rows == {}


async def test_reading_again_does_not_put_a_finished_call_back_in_progress(path: Path) -> None:
    log = hour(30)
    path.write_bytes(log)
    store = MemoryJournalStore()
    await record(path, store)
    records = raw_records(log)
    path.write_bytes(b"".join(records[: len(records) // 2]))
    again = Recorder(store, path, now=lambda: LONG_AFTER)  # has no idea of how far the first one came
    store_place, store.saved_place = store.saved_place, None
    await again.start()
    store.saved_place = store_place
    await follow_to_the_end(again)
    again.close()
    assert store.rows == expected(log)


async def test_the_rest_of_a_call_whose_beginning_is_not_read_again_changes_nothing(path: Path) -> None:
    store = MemoryJournalStore()
    path.write_bytes(trace("answered"))
    await record(path, store)
    path.write_bytes(b"".join(raw_records(trace("answered"))[5:]))
    await record(path, store)
    assert store.rows == expected(trace("answered"))


async def test_a_call_whose_first_record_is_garbage_still_has_a_row(path: Path) -> None:
    path.write_bytes(b"garbage\n" + b"".join(raw_records(trace("answered"))[1:]))
    store = MemoryJournalStore()
    await record(path, store)
    assert [call.status for call in store.rows.values()] == [Status.ANSWERED]


async def test_garbage_is_counted_and_said_once(path: Path) -> None:
    path.write_bytes((b"garbage\n" + trace("busy")) * 5)
    with capture_logs() as logs:
        recorder = await record(path, MemoryJournalStore())
    assert recorder.fold.skipped == 5
    assert len([entry for entry in logs if "skipped" in entry["event"]]) == 1


async def test_while_the_store_is_down_nothing_is_lost_and_it_is_said_once(path: Path) -> None:
    log = hour(40)
    store = MemoryJournalStore()
    store.failure = OperationalError("INSERT", {}, Exception("gone away"))
    recorder = Recorder(store, path, now=lambda: LONG_AFTER)
    stop = asyncio.Event()
    with capture_logs() as logs:
        running = asyncio.create_task(recorder.run(stop, interval=0.001, flush_every=0.0, retry=0.001))
        path.write_bytes(log[: len(log) // 2])
        await until(lambda: any("stands still" in entry["event"] for entry in logs))
        store.failure = None
        await until(lambda: len(store.rows) >= 10)
        store.failure = TimeoutError("hangs")
        with path.open("ab") as file:
            file.write(log[len(log) // 2 :])
        failures = store.failures
        await until(lambda: store.failures > failures)
        store.failure = None
        await until(lambda: store.rows == expected(log))
        stop.set()
        await running
    assert [entry["event"] for entry in logs if "goes on" in entry["event"] and "stands" not in entry["event"]]
    assert sum("stands still" in entry["event"] for entry in logs) <= 2


async def test_stopping_writes_what_waits(path: Path) -> None:
    store = MemoryJournalStore()
    path.write_bytes(trace("busy"))
    recorder = Recorder(store, path)
    stop = asyncio.Event()
    running = asyncio.create_task(recorder.run(stop, interval=0.001, flush_every=3600))
    await until(lambda: recorder.waiting)
    stop.set()
    await running
    assert store.rows == expected(trace("busy"))


async def test_a_log_that_may_not_be_read_does_not_end_the_journal(path: Path) -> None:
    path.mkdir()
    store = MemoryJournalStore()
    stop = asyncio.Event()
    with capture_logs() as logs:
        running = asyncio.create_task(Recorder(store, path).run(stop, interval=0.001, flush_every=0.0, retry=0.001))
        await until(lambda: logs)
        path.rmdir()
        path.write_bytes(trace("busy"))
        await until(lambda: store.rows)
        stop.set()
        await running
    assert "IsADirectoryError" in logs[0]["error"]


async def test_a_call_that_the_database_refuses_does_not_keep_the_others_out(path: Path) -> None:
    class Picky(MemoryJournalStore):
        async def save(self, final, provisional, place, gone=()) -> None:  # type: ignore[no-untyped-def]
            if any(call.status is Status.BUSY for call in final):
                raise DataError("INSERT", {}, Exception("too long"))
            await super().save(final, provisional, place, gone)

    log = hour(32)
    path.write_bytes(log)
    store = Picky()
    with capture_logs() as logs:
        await record(path, store)
    assert store.rows == {key: call for key, call in expected(log).items() if call.status is not Status.BUSY}
    assert [entry["call"] for entry in logs] == [
        key for key, call in expected(log).items() if call.status is Status.BUSY
    ]


HOUR = hour(24)
ROWS = expected(HOUR)
ACTIONS = st.lists(
    st.one_of(
        st.integers(1, 6000),
        st.sampled_from(["poll", "flush", "crash", "rename", "gzip", "copytruncate"]),
    ),
    max_size=60,
)


class Machine:
    """A PBX, its log rotation and a Waybell that is killed now and then."""

    def __init__(self, folder: Path, doubled: Callable[[bytes], bytes]) -> None:
        self.path = folder / "waybell.csv"
        self.store = MemoryJournalStore()
        self._records = [doubled(record) for record in raw_records(HOUR)]
        self._half = b""
        self._rotated = 0
        self._recorder: Recorder | None = None

    async def do(self, action: int | str) -> None:
        if isinstance(action, int):
            self.write(action)
        elif action == "crash":
            self.crash()
        elif action == "poll":
            (await self.recorder()).poll()
        elif action == "flush":
            await (await self.recorder()).flush()
        else:
            self.rotate(action)

    async def recorder(self) -> Recorder:
        if self._recorder is None:
            self._recorder = Recorder(self.store, self.path, now=lambda: LONG_AFTER)
            await self._recorder.start()
        return self._recorder

    def write(self, size: int) -> None:
        data = self._half
        while len(data) < size and self._records:
            data += self._records.pop(0)
        self._half = data[size:]
        with self.path.open("ab") as file:
            file.write(data[:size])

    def crash(self) -> None:
        if self._recorder:
            self._recorder.close()
        self._recorder = None

    def rotate(self, how: str) -> None:
        self.write(len(self._half))
        self._rotated += 1
        if not self.path.exists():
            return
        target = self.path.with_name(f"waybell.csv-{self._rotated}")
        if how == "copytruncate":
            shutil.copy(self.path, target)
            self.path.write_bytes(b"")
            return
        self.path.rename(target)
        if how == "gzip":
            target.with_name(f"{target.name}.gz").write_bytes(gzip.compress(target.read_bytes()))
            target.unlink()

    async def finish(self) -> dict[str, Call]:
        self.write(len(HOUR) * 3)
        await follow_to_the_end(await self.recorder())
        self.crash()
        return self.store.rows


@settings(max_examples=150, deadline=None)
@given(actions=ACTIONS, doubled=st.booleans())
def test_whatever_happens_to_the_log_and_to_us_the_rows_are_the_same(actions: list[int | str], doubled: bool) -> None:
    async def play() -> dict[str, Call]:
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(Path(folder), lambda record: record * 2 if doubled else record)
            for action in actions:
                await machine.do(action)
            return await machine.finish()

    assert asyncio.run(play()) == ROWS


@pytest.mark.parametrize("cut", range(0, len(HOUR), len(HOUR) // 40))
async def test_killed_at_any_byte_the_next_start_makes_the_same_rows(path: Path, cut: int) -> None:
    store = MemoryJournalStore()
    path.write_bytes(HOUR[:cut])
    await record(path, store, now=LONG_AFTER)
    path.write_bytes(HOUR)
    await record(path, store, now=LONG_AFTER)
    assert store.rows == ROWS


CLOCK_SET = [clock_set(HOUR, days * 24 * 3600) for days in (3, -3)]


@pytest.mark.parametrize("log", CLOCK_SET, ids=["ahead", "back"])
@pytest.mark.parametrize("cut", [*range(0, len(HOUR), len(HOUR) // 40), len(HOUR)])
async def test_killed_at_any_byte_of_a_log_whose_clock_was_set_every_call_has_its_real_end(
    path: Path, cut: int, log: bytes
) -> None:
    store = MemoryJournalStore()
    path.write_bytes(log[:cut])
    await record(path, store, now=LONG_AFTER)
    path.write_bytes(log)
    await record(path, store, now=LONG_AFTER)
    assert store.rows == expected(log)
    assert not [call for call in store.rows.values() if call.status in (Status.INTERRUPTED, Status.IN_PROGRESS)]
    assert len(store.rows) == len(ROWS)


class Sizes(Recorder):
    """Notes how much of the log each look takes."""

    def __init__(self, store: MemoryJournalStore, path: Path) -> None:
        super().__init__(store, path)
        self.sizes: list[int] = []
        take = self.fold.take

        def noted(log: LogId, offset: int, data: bytes) -> None:
            self.sizes.append(len(data))
            take(log, offset, data)

        self.fold.take = noted  # type: ignore[method-assign]


async def test_what_came_since_the_last_look_is_taken_at_once_and_a_backlog_in_small_pieces(path: Path) -> None:
    sizes = Sizes(MemoryJournalStore(), path)
    await sizes.start()
    assert not sizes.poll()
    path.write_bytes(HOUR)
    assert 16 * 1024 < len(HOUR) < 128 * 1024
    assert sizes.poll()
    assert sizes.sizes == [len(HOUR)]
    with path.open("ab") as file:
        file.write(hour(240))
    while sizes.poll():
        pass
    assert sizes.sizes[1] == 128 * 1024
    assert max(sizes.sizes[2:]) == 16 * 1024
    sizes.close()


async def test_a_backlog_is_read_with_a_breath_after_each_piece(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def noted(stop: asyncio.Event, seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr("waybell.calls.recorder._pause", noted)
    log = hour(400)
    path.write_bytes(log)
    store, stop = MemoryJournalStore(), asyncio.Event()
    running = asyncio.create_task(Recorder(store, path).run(stop, interval=0.25, flush_every=0.0))
    await until(lambda: len(store.rows) == 400)
    stop.set()
    await running
    pieces = len(log) // (16 * 1024)
    assert pauses[:pieces] == [0.004] * pieces
    assert set(pauses[pieces:]) <= {0.25}


async def test_after_the_store_was_down_calls_are_written_in_parts_and_the_place_with_the_last(path: Path) -> None:
    class Parts(MemoryJournalStore):
        def __init__(self) -> None:
            super().__init__()
            self.parts: list[tuple[int, bool]] = []

        async def save(self, final, provisional, place, gone=()) -> None:  # type: ignore[no-untyped-def]
            self.parts.append((len(final), place is not None))
            await super().save(final, provisional, place, gone)

    log = hour(250)
    path.write_bytes(log)
    store = Parts()
    await record(path, store)
    assert store.parts == [(100, False), (100, False), (50, True)]
    assert store.rows == expected(log)


async def test_how_far_the_journal_is_behind_is_known_once_it_knows_its_place(path: Path) -> None:
    path.write_bytes(HOUR)
    recorder = Recorder(MemoryJournalStore(), path)
    assert recorder.behind() is None
    await recorder.start()
    assert recorder.behind() == len(HOUR)
    assert not recorder.caught_up
    await follow_to_the_end(recorder)
    assert (recorder.behind(), recorder.caught_up) == (0, True)
    recorder.close()
