"""Whom nobody answered: by person and parcel, closed by whoever reached the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.missed.cast import (
    ANNA,
    ANNAS_WORK,
    BORIS,
    BORIS_PARTY,
    SHOP,
    answered,
    by,
    by_anna,
    call,
    callback,
    leg,
    many_calls,
)
from waybell.calls.values import Call, Direction, Party, Status
from waybell.missed.fold import is_missed, missed, with_rung
from waybell.missed.values import Rung

ANNA_PARTY = Party(ANNA, "Анна", "recipient", "10")


def test_a_person_who_called_five_times_about_a_parcel_is_one_entry() -> None:
    calls = [by_anna(minute) for minute in range(5)]
    [entry] = missed(calls)
    assert entry.calls == tuple(each.id for each in calls)
    assert (entry.id, entry.first_at, entry.last_at) == (calls[0].id, calls[0].started_at, calls[4].started_at)
    assert (entry.caller, entry.numbers) == (ANNA_PARTY, (ANNA,))
    assert (entry.parcel, entry.courier, entry.client, entry.closed) == ("10", "11", "101", None)


def test_the_phones_that_rang_are_told_once_with_how_often() -> None:
    [entry] = missed([by_anna(0), by_anna(1)])
    legs = {entry.calls[0]: (leg(BORIS), leg("199")), entry.calls[1]: (leg(BORIS),)}
    assert with_rung(entry, legs).rung == (Rung(BORIS, 2), Rung("199", 1))


def test_another_parcel_is_another_entry() -> None:
    entries = missed([by_anna(0), by_anna(1, parcel="20", caller=Party(ANNA, "Анна", "recipient", "20"))])
    assert [entry.parcel for entry in entries] == ["20", "10"]


def test_a_recipient_who_calls_from_two_phones_is_one_entry() -> None:
    [entry] = missed([by_anna(0), by_anna(1, ANNAS_WORK)])
    assert entry.numbers == (ANNA, ANNAS_WORK)


def test_those_who_hide_their_number_are_an_entry_each() -> None:
    assert len(missed([by(0, None), by(1, None)])) == 2


@pytest.mark.parametrize("status", [Status.MISSED, Status.BUSY, Status.FAILED, Status.REJECTED, Status.INTERRUPTED])
def test_whatever_kept_a_caller_from_being_answered_the_call_is_missed(status: Status) -> None:
    assert is_missed(by_anna(0, status=status))


def test_a_call_under_way_or_of_ours_is_not_missed() -> None:
    assert not is_missed(by_anna(0, status=Status.IN_PROGRESS))
    assert not any(is_missed(by_anna(0, direction=way)) for way in Direction if way is not Direction.INBOUND)
    assert not is_missed(answered(by_anna(0)))


@pytest.mark.parametrize(
    "reached",
    [
        answered(by_anna(5)),
        answered(by_anna(5, ANNAS_WORK)),
        answered(by(5, ANNA)),
        callback(5, ANNA_PARTY),
        callback(5, Party(ANNAS_WORK, "Анна", "recipient", "10")),
        callback(5, Party(ANNA), parcel=None),
        answered(
            call(5, direction=Direction.OUTBOUND, caller=Party("199", "Ольга", "employee"), dialed=ANNA), Party(ANNA)
        ),
    ],
    ids=["she calls", "from work", "crm down", "callback", "callback to work", "by number", "the manager calls"],
)
def test_an_entry_is_closed_when_either_side_reaches_the_other_with_who_and_when(reached: Call) -> None:
    [entry] = missed([by_anna(0), by_anna(1), reached])
    assert entry.closed is not None
    assert (entry.closed.at, entry.closed.call) == (reached.answered_at, reached.id)
    assert entry.closed.direction is reached.direction
    assert entry.closed.by == (BORIS_PARTY if reached.direction is Direction.INBOUND else reached.caller)


@pytest.mark.parametrize(
    "other",
    [
        callback(5, ANNA_PARTY, reached=False),
        answered(by(5, SHOP)),
        callback(5, Party(SHOP, "Магазин", "client", "101"), parcel=None),
        callback(5, Party("79169999999", "Вера", "recipient", "21"), parcel="21"),
        answered(by_anna(-1)),
        answered(by(5, None)),
    ],
    ids=["she does not answer", "the shop calls", "the shop is called", "another parcel", "before", "withheld"],
)
def test_nothing_else_closes_it(other: Call) -> None:
    assert [entry.closed for entry in missed([by_anna(0), other]) if entry.parcel == "10"] == [None]


def test_a_talk_under_way_closes_it_too() -> None:
    talking = answered(by_anna(5))
    [entry] = missed([by_anna(0), by_anna(5, status=Status.IN_PROGRESS, answered_at=talking.answered_at)])
    assert entry.closed is not None


def test_the_shop_that_waits_is_not_closed_by_reaching_the_recipient() -> None:
    waiting = call(0, caller=Party(SHOP, "Магазин", "client", "101"), parcel="10")
    [entry] = missed([waiting, callback(5, ANNA_PARTY)])
    assert entry.closed is None


def test_a_call_missed_after_they_talked_is_a_new_entry() -> None:
    new, old = missed([by_anna(0), callback(5, ANNA_PARTY), by_anna(10)])
    assert (new.calls, new.closed) == (("pbx1-10",), None)
    assert old.closed is not None


def test_a_number_of_an_entry_that_was_closed_closes_no_later_one_without_it() -> None:
    entries = missed([by_anna(0, ANNAS_WORK), callback(1, ANNA_PARTY), by_anna(2), answered(by(3, ANNAS_WORK))])
    assert [entry.closed is None for entry in entries] == [True, False]


def test_what_began_later_than_asked_for_is_no_missed_call_but_closes() -> None:
    entries = missed([by_anna(0), by_anna(3), callback(5, ANNA_PARTY)], until=by_anna(3).started_at)
    assert [(entry.calls, entry.closed is None) for entry in entries] == [(("pbx1-0",), False)]


@given(many_calls, st.data())
def test_any_order_of_arrival_and_any_repetition_gives_the_same(calls: list[Call], data: st.DataObject) -> None:
    arrived = data.draw(st.permutations(calls + calls[: len(calls) // 2]))
    assert missed(arrived) == missed(calls)


@given(many_calls)
def test_every_missed_call_is_in_one_entry_and_no_entry_holds_another(calls: list[Call]) -> None:
    held = [id_ for entry in missed(calls) for id_ in entry.calls]
    assert sorted(held) == sorted(each.id for each in calls if is_missed(each))


@given(many_calls)
def test_an_entry_is_open_exactly_when_nobody_of_it_was_reached_since_its_last_call(calls: list[Call]) -> None:
    by_id = {each.id: each for each in calls}
    for entry in missed(calls):
        reached = [
            each
            for each in calls
            if each.answered_at is not None
            and each.answered_at >= entry.last_at
            and _is_about(each, entry.numbers, [by_id[id_] for id_ in entry.calls])
        ]
        assert (entry.closed is None) == (not reached)


def _is_about(talk: Call, numbers: tuple[str, ...], waiting: list[Call]) -> bool:
    inbound = talk.direction is Direction.INBOUND
    outside = talk.caller if inbound else talk.answered_by or Party()
    theirs = {outside.number} | (set() if inbound else {talk.dialed})
    same_parcel = outside.kind == "recipient" and bool(talk.parcel) and talk.parcel == waiting[0].parcel
    return bool(theirs & set(numbers)) or (same_parcel and waiting[0].caller.kind == "recipient")
