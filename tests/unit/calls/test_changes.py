"""What happened to a call between two looks, and the log told as happenings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.calls.logbook import NAMES, hour, raw_records, trace
from waybell.calls.cel import CelParser
from waybell.calls.changes import Happened, changes
from waybell.calls.feed import CallFeed, Happening
from waybell.calls.fold import fold
from waybell.calls.logs import LogId, identify
from waybell.calls.values import Call, Direction, Status

STARTED, ROUTED, ANSWERED = Happened.STARTED, Happened.ROUTED, Happened.ANSWERED
ENDED, MISSED = Happened.ENDED, Happened.MISSED
HOUR = hour(60)
CUTS = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def log_of(data: bytes) -> LogId:
    found = identify(data[:600])
    assert found is not None
    return found


def call_of(name: str) -> Call:
    return fold(CelParser().feed(trace(name)))


def told(data: bytes, chunk: int = 0) -> list[Happening]:
    """Everything that happens in a log, read in chunks of that many bytes."""
    feed, log, size = CallFeed(), log_of(data), chunk or len(data)
    return [one for at in range(0, len(data), size) for one in feed.take(log, at, data[at : at + size])]


def types(name: str) -> list[str]:
    return [one.change.type for one in told(trace(name))]


def test_an_answered_call_starts_is_routed_answered_and_ends() -> None:
    assert types("answered") == [STARTED, ROUTED, ANSWERED, ENDED]


def test_every_step_of_the_route_is_told() -> None:
    assert types("several_steps") == [STARTED, ROUTED, ROUTED, ROUTED, ANSWERED, ENDED]


@pytest.mark.parametrize("name", ["busy", "gave_up_ringing", "gave_up_in_menu", "no_answer", "rejected"])
def test_a_call_from_outside_that_nobody_answered_is_missed(name: str) -> None:
    assert types(name)[-2:] == [ENDED, MISSED]


@pytest.mark.parametrize("direction", [Direction.OUTBOUND, Direction.CALLBACK, Direction.INTERNAL])
def test_only_a_call_from_outside_is_missed(direction: Direction) -> None:
    call = replace(call_of("busy"), direction=direction)
    assert [change.type for change in changes(None, call)] == [STARTED, ENDED]


def test_nothing_is_told_twice() -> None:
    call = call_of("answered")
    assert changes(call, call) == ()


def test_who_calls_is_told_again_when_more_of_it_is_known() -> None:
    call = replace(call_of("answered"), status=Status.IN_PROGRESS, answered_at=None, ended_at=None)
    (more,) = changes(replace(call, parcel=None), call)
    assert more.type is ROUTED
    (before, again) = changes(None, replace(call, parcel=None))[1].id, changes(None, call)[1].id
    assert more.id == again != before


def test_the_end_of_a_call_that_was_taken_as_interrupted_is_told_when_it_comes() -> None:
    call = call_of("answered")
    cut = replace(call, status=Status.INTERRUPTED)
    first, second = changes(call, cut)[0], changes(cut, call)[0]
    assert (first.type, second.type) == (ENDED, ENDED)
    assert first.id != second.id


def test_a_call_tried_again_under_the_same_id_is_told_apart() -> None:
    call = call_of("answered")
    again = replace(call, started_at=call.started_at + 1)
    assert not {change.id for change in changes(None, call)} & {change.id for change in changes(None, again)}


@pytest.mark.parametrize("name", NAMES)
def test_each_happening_is_told_with_the_record_that_shows_it(name: str) -> None:
    """Not later: what a record shows must not wait for the next one."""
    data = trace(name)
    places = {one.change.id: one.place.offset for one in told(data)}
    seen: dict[str, int] = {}
    records, offset = raw_records(data), 0
    for number, record in enumerate(records, 1):
        offset += len(record)
        call = fold(CelParser().feed(b"".join(records[:number])) or CelParser().feed(records[0]))
        for change in changes(None, call):
            seen.setdefault(change.id, offset)
    assert {key: seen[key] for key in places} == places


@CUTS
@given(size=st.integers(1, 5000))
def test_however_the_log_is_cut_the_same_happens_at_the_same_places(size: int) -> None:
    assert told(trace("hostile") + trace("several_steps"), size) == told(trace("hostile") + trace("several_steps"))


@CUTS
@given(data=st.data())
def test_from_wherever_the_reading_goes_on_the_same_happens(data: st.DataObject) -> None:
    """From an event's low place, silently up to the event itself: what follows is what followed."""
    whole, log = told(HOUR), log_of(HOUR)
    number = data.draw(st.integers(0, len(whole) - 1))
    last = whole[number]
    feed = CallFeed()
    feed.skip(log, last.low.offset, HOUR[last.low.offset : last.place.offset])
    rest = feed.take(log, last.place.offset, HOUR[last.place.offset :])
    follows = [one for one in whole[number + 1 :] if one.place != last.place]
    assert [(one.change, one.place, one.call, one.complete) for one in rest] == [
        (one.change, one.place, one.call, one.complete) for one in follows
    ]


def test_no_two_happenings_have_the_same_id() -> None:
    ids = [one.change.id for one in told(HOUR)]
    assert len(set(ids)) == len(ids)


def test_a_call_whose_beginning_was_not_read_does_not_start_and_is_not_complete() -> None:
    data = trace("several_steps")
    middle = data.index(b"\n", data.index(b'"USER_DEFINED"')) + 1
    feed = CallFeed()
    found = feed.take(log_of(data), middle, data[middle:])
    assert [(one.change.type, one.complete) for one in found if one.change.type is not ANSWERED] == [
        (ROUTED, False),
        (ROUTED, False),
        (ENDED, False),
    ]


def test_calls_under_way_are_known_after_what_was_skipped() -> None:
    data = trace("answered")
    records = raw_records(data)
    half = b"".join(records[: len(records) // 2])
    feed = CallFeed()
    feed.skip(log_of(data), 0, half)
    assert [call.id for call in feed.under_way()] == [call_of("answered").id]
    feed.take(log_of(data), len(half), data[len(half) :])
    assert feed.under_way() == []
