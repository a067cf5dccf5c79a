"""Figures are those of the same calls in plain Python, in every database, zone and grouping."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.search.cast import AT, call, index, keep
from tests.loopback.search.test_calls_api import problem, web
from waybell.calls.queries import CallFilter
from waybell.calls.search_port import Journal
from waybell.calls.stats import By, Figures, Spread
from waybell.calls.values import Call, Direction, Status
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate
from waybell.store.tables import calls

ZONES = ("UTC", "Europe/Moscow", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")
# Clocks change in New York on 1 November 2026 at 6:00 UTC and on Lord Howe on 3 October.
SPAN = timedelta(days=60) // timedelta(microseconds=1)
durations = st.integers(0, 3_600_000).map(lambda milliseconds: milliseconds / 1000)
made = st.builds(
    call,
    st.integers(0, 10_000),
    started_at=st.integers(AT - SPAN, AT),
    status=st.sampled_from(Status),
    direction=st.sampled_from(Direction),
    dialed=st.sampled_from([None, "74951234567", "78121234567"]),
    courier=st.sampled_from([None, "1", "2"]),
    client=st.sampled_from([None, "1", "2"]),
    manager=st.sampled_from([None, "199", "199,100"]),
    wait_seconds=durations,
    talk_seconds=durations,
)
many = st.lists(made, max_size=50, unique_by=lambda each: each.id)


@pytest.fixture
def database(store_url: str) -> Iterator[tuple[asyncio.Runner, AsyncEngine]]:
    with asyncio.Runner() as runner:
        engine = make_engine(store_url)
        runner.run(migrate(engine))
        yield runner, engine
        runner.run(engine.dispose())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many, st.sampled_from(By), st.sampled_from(ZONES), st.sampled_from(["", "1"]))
def test_figures_are_those_of_plain_python(
    database: tuple[asyncio.Runner, AsyncEngine], found: list[Call], by: By, zone: str, courier: str
) -> None:
    runner, engine = database

    async def check() -> None:
        async with engine.begin() as connection:
            await connection.execute(calls.delete())
        await keep(engine, found[::2])
        await index(engine)
        await keep(engine, found[1::2])
        chosen = CallFilter(since=AT - SPAN // 2, courier=courier)
        tally = await Journal(engine).stats(chosen, by, ZoneInfo(zone))
        wanted = [each for each in found if each.started_at >= AT - SPAN // 2 and courier in ("", each.courier)]
        assert tally.total() == figures(wanted)
        groups: dict[str | None, list[Call]] = defaultdict(list)
        for each in wanted:
            for key in keys(each, by, zone):
                groups[key].append(each)
        assert dict(tally.groups()) == {key: figures(some) for key, some in groups.items()}

    runner.run(check())


def keys(each: Call, by: By, zone: str) -> list[str | None]:
    local = datetime.fromtimestamp(each.started_at / 1_000_000, UTC).astimezone(ZoneInfo(zone))
    match by:
        case By.HOUR:
            return [f"{local.hour:02}"]
        case By.DAY:
            return [local.date().isoformat()]
        case By.MANAGER:
            return list(each.manager.split(",")) if each.manager else [None]
        case By.LINE:
            return [each.dialed if each.direction is Direction.INBOUND else None]
        case By.COURIER:
            return [each.courier]
        case By.CLIENT:
            return [each.client]


def figures(some: list[Call]) -> Figures:
    answered = [each for each in some if each.status is Status.ANSWERED]
    statuses = {status.value: sum(each.status is status for each in some) for status in Status}
    waits, talks = [each.wait_seconds for each in answered], [each.talk_seconds for each in answered]
    return Figures(len(some), statuses, spread(waits), spread(talks))


def spread(values: list[float]) -> Spread:
    """By definition: the least value that so many of them are not above."""
    if not values:
        return Spread(None, None)
    return Spread(*(min(v for v in values if sum(w <= v for w in values) >= n / 100 * len(values)) for n in (50, 95)))


async def test_over_http_figures_come_by_what_was_asked(engine: AsyncEngine) -> None:
    await keep(
        engine,
        [
            call(1, courier="1", wait_seconds=2.0, talk_seconds=10.0),
            call(2, courier="1", wait_seconds=4.0, talk_seconds=20.5),
            call(3, courier="2", status=Status.MISSED),
        ],
    )
    query = {"by": "courier", "from": "2026-11-22T05:00 03:00", "until": "2026-11-23", "tz": "Europe/Moscow"}
    async with web(engine) as client:
        answer = (await client.get("/stats", params=query)).json()
    assert (answer["from"], answer["until"]) == ("2026-11-22T02:00:00.000000Z", "2026-11-23T00:00:00.000000Z")
    shown: Any = {found["key"]: found for found in answer["groups"]}
    assert shown["1"]["wait_seconds"] == {"median": 2.0, "p95": 4.0}
    assert shown["1"]["talk_seconds"] == {"median": 10.0, "p95": 20.5}
    assert (shown["1"]["answered"], shown["2"]["missed"], answer["total"]["calls"]) == (2, 1, 3)
    assert shown["2"]["wait_seconds"] == {"median": None, "p95": None}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({}, "/by"),
        ({"by": "weather"}, "/by"),
        ({"by": "day", "tz": "Mars/Olympus"}, "/tz"),
        ({"by": "day", "tz": "../../etc/passwd"}, "/tz"),
        ({"by": "day", "tz": "Europe/Moscow/"}, "/tz"),
        ({"by": "day", "tz": "Europe"}, "/tz"),
        ({"by": "day", "from": "2024-01-01", "until": "2026-01-01"}, "/from"),
        ({"by": "day", "from": "2026-01-02", "until": "2026-01-01"}, "/from"),
        ({"by": "day", "from": "1000-01-01"}, "/from"),
        ({"by": "day", "search": "x"}, "/search"),
    ],
    ids=str,
)
async def test_what_cannot_be_told_is_refused_with_where_it_is_wrong(
    engine: AsyncEngine, query: dict[str, str], pointer: str
) -> None:
    async with web(engine) as client:
        assert problem(await client.get("/stats", params=query)) == (422, "invalid-request", [pointer])


async def test_couriers_may_not_see_figures(engine: AsyncEngine) -> None:
    async with web(engine, "eleven") as client:
        assert problem(await client.get("/stats", params={"by": "day"})) == (403, "missing-scope", [])
