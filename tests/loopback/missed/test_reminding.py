"""A caller who waits too long: a manager's phone rings once, whatever breaks and however many Waybells there are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.fakes.callbacks import FakeCallbacks
from tests.loopback.search.cast import index, keep
from tests.unit.missed.cast import ANNA, AT, SHOP, answered, by, by_anna, call
from waybell.callbacks.values import Callback, Click, RefusedError, Status, Wish
from waybell.calls.values import Party, utc
from waybell.missed.claims import Claims, State, What
from waybell.missed.finding import MissedCalls
from waybell.missed.reminding import ASKER, Reminder, Reminding
from waybell.missed.values import Missed

ALL_DAY = Reminder(30, 24, "199", "00:00", "24:00", ZoneInfo("UTC"))
BUSY_LINES = RefusedError("lines-busy", 429, "All lines busy", "Try again.", 90)
FOREIGN = RefusedError("foreign-number", 403, "Number abroad", "It is abroad.")


class Office:
    """A clock, phones, and as many Waybells as are asked for on one store."""

    def __init__(self, engine: AsyncEngine, refuse: Callable[[Wish], RefusedError | None] = lambda _: None) -> None:
        self.engine = engine
        self.now = utc(AT).replace(tzinfo=UTC) + timedelta(minutes=40)
        self.phones = FakeCallbacks(refuse)

    def waybell(
        self, reminder: Reminder = ALL_DAY, tell: Callable[[Missed], Awaitable[None]] | None = None
    ) -> Reminding:
        found = MissedCalls(self.engine, clock=lambda: self.now)
        return Reminding(found, Claims(self.engine), self.phones, reminder, tell=tell, clock=lambda: self.now)

    def later(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    def end(self, placed: Callback) -> None:
        self.phones.placed[placed.id] = replace(placed, status=Status.DONE, ended_at=self.now)

    def end_all(self) -> None:
        for placed in list(self.phones.placed.values()):
            self.end(placed)

    @property
    def rung(self) -> list[str]:
        """The numbers that the manager was to be connected to."""
        return [placed.plan.second.number for placed in self.phones.placed.values()]


@pytest.fixture
async def office(engine: AsyncEngine) -> Office:
    return Office(engine)


async def test_the_managers_phone_rings_for_a_caller_who_has_waited_too_long(office: Office) -> None:
    await keep(office.engine, [by_anna(0), by_anna(35), by(20, SHOP)])
    await office.waybell().look()
    assert office.phones.asked == [(ASKER, Click("199", ANNA), "missed:pbx1-0")]


async def test_it_rings_once_for_an_entry_however_often_it_is_looked_at_and_they_call_again(office: Office) -> None:
    await keep(office.engine, [by_anna(0)])
    for minute in (41, 42, 300):
        await office.waybell().look()
        office.end_all()
        await keep(office.engine, [by_anna(minute)])
        office.later(minute)
    await office.waybell().look()
    assert office.rung == [ANNA]


async def test_a_call_that_is_written_late_makes_it_no_other_entry(office: Office) -> None:
    await keep(office.engine, [by_anna(5)])
    await office.waybell().look()
    office.end_all()
    await keep(office.engine, [by_anna(2)])
    await office.waybell().look()
    assert office.rung == [ANNA]


async def test_it_rings_again_only_after_they_have_talked_and_they_wait_anew(office: Office) -> None:
    await keep(office.engine, [by_anna(0)])
    await office.waybell().look()
    office.end_all()
    await keep(office.engine, [answered(by_anna(41)), by_anna(50)])
    office.later(20)
    await office.waybell().look()
    assert office.rung == [ANNA]
    office.later(30)
    await office.waybell().look()
    assert [key for *_, key in office.phones.asked] == ["missed:pbx1-0", "missed:pbx1-50"]


async def test_many_waybells_at_once_ring_once(office: Office) -> None:
    await keep(office.engine, [by_anna(minute) for minute in range(5)])
    await index(office.engine)
    await asyncio.gather(*(office.waybell().look() for _ in range(6)), return_exceptions=True)
    assert len(office.phones.asked) == 1


async def test_of_two_who_see_different_calls_of_an_entry_one_claims_it(office: Office) -> None:
    await keep(office.engine, [by_anna(2), by_anna(3)])
    [entry] = await MissedCalls(office.engine, clock=lambda: office.now).waiting(0)
    wider = replace(entry, id="pbx1-1", calls=("pbx1-1", *entry.calls))
    claims = Claims(office.engine)
    taken = await asyncio.gather(*(claims.take(each, What.RING, office.now) for each in (entry, wider)))
    assert sorted(map(bool, taken)) == [False, True]
    assert await claims.take(replace(entry, calls=("pbx1-3",), id="pbx1-3"), What.RING, office.now) == ""


async def test_what_was_claimed_by_one_that_died_is_never_rung(office: Office) -> None:
    class Died(BaseException):
        """As a ``kill -9`` would."""

    async def dies(*_: object) -> Callback:
        raise Died

    await keep(office.engine, [by_anna(0)])
    working, office.phones.request = office.phones.request, dies  # type: ignore[method-assign,assignment]
    with pytest.raises(Died):
        await office.waybell().look()
    office.phones.request = working  # type: ignore[method-assign]
    for _ in range(3):
        office.later(60)
        await office.waybell().look()
    assert office.rung == []


async def test_a_refusal_that_passes_is_tried_again_when_it_has_passed(engine: AsyncEngine) -> None:
    refusals = [BUSY_LINES, BUSY_LINES]
    office = Office(engine, lambda _: refusals.pop() if refusals else None)
    await keep(engine, [by_anna(0)])
    for minutes, asked in ((0, 1), (1, 1), (1, 2), (1, 2), (1, 3), (5, 3)):
        office.later(minutes)
        await office.waybell().look()
        office.end_all()
        assert len(office.phones.asked) == asked, minutes
    assert office.rung == [ANNA]


async def test_a_number_that_may_not_be_called_is_asked_for_once_and_hinders_nobody(engine: AsyncEngine) -> None:
    office = Office(engine, lambda wish: FOREIGN if isinstance(wish, Click) and wish.to == ANNA else None)
    await keep(engine, [by_anna(0), by(1, SHOP)])
    for _ in range(3):
        await office.waybell().look()
        office.end_all()
    assert [wish.to for _, wish, _ in office.phones.asked if isinstance(wish, Click)] == [ANNA, SHOP]


async def test_a_manager_has_one_phone_so_callers_come_one_after_the_other_the_first_one_first(office: Office) -> None:
    await keep(office.engine, [by(2, SHOP), by_anna(0), by(1, "79990000000")])
    waybell = office.waybell()
    for number in range(1, 4):
        await waybell.look()
        await waybell.look()
        assert len(office.rung) == number
        office.end_all()
    assert office.rung == [ANNA, "79990000000", SHOP]


@pytest.mark.parametrize(("hour", "rings"), [(8, False), (9, True), (17, True), (18, False), (23, False)], ids=str)
async def test_the_phone_is_silent_outside_its_hours(office: Office, hour: int, rings: bool) -> None:
    office.now = datetime(2026, 11, 22, hour, 30, tzinfo=ZoneInfo("Europe/Moscow"))
    at = int((office.now - timedelta(minutes=45)).timestamp() * 1_000_000)
    await keep(office.engine, [by_anna(0, started_at=at)])
    await office.waybell(Reminder(ring="199")).look()
    assert bool(office.rung) is rings


async def test_nobody_rings_for_those_who_were_reached_or_hide_their_number_or_called_long_ago(office: Office) -> None:
    old = by(-60 * 25, "79990000000")
    await keep(office.engine, [by_anna(0), answered(by_anna(1)), by(2, None), old, call(3, caller=Party())])
    await office.waybell().look()
    assert office.rung == []


async def test_a_program_is_told_of_each_once_even_if_it_fails(office: Office) -> None:
    told: list[str] = []

    async def tell(entry: Missed) -> None:
        told.append(entry.id)
        raise ValueError("no")

    await keep(office.engine, [by_anna(0), by(1, SHOP), by(35, "79990000000")])
    for _ in range(2):
        await office.waybell(Reminder(ring=""), tell).look()
    assert told == ["pbx1-0", "pbx1-1"]
    [entry] = [
        entry
        for entry in await MissedCalls(office.engine, clock=lambda: office.now).waiting(0)
        if ANNA in entry.numbers
    ]
    assert (await Claims(office.engine).of([entry], What.TELL))[entry.id].state is State.DONE


async def test_a_store_that_is_down_is_waited_for(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await keep(office.engine, [by_anna(0)])
    stop, looks = asyncio.Event(), 0
    found = MissedCalls(office.engine, clock=lambda: office.now)

    class Flaky:
        async def waiting(self, since: int) -> list[Missed]:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise OSError("down")
            if looks == 3:
                stop.set()
            return await found.waiting(since)

    work = Reminding(Flaky(), Claims(office.engine), office.phones, ALL_DAY, clock=lambda: office.now, pause=0.01)
    async with asyncio.timeout(10):
        await work.keep(stop)
    assert office.rung == [ANNA]
