"""From the log and the calls' table into the outbox: everything once, whatever ends in between."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.unit.calls.logbook import another, hour, raw_records, trace
from tests.unit.calls.test_changes import told
from waybell.callbacks.store import CallbackStore, Draft
from waybell.callbacks.values import Callback, Kind, Party, Plan, Status
from waybell.calls.feed import CallFeed
from waybell.calls.logs import Place
from waybell.calls.values import utc
from waybell.store.webhook_tables import webhook_outbox
from waybell.webhooks.collecting import Collector
from waybell.webhooks.outbox import Outbox
from waybell.webhooks.sources import CallbackSource, LogSource, Source

HOUR = hour(30)
IDS = [one.change.id for one in told(HOUR)]
NOW = utc(told(HOUR)[-1].change.at)
ALL = ("call.started", "call.routed", "call.answered", "call.ended", "call.missed", "callback.changed")


async def unknown() -> Place | None:
    return None


def log_source(path: Path) -> LogSource:
    made = LogSource(path, "pbx1", CallFeed, unknown)
    made.pause = 0.005
    return made


@asynccontextmanager
async def collecting(
    engine: AsyncEngine, source: Source, types: tuple[str, ...] = ALL, now: datetime = NOW
) -> AsyncIterator[Outbox]:
    outbox, stop = Outbox(engine), asyncio.Event()
    wanted = {type_: ["crm"] for type_ in types}
    task = asyncio.create_task(Collector(source, outbox, wanted, lambda: now, lambda: None).run(stop))
    try:
        yield outbox
    finally:
        stop.set()
        await task


async def killed(engine: AsyncEngine, source: Source, after: float) -> None:
    """A collector that ends anywhere, as a process does that is killed."""
    outbox = Outbox(engine)
    run = Collector(source, outbox, {type_: ["crm"] for type_ in ALL}, lambda: NOW, lambda: None).run(asyncio.Event())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(after):
            await run


async def rows(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        query = select(webhook_outbox.c.event_id).order_by(webhook_outbox.c.id)
        return list((await connection.execute(query)).scalars())


async def until(engine: AsyncEngine, number: int, deadline: float = 20.0) -> list[str]:
    try:
        async with asyncio.timeout(deadline):
            while len(found := await rows(engine)) < number:  # noqa: ASYNC110
                await asyncio.sleep(0.02)  # a table tells nobody
    except TimeoutError:
        raise TimeoutError(f"{len(await rows(engine))} of {number}") from None
    return found


async def begun(engine: AsyncEngine, name: str) -> None:
    """Returns once the source's first place is stored."""
    async with asyncio.timeout(10):
        while await Outbox(engine).place(name) is None:  # noqa: ASYNC110 -- a table tells nobody
            await asyncio.sleep(0.01)


