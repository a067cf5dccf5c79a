"""Our deadline does what ``asyncio.timeout`` does; each sentence is proved of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from waybell.people.deadline import Deadline

Make = Callable[[float], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def ours(seconds: float) -> AsyncIterator[None]:
    with Deadline(seconds):
        yield


@asynccontextmanager
async def theirs(seconds: float) -> AsyncIterator[None]:
    async with asyncio.timeout(seconds):
        yield


@pytest.fixture(params=[ours, theirs])
def deadline(request: pytest.FixtureRequest) -> Make:
    make: Make = request.param
    return make


def never() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


async def test_what_takes_too_long_ends_as_a_timeout(deadline: Make) -> None:
    with pytest.raises(TimeoutError):
        async with deadline(0.01):
            await never()
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_a_deadline_that_has_passed_ends_the_first_wait(deadline: Make) -> None:
    with pytest.raises(TimeoutError):
        async with deadline(0):
            await never()


async def test_what_is_done_in_time_is_left_alone_afterwards(deadline: Make) -> None:
    async with deadline(0.02):
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)


async def test_an_error_inside_stays_that_error(deadline: Make) -> None:
    with pytest.raises(ZeroDivisionError):
        async with deadline(10):
            raise ZeroDivisionError


async def test_a_cancel_from_elsewhere_stays_a_cancel(deadline: Make) -> None:
    async def work() -> None:
        async with deadline(10):
            await never()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancel_that_comes_with_the_deadline_stays_a_cancel(deadline: Make) -> None:
    async def work() -> None:
        async with deadline(0.01):
            try:
                await never()
            except asyncio.CancelledError:
                task.cancel()
                raise

    task = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_of_two_deadlines_the_outer_one_is_not_taken_for_the_inner(deadline: Make) -> None:
    inner: list[BaseException] = []

    async def work() -> None:
        try:
            async with deadline(10):
                await never()
        except BaseException as error:
            inner.append(error)
            raise

    with pytest.raises(TimeoutError):
        async with deadline(0.01):
            await work()
    assert [type(error) for error in inner] == [asyncio.CancelledError]


async def test_after_a_timeout_the_task_can_be_timed_out_again(deadline: Make) -> None:
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with deadline(0.001):
                await never()


async def test_many_at_once_each_end_by_their_own(deadline: Make) -> None:
    async def work(number: int) -> str:
        try:
            async with deadline(0.02 if number % 2 else 10):
                await (never() if number % 2 else asyncio.sleep(0.04))
        except TimeoutError:
            return "late"
        return "done"

    said = await asyncio.gather(*(work(number) for number in range(100)))
    assert said == ["done", "late"] * 50
