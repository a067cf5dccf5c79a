"""Conversations that Asterisk links on their way: what is known when, and from where it is read again."""

from __future__ import annotations

import pytest

from tests.unit.calls.logbook import parse, raw_records
from tests.unit.calls.shape_tables import shape, together
from tests.unit.calls.test_shapes import LOG, Journal, straight
from waybell.calls.cel import CelRecord, Event
from waybell.calls.conversations import LONGEST_CALL, Conversations
from waybell.calls.fold import fold
from waybell.calls.log_fold import LogFold
from waybell.calls.logs import Place
from waybell.calls.values import Status


def upto(name: str, event: str) -> bytes:
    """The log of a shape up to its first ``event``, this included."""
    records = raw_records(shape(name))
    last = next(number for number, record in enumerate(records) if record.startswith(b'"%s"' % event.encode()))
    return b"".join(records[: last + 1])


def of(name: str, *events: Event) -> list[CelRecord]:
    return [record for record in parse(shape(name)) if record.event in events]


@pytest.mark.parametrize(
    ("name", "event"),
    [("attended_transfer", "ATTENDEDTRANSFER"), ("pick_up", "PICKUP"), ("park_and_retrieve", "LINKEDID_END")],
)
def test_two_calls_under_way_become_one_row_as_soon_as_they_are_linked(name: str, event: str) -> None:
    until = upto(name, event)
    whole = shape(name)
    journal = Journal(until + raw_records(whole[len(until) :])[0])
    journal.read(len(until) - len(raw_records(until)[-1]))
    journal.flush()
    assert len(journal.rows) == 2
    while not journal.is_done():
        journal.read(10_000)
    journal.flush()
    [row] = journal.rows.values()
    assert row.status is Status.IN_PROGRESS


def test_a_linkedid_whose_channel_goes_on_is_not_over() -> None:
    # Without the event of the transfer itself, only the channel's next event tells where it went.
    records = [record for record in parse(shape("attended_transfer")) if record.event != Event.ATTENDEDTRANSFER]
    ends = [number for number, record in enumerate(records) if record.event == Event.LINKEDID_END]
    conversations = Conversations()
    assert conversations.add(records[: ends[0] + 1]) == []
    assert [fold(found.records).status for found in conversations.running()] == [Status.IN_PROGRESS] * 2
    [ended] = conversations.add(records[ends[0] + 1 :])
    assert (len(ended.records), ended.complete) == (len(records), True)
    assert fold(ended.records) == fold(records)


def test_the_row_has_the_id_of_the_call_that_began_first() -> None:
    [row] = straight(shape("attended_transfer")).values()
    first = parse(shape("attended_transfer"))[0]
    assert (row.id, row.started_at) == (first.linkedid, first.at)


def test_the_phone_that_asks_on_a_second_call_is_no_leg_but_the_one_that_picks_up_is() -> None:
    [asked] = straight(shape("attended_transfer")).values()
    assert [leg.number for leg in asked.legs] == ["500", "101"]
    [picked_up] = straight(shape("pick_up")).values()
    assert [(leg.number, leg.answered_at is not None) for leg in picked_up.legs] == [("500", False), ("199", True)]
    assert picked_up.answered_by is not None
    assert picked_up.answered_by.number == "199"


def test_of_a_linked_call_that_has_ended_never_the_tail_alone_is_read_again() -> None:
    # A long call goes on since the middle of the transfer.
    data = together(["attended_transfer", "attended_by_keys"], [0, 1])
    folding, at = LogFold(), 0
    places: list[int] = []
    for record in raw_records(data):
        folding.take(LOG, at, record)
        at += len(record)
        place = folding.low_water()
        assert place is not None
        places.append(place.offset)
    ends = [number for number, record in enumerate(raw_records(data)) if record.startswith(b'"LINKEDID_END"')]
    assert [places[number] for number in ends[:2]] == [0, 0], "the transfer is over, but the other call began before"
    assert places[-1] == len(data)


def test_nothing_is_kept_of_calls_that_are_over() -> None:
    conversations = Conversations()
    shapes = ["attended_transfer", "pick_up", "park_and_retrieve", "conference"]
    for number, record in enumerate(parse(together(shapes * 50, [number // 4 for number in range(200)]))):
        conversations.add([record], Place(LOG, number))
    assert conversations.oldest_place() is None
    assert not conversations._open
    assert not conversations._homes
    assert len(conversations._places._joined) < 10, "those that ended while a call of late went on"


def test_a_record_that_comes_late_in_the_moment_of_the_end_still_counts() -> None:
    records = sorted(parse(shape("internal")))
    late = records[-2]._replace(event=int(Event.BRIDGE_EXIT), extra="{}", at=records[-1].at)
    conversations = Conversations()
    [ended] = conversations.add(records)
    [again] = conversations.add([late])
    assert again.records == [*ended.records[:-1], late] or late in again.records
    assert conversations.add([late, records[0]]) == []


def test_a_call_whose_last_hang_up_is_lost_is_interrupted_after_a_day() -> None:
    records = parse(shape("internal"))
    lost = [record for number, record in enumerate(records) if number != len(records) - 2]
    conversations = Conversations()
    assert conversations.add(lost) == []
    later = [record._replace(at=record.at + LONGEST_CALL + 60_000_000) for record in parse(shape("forward"))]
    assert [ended.interrupted for ended in conversations.add(later)] == [True, False]


def test_an_inner_channel_of_a_conference_is_not_taken_for_somebody() -> None:
    rows = straight(shape("conference")).values()
    assert [(row.status, row.legs) for row in rows] == [(Status.ANSWERED, ())] * 3


def test_whoever_is_parked_talks_to_nobody() -> None:
    [row] = straight(shape("park_abandoned")).values()
    talked = of("park_abandoned", Event.BRIDGE_ENTER, Event.BRIDGE_EXIT)
    assert row.talk_seconds == pytest.approx((talked[2].at - talked[1].at) / 1e6, abs=0.01)


def test_behind_a_local_channel_only_the_phone_counts() -> None:
    for name in ("local_kept", "local_optimised"):
        [row] = straight(shape(name)).values()
        assert [(leg.number, leg.channel.partition("-")[0]) for leg in row.legs] == [("500", "PJSIP/500")]
        assert row.talk_seconds == pytest.approx(0.5, abs=0.1)


def test_a_local_channels_number_and_person_go_to_the_phone_behind_it() -> None:
    records = [
        record._replace(channel=record.channel.replace("PJSIP/500", "PJSIP/desk-of-anna"))
        for record in parse(shape("local_kept"))
    ]
    renamed = [
        record._replace(dialled="PJSIP/desk-of-anna,10") if record.dialled.startswith("PJSIP") else record
        for record in records
    ]
    call = fold(renamed)
    assert [leg.number for leg in call.legs] == ["500"]


def test_two_who_wait_in_one_holding_bridge_do_not_hear_each_other() -> None:
    waiting = [
        record._replace(extra=record.extra.replace("simple_bridge", "holding_bridge"))
        for record in parse(shape("internal"))
    ]
    assert (fold(waiting).talk_seconds, fold(waiting).answered_by) == (0.0, None)
