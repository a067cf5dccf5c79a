from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.calls.logbook import NAMES, TRACES, parse, trace
from waybell.calls.cel import CelRecord, Event
from waybell.calls.fold import call_id, fold, plain
from waybell.calls.values import Call, Direction, Status, iso, micros


def folded(name: str, *, without: frozenset[Event] = frozenset()) -> Call:
    return fold(record for record in parse(trace(name)) if record.event not in without)


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_of_the_real_asterisk_becomes_the_call_beside_it(name: str) -> None:
    assert folded(name).as_json() == json.loads((TRACES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("answered", Status.ANSWERED),
        ("several_steps", Status.ANSWERED),
        ("two_phones", Status.ANSWERED),
        ("menu_answered", Status.ANSWERED),
        ("down_answered", Status.ANSWERED),
        ("no_answer", Status.MISSED),
        ("gave_up_ringing", Status.MISSED),
        ("gave_up_in_menu", Status.MISSED),
        ("down_gave_up", Status.MISSED),
        ("busy", Status.BUSY),
        ("unreachable", Status.FAILED),
        ("no_channel", Status.FAILED),
        ("declined", Status.REJECTED),
        ("rejected", Status.REJECTED),
    ],
)
def test_a_call_has_the_status_of_how_it_ended(name: str, status: Status) -> None:
    assert folded(name).status is status


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 2**32), doubled=st.lists(st.integers(0, 30), max_size=8))
def test_order_and_repetition_of_the_events_change_nothing(name: str, seed: int, doubled: list[int]) -> None:
    records = parse(trace(name))
    again = records + [records[number % len(records)] for number in doubled]
    random.Random(seed).shuffle(again)
    assert fold(again) == fold(records)


def test_a_menu_that_answers_the_line_is_nobody_who_answers() -> None:
    call = folded("gave_up_in_menu")
    assert (call.answered_at, call.answered_by, call.talk_seconds) == (None, None, 0.0)
    assert [(step.verb, step.result) for step in call.route] == [("menu", "HANGUP")]


def test_a_phone_that_answers_without_reaching_the_caller_is_nobody_who_answers() -> None:
    call = folded("answered", without=frozenset({Event.BRIDGE_ENTER, Event.BRIDGE_EXIT}))
    assert call.legs[0].answered_at is not None
    assert (call.status, call.answered_by) == (Status.MISSED, None)


def test_waiting_ends_when_a_person_answers_not_when_the_menu_does() -> None:
    call = folded("menu_answered")
    assert (call.wait_seconds, call.ring_seconds, call.talk_seconds) == (6.935, 1.002, 1.069)


def test_ringing_counts_once_however_many_phones_ring() -> None:
    call = folded("two_phones")
    assert len(call.legs) == 2
    assert call.ring_seconds == pytest.approx(1.003)


def test_every_leg_has_the_number_that_was_rung_behind_whichever_trunk() -> None:
    assert [leg.number for leg in folded("several_steps").legs] == ["79020000012", "199", "500"]
    assert [leg.hangup_cause for leg in folded("several_steps").legs] == [17, 0, 16]


@pytest.mark.parametrize("name", NAMES)
def test_without_the_dial_application_in_the_log_the_notes_still_tell_the_numbers(name: str) -> None:
    expected, call = folded(name), folded(name, without=frozenset({Event.APP_START}))
    if expected.route and expected.route[0].source != "fallback":
        assert call == expected


def test_without_any_note_the_log_still_tells_who_was_rung() -> None:
    call = folded("several_steps", without=frozenset({Event.NOTE}))
    assert [leg.number for leg in call.legs] == ["79020000012", "199", "500"]
    assert call.answered_by is not None
    assert (call.caller.number, call.dialed, call.answered_by.number) == ("79161234567", "200", "500")
    assert call.route == ()


def test_a_number_with_foreign_characters_is_anonymous() -> None:
    call = folded("hostile", without=frozenset({Event.NOTE}))
    assert (call.caller.number, call.caller.name) == (None, None)


