"""The pool's own promises, with sessions that only count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from waybell.people import pool as pool_module
from waybell.people.pool import CrmDown, Pool


class Counting:
    def __init__(self) -> None:
        self.last_used = 0.0
        self.probes = self.aborts = self.goodbyes = 0
        self.probed = asyncio.Event()
        self.broken = False

    async def probe(self) -> None:
        self.probes += 1
        self.probed.set()
        if self.broken:
            raise ConnectionError("gone")

    def abort(self) -> None:
        self.aborts += 1

    async def close(self) -> None:
        self.goodbyes += 1


class Maker:
    """Makes sessions when let; ``error`` makes it fail."""

    def __init__(self) -> None:
        self.made: list[Counting] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error = ""
        self.tried = asyncio.Condition()
        self.attempts = 0

    async def __call__(self) -> Counting:
        self.attempts += 1
        async with self.tried:
            self.tried.notify_all()
        await self.gate.wait()
        if self.error:
            raise ConnectionError(self.error)
        self.made.append(Counting())
        return self.made[-1]

    async def until_tried(self, times: int) -> None:
        async with self.tried, asyncio.timeout(30):
            await self.tried.wait_for(lambda: self.attempts >= times)


@pytest.fixture
def make() -> Maker:
    return Maker()


@pytest.fixture
async def pool(make: Maker) -> AsyncIterator[Pool[Counting]]:
    pool = Pool(make, 3, str)
    pool.start()
    yield pool
    await pool.close()


async def test_the_first_session_is_made_ahead(pool: Pool[Counting], make: Maker) -> None:
    await make.until_tried(1)
    assert make.attempts == 1


async def test_no_more_sessions_are_made_than_allowed_and_a_free_one_goes_to_who_waits_longest(
    pool: Pool[Counting], make: Maker
) -> None:
    first, *_ = [await pool.take() for _ in range(3)]
    waiting = [asyncio.create_task(pool.take()) for _ in range(2)]
    await asyncio.sleep(0)
    pool.give(first)
    assert await waiting[0] is first
    assert not waiting[1].done()
    pool.give(first)
    assert await waiting[1] is first
    assert make.attempts == 3


async def test_a_session_that_comes_in_the_moment_its_waiter_is_cancelled_is_not_lost(
    pool: Pool[Counting], make: Maker
) -> None:
    sessions = [await pool.take() for _ in range(3)]
    waiter = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    pool.give(sessions[0])
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert await pool.take() is sessions[0]


async def test_who_gave_up_waiting_is_passed_over(pool: Pool[Counting]) -> None:
    sessions = [await pool.take() for _ in range(3)]
    gone, patient = asyncio.create_task(pool.take()), asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    pool.give(sessions[0])
    assert await patient is sessions[0]


async def test_a_dropped_session_is_aborted_replaced_and_never_given_again(pool: Pool[Counting], make: Maker) -> None:
    session = await pool.take()
    pool.drop(session)
    assert session.aborts == 1
    assert await pool.take() is not session


async def test_failures_in_a_row_turn_away_everybody_at_once_until_an_attempt_succeeds(
    pool: Pool[Counting], make: Maker
) -> None:
    held = [await pool.take() for _ in range(3)]
    waiting = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    make.gate.clear()
    for session in held:
        pool.drop(session)
        pool.failed("no answer")
    with pytest.raises(CrmDown, match="no answer"):
        await waiting
    with pytest.raises(CrmDown, match="no answer"):
        await pool.take()
    make.gate.set()
    async with asyncio.timeout(30):
        while pool.down:  # noqa: ASYNC110 - it comes up in a task of its own
            await asyncio.sleep(0)
    assert await pool.take() in make.made


async def test_a_success_between_failures_keeps_it_up(pool: Pool[Counting]) -> None:
    session = await pool.take()
    for _ in range(10):
        pool.failed("slow")
        pool.failed("slow")
        pool.give(session)
        assert await pool.take() is session
    assert not pool.down


async def test_attempts_go_on_until_one_succeeds(make: Maker) -> None:
    make.error = "refused"
    pool = Pool(make, 3, str)
    pool.start()
    await make.until_tried(4)
    with pytest.raises(CrmDown, match="refused"):
        await pool.take()
    make.error = ""
    async with asyncio.timeout(30):
        while pool.down:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    await pool.take()
    await pool.close()


async def test_an_idle_session_is_kept_awake_and_a_dead_one_replaced(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "_IDLE_SECONDS", 0.01)
    pool = Pool(make, 3, str)
    pool.start()
    session = await pool.take()
    pool.give(session)
    async with asyncio.timeout(30):
        await session.probed.wait()
        session.broken = True
        await make.until_tried(2)
    assert session.aborts == 1
    await pool.close()


async def test_closing_says_goodbye_to_the_idle_and_drops_the_busy(make: Maker) -> None:
    pool = Pool(make, 3, str)
    pool.start()
    idle, busy = await pool.take(), await pool.take()
    pool.give(idle)
    await pool.close()
    assert (idle.goodbyes, busy.aborts) == (1, 1)
    with pytest.raises(CrmDown, match="closed"):
        await pool.take()
