"""No question hangs: the database stops, or is given up."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from lab.mariadb import MariaDB
from tests.loopback.search.cast import call, keep
from tests.loopback.search.test_calls_api import problem, web
from waybell.calls.search_deadline import TooSlowError, bounded
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
    "mysql": "SELECT COUNT(*) FROM seq_1_to_1000000 a JOIN seq_1_to_1000000 b ON a.seq < b.seq",
}


async def test_a_question_without_end_is_stopped_and_the_connection_serves_on(engine: AsyncEngine) -> None:
    for _ in range(8):  # more than the pool has
        with pytest.raises(TooSlowError, match=r"within 0\.1 seconds; narrow it down"):
            async with bounded(engine, 0.1) as connection:
                await connection.execute(text(ENDLESS[engine.dialect.name]))
    async with bounded(engine, 5) as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar() == 1


async def test_a_question_that_was_answered_leaves_no_deadline_behind(engine: AsyncEngine) -> None:
    async with bounded(engine, 0.1) as connection:
        await connection.execute(text("SELECT 1"))
    await asyncio.sleep(0.15)
    async with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            assert (await connection.execute(text("SELECT 1"))).scalar() == 1
        else:
            assert (await connection.execute(text("SELECT @@max_statement_time"))).scalar() == 0


async def test_other_errors_stay_what_they_are(engine: AsyncEngine) -> None:
    with pytest.raises(Exception, match="nowhere"):
        async with bounded(engine, 5) as connection:
            await connection.execute(text("SELECT * FROM nowhere"))


async def test_whoever_waits_too_long_for_a_connection_is_told_so(engine: AsyncEngine) -> None:
    async with asyncio.timeout(20):
        pool = engine.pool
        assert isinstance(pool, QueuePool)
        held = [await engine.connect() for _ in range(pool.size() + 10)]
        with pytest.raises(TooSlowError):
            async with bounded(engine, 0.1):
                pass
        for connection in held:
            await connection.close()


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", ["asyncmy", "aiomysql"])
async def test_a_store_that_hangs_is_a_503_that_says_what_to_do(mariadb_alone: MariaDB, driver: str) -> None:
    engine = make_engine(mariadb_alone.database().store(driver))
    await migrate(engine)
    await keep(engine, [call(1)])
    async with web(engine, seconds=0.2) as client:
        assert len((await client.get("/calls")).json()["calls"]) == 1
        with mariadb_alone.frozen():
            for path in ("/calls", "/calls?format=csv", "/calls?format=xlsx", "/calls/pbx1-1.0", "/stats?by=day"):
                async with asyncio.timeout(10):
                    answer = await client.get(path)
                assert problem(answer) == (503, "search-too-slow", [])
                assert "narrow it down" in answer.json()["detail"]
                assert answer.headers["retry-after"] == "2"
        assert len((await client.get("/calls")).json()["calls"]) == 1
    await engine.dispose()