def test_a_prefix_before_the_dialled_number_does_not_hide_who_was_rung() -> None:
    records = [
        record._replace(dialled=record.dialled.replace("PJSIP/7901", "PJSIP/887901"))
        for record in parse(trace("answered"))
    ]
    assert fold(records) == folded("answered")


@pytest.mark.parametrize(
    "dialled", ["PJSIP/trunk/sip:79010000011@10.0.0.1", "PJSIP/+79010000011@trunk", "PJSIP/79010000011@trunk"]
)
def test_every_way_of_writing_a_dial_string_tells_the_number(dialled: str) -> None:
    records = [
        record._replace(dialled=dialled) if record.dialled else record
        for record in parse(trace("answered"))
        if record.event != Event.NOTE
    ]
    assert fold(records).legs[0].number == "79010000011"


@pytest.mark.parametrize(
    ("context", "direction"),
    [
        ("waybell-incoming", Direction.INBOUND),
        ("waybell", Direction.INBOUND),
        ("waybell-office", Direction.INBOUND),
        ("waybell-outgoing", Direction.OUTBOUND),
        ("waybells", Direction.INTERNAL),
        ("from-internal", Direction.INTERNAL),
    ],
)
def test_the_direction_is_told_by_the_context_the_first_channel_entered(context: str, direction: Direction) -> None:
    records = parse(trace("answered"))
    moved = [record._replace(context=context) for record in records]
    legs_elsewhere = [
        record._replace(context="waybell-outgoing") if record.uniqueid != record.linkedid else record
        for record in moved
    ]
    assert fold(legs_elsewhere).direction is direction


def test_a_conversation_whose_end_has_not_come_is_in_progress() -> None:
    call = fold(parse(trace("answered"))[:4])
    assert (call.status, call.ended_at, call.answered_by) == (Status.IN_PROGRESS, None, None)
    assert [step.result for step in call.route] == [None]


def test_a_conversation_whose_end_will_never_come_is_interrupted() -> None:
    records = parse(trace("answered"))[:-1]
    call = fold(records, interrupted=True)
    assert call.status is Status.INTERRUPTED
    assert call.ended_at == records[-1].at


def test_the_systemname_that_asterisk_puts_in_front_is_kept() -> None:
    assert call_id("pbx1", "1795304204.0") == "pbx1-1795304204.0"
    assert call_id("pbx1", "moscow-1795304204.0") == "moscow-1795304204.0"


def test_the_caller_without_a_note_is_written_as_the_caller_of_the_fold_wants() -> None:
    records = [record for record in parse(trace("answered")) if record.event != Event.NOTE]
    assert fold(records, normalise=lambda raw: f"<{raw}>").caller.number == "<79161234567>"
    assert plain("+79161234567") == "79161234567"
    assert plain("7916 x") == ""


@pytest.mark.parametrize("extra", ["", "{", "[]", "7", '{"extra": 5}', "[" * 100_000, '{"extra": "step=x"}'])
def test_an_extra_that_is_no_note_is_passed_over(extra: str) -> None:
    records = [record._replace(extra=extra) for record in parse(trace("answered"))]
    assert fold(records).route == ()


def test_a_note_made_of_a_lone_surrogate_can_be_written_as_json() -> None:
    note = '{"extra": "step=a;verb=dial;why=\\ud800;source=crm"}'
    records = [record._replace(extra=note) if record.event == Event.NOTE else record for record in parse(trace("busy"))]
    assert json.dumps(fold(records).as_json())


def test_events_of_nothing_are_an_error() -> None:
    with pytest.raises(ValueError, match="at least one event"):
        fold([])


@pytest.mark.parametrize("name", NAMES)
def test_any_part_of_a_conversation_can_be_folded(name: str) -> None:
    records = parse(trace(name))
    for begin in range(len(records)):
        for end in range(begin + 1, len(records) + 1):
            part: list[CelRecord] = records[begin:end]
            call = fold(part)
            assert call.wait_seconds >= 0
            assert replace(call, status=Status.MISSED).id == call.id


@given(st.integers(0, 4_102_444_799_999_999))
def test_a_time_written_and_read_again_is_the_same(at: int) -> None:
    assert micros(iso(at)) == at