async def test_what_was_in_the_log_before_is_told_nobody_and_calls_under_way_go_on(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    path, records = tmp_path / "waybell.csv", raw_records(HOUR)
    half = len(records) // 2
    path.write_bytes(b"".join(records[:half]))
    before = len(told(b"".join(records[:half])))
    async with collecting(engine, log_source(path)):
        await begun(engine, "log:pbx1")
        with path.open("ab") as file:
            file.write(b"".join(records[half:]))
        assert await until(engine, len(IDS) - before) == IDS[before:]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_killed_and_rotated_everything_is_put_in_once_and_in_order(
    engine: AsyncEngine, tmp_path: Path, seed: int
) -> None:
    path, records, dice = tmp_path / "waybell.csv", raw_records(HOUR), random.Random(seed)
    path.write_bytes(records[0])
    async with collecting(engine, log_source(path)):
        await begun(engine, "log:pbx1")
    at = 1
    while at < len(records):
        some = dice.randint(1, 60)
        data = b"".join(records[at : at + some])
        cut = dice.randint(0, len(data))  # a record may be half written
        with path.open("ab") as file:
            file.write(data[:cut])
            file.flush()
            await killed(engine, log_source(path), dice.random() * 0.1)
            file.write(data[cut:])
        at += some
        if dice.random() < 0.3:
            for number in range(9, 0, -1):
                if (older := path.with_name(f"waybell.csv.{number}")).exists():
                    older.rename(path.with_name(f"waybell.csv.{number + 1}"))
            path.rename(path.with_name("waybell.csv.1"))
    async with collecting(engine, log_source(path)):
        found = await until(engine, len(IDS) - 1)
    assert found == IDS[1:]


async def test_what_was_told_and_forgotten_since_is_not_told_again(engine: AsyncEngine, tmp_path: Path) -> None:
    """The place alone sees to it, though the calls under way then are read again from their beginning."""
    path, records = tmp_path / "waybell.csv", raw_records(HOUR)
    half = b"".join(records[: len(records) // 2])
    before = len(told(half))
    async with collecting(engine, log_source(path)):
        await begun(engine, "log:pbx1")
        path.write_bytes(half)
        await until(engine, before)
    async with engine.begin() as connection:
        await connection.execute(delete(webhook_outbox))
    async with collecting(engine, log_source(path)):
        with path.open("ab") as file:
            file.write(b"".join(records[len(records) // 2 :]))
        assert await until(engine, len(IDS) - before) == IDS[before:]


async def test_two_instances_that_read_the_same_log_put_everything_in_once_and_each_call_in_order(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    path, records = tmp_path / "waybell.csv", raw_records(HOUR)
    async with collecting(engine, log_source(path)), collecting(engine, log_source(path)):
        await begun(engine, "log:pbx1")
        for at in range(0, len(records), 25):
            with path.open("ab") as file:
                file.write(b"".join(records[at : at + 25]))
            await asyncio.sleep(0.01)
        found = await until(engine, len(IDS))
    assert sorted(found) == sorted(IDS)
    for call in {key.split("/")[0] for key in IDS}:
        assert [key for key in found if key.startswith(f"{call}/")] == [
            key for key in IDS if key.startswith(f"{call}/")
        ]


async def test_while_the_store_fails_nothing_is_lost(engine: AsyncEngine, tmp_path: Path) -> None:
    path = tmp_path / "waybell.csv"
    async with collecting(engine, log_source(path)):
        await begun(engine, "log:pbx1")
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE webhook_places RENAME TO elsewhere"))
        path.write_bytes(HOUR)
        await asyncio.sleep(0.2)
        assert await rows(engine) == []
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE elsewhere RENAME TO webhook_places"))
        assert await until(engine, len(IDS)) == IDS


async def test_only_what_somebody_wants_is_put_in(engine: AsyncEngine, tmp_path: Path) -> None:
    path, wanted = tmp_path / "waybell.csv", [key for key in IDS if key.endswith("/missed")]
    async with collecting(engine, log_source(path), ("call.missed",)):
        await begun(engine, "log:pbx1")
        path.write_bytes(HOUR)
        assert await until(engine, len(wanted)) == wanted


async def test_what_happened_more_than_three_days_ago_is_told_nobody(engine: AsyncEngine, tmp_path: Path) -> None:
    path = tmp_path / "waybell.csv"
    now = NOW + timedelta(days=3, hours=1)
    async with collecting(engine, log_source(path), now=now):
        await begun(engine, "log:pbx1")
        fresh = another(trace("answered"), 7, 3 * 86400 + 5000)
        path.write_bytes(HOUR + fresh)
        found = await until(engine, 4)
        assert [key.split("/")[2] for key in found] == ["started", "routed", "answered", "ended"]


def callback(number: int, at: datetime, status: Status = Status.REQUESTED) -> Callback:
    plan = Plan(Kind.CALLBACK, Party("79010000011"), Party("79161000001"), "11", "10")
    return Callback(f"cb{number:016x}", plan, status, at, at)


async def test_every_change_of_a_call_that_waybell_places_is_told(engine: AsyncEngine) -> None:
    store, moment = CallbackStore(engine, 10.0), datetime.now(UTC)
    source = CallbackSource(engine, "pbx1", lambda: datetime.now(UTC).replace(tzinfo=None))
    source.pause = 0.01
    draft = Draft("token:1", "before", "h", callback(1, moment), 60)
    await store.place(draft, lambda _: draft.callback)
    async with collecting(engine, source, now=datetime.now(UTC).replace(tzinfo=None)):
        await begun(engine, "callbacks:pbx1")
        new = Draft("token:1", "after", "h", callback(2, datetime.now(UTC)), 60)
        await store.place(new, lambda _: new.callback)
        assert await until(engine, 1) == ["cb0000000000000002/0"]
        for number, status in enumerate((Status.CALLING_COURIER, Status.CONFIRMING, Status.FAILED), 1):
            await change(store, 2, status)
            assert (await until(engine, 1 + number))[-1] == f"cb0000000000000002/{number}"
        await change(store, 1, Status.CALLING_COURIER)
        assert (await until(engine, 5))[-1] == "cb0000000000000001/1"


async def test_changes_that_came_while_nobody_looked_are_told_later(engine: AsyncEngine) -> None:
    store = CallbackStore(engine, 10.0)

    def source() -> CallbackSource:
        made = CallbackSource(engine, "pbx1", lambda: datetime.now(UTC).replace(tzinfo=None))
        made.pause = 0.01
        return made

    async with collecting(engine, source(), now=datetime.now(UTC).replace(tzinfo=None)):
        await begun(engine, "callbacks:pbx1")
    draft = Draft("token:1", "k", "h", callback(3, datetime.now(UTC)), 60)
    await store.place(draft, lambda _: draft.callback)
    await change(store, 3, Status.FAILED)
    async with collecting(engine, source(), now=datetime.now(UTC).replace(tzinfo=None)):
        assert await until(engine, 1) == ["cb0000000000000003/1"]


async def change(store: CallbackStore, number: int, status: Status) -> None:
    from dataclasses import replace

    now = datetime.now(UTC)
    ended = now if status is Status.FAILED else None
    await store.change(f"cb{number:016x}", lambda call: replace(call, status=status, changed_at=now, ended_at=ended))
