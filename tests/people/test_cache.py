from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from tests.people.cast import DEMO, EVERYBODY
from waybell.people.cache import CachedPeople
from waybell.people.memory import MemoryPeople
from waybell.people.values import Lookup, Source

ANNA, VERA, BORIS = "79161000001", "79161000002", "79010000011"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory() -> MemoryPeople:
    return MemoryPeople(EVERYBODY)


@pytest.mark.parametrize("number", [number for number, people in EVERYBODY.items() if people])
async def test_the_last_good_answer_is_given_whole_and_says_that_it_is_remembered(
    memory: MemoryPeople, clock: Clock, number: str
) -> None:
    people = CachedPeople(memory, clock=clock)
    assert await people.identify(number) == Lookup(EVERYBODY[number], Source.CRM)
    memory.fail("the CRM gave no answer within 1 s")
    clock.now += 125
    why = "the CRM gave no answer within 1 s; this is its answer of 2 min ago"
    assert await people.identify(number) == Lookup(EVERYBODY[number], Source.CACHE, why)


async def test_a_number_never_heard_before_gets_the_failure_itself(memory: MemoryPeople) -> None:
    memory.fail("down")
    assert await CachedPeople(memory).identify(ANNA) == Lookup((), Source.FALLBACK, "down")


async def test_while_the_crm_answers_nothing_is_taken_from_memory(memory: MemoryPeople) -> None:
    people = CachedPeople(memory)
    await people.identify(ANNA)
    memory.people[ANNA] = ()
    assert await people.identify(ANNA) == Lookup((), Source.CRM)
    memory.fail("down")
    assert (await people.identify(ANNA)).source is Source.FALLBACK


async def test_an_answer_older_than_its_age_is_not_given(memory: MemoryPeople, clock: Clock) -> None:
    people = CachedPeople(memory, max_age=60, clock=clock)
    await people.identify(ANNA)
    memory.fail("down")
    clock.now += 60
    assert (await people.identify(ANNA)).source is Source.CACHE
    clock.now += 1
    assert (await people.identify(ANNA)).source is Source.FALLBACK


async def test_the_number_heard_longest_ago_is_forgotten_first(memory: MemoryPeople) -> None:
    people = CachedPeople(memory, numbers=2)
    for number in (ANNA, VERA, ANNA, BORIS):
        await people.identify(number)
    memory.fail("down")
    sources = [(await people.identify(number)).source for number in (ANNA, VERA, BORIS)]
    assert sources == [Source.CACHE, Source.FALLBACK, Source.CACHE]


async def test_twenty_thousand_answers_fit_in_sixteen_megabytes() -> None:
    numbers = [str(79_100_000_000 + i) for i in range(30_000)]
    people = CachedPeople(MemoryPeople(dict.fromkeys(numbers, DEMO[ANNA])))
    tracemalloc.start()
    try:
        for number in numbers:
            await people.identify(number)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 16_000_000


async def test_answers_of_any_size_fit_in_the_bytes_that_are_given(clock: Clock) -> None:
    large = tuple(replace(DEMO[ANNA][0], id=str(n), name=f"{n:я>200}") for n in range(200))
    memory = MemoryPeople({ANNA: large, VERA: large, BORIS: DEMO[BORIS]})
    people = CachedPeople(memory, size=100_000, clock=clock)
    for number in (ANNA, VERA, ANNA, VERA, BORIS):
        await people.identify(number)
    memory.fail("down")
    sources = [(await people.identify(number)).source for number in (ANNA, VERA, BORIS)]
    assert sources == [Source.FALLBACK, Source.CACHE, Source.CACHE]


async def test_the_room_of_what_is_forgotten_is_free_again(memory: MemoryPeople, clock: Clock) -> None:
    people = CachedPeople(memory, size=700, max_age=60, clock=clock)
    for _ in range(100):
        await people.identify(ANNA)
        memory.fail("down")
        assert (await people.identify(ANNA)).source is Source.CACHE
        clock.now += 61
        assert (await people.identify(ANNA)).source is Source.FALLBACK
        memory.recover()
