"""What a call was worth as an attempt to reach the recipient."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.attempts.cast import ANNA_PARTY, leg, moment, nobody_dialled, note, refused, tried
from tests.unit.missed.cast import ANNA, BORIS, BORIS_PARTY, answered, by_anna, call
from waybell.attempts.judging import attempt_of, attempt_without_call, contact_of, verdict_of
from waybell.attempts.values import Attempt, Rules, Source, Verdict, Why
from waybell.callbacks.values import Callback, Reason, Side
from waybell.callbacks.values import Status as Placed
from waybell.calls.values import Call, Direction, Party, RouteStep, Status

RULES = Rules()


def judged(found: Call, placed: Callback | None = None, rules: Rules = RULES) -> Attempt:
    attempt = attempt_of(found, placed, rules)
    assert attempt is not None
    return attempt


@pytest.mark.parametrize(
    ("found", "placed", "why", "verdict"),
    [
        (tried(3, 16, answered=True), note(None, None), Why.TALKED, Verdict.REACHED),
        (tried(3, 16, answered=True), None, Why.TALKED, Verdict.REACHED),
        (tried(20), note(Reason.NO_ANSWER), Why.NO_ANSWER, Verdict.GENUINE),
        (tried(20), None, Why.NO_ANSWER, Verdict.GENUINE),
        (tried(15), None, Why.NO_ANSWER, Verdict.GENUINE),
        (tried(14.9), note(Reason.NO_ANSWER), Why.NO_ANSWER, Verdict.TOO_SHORT),
        (tried(3), note(Reason.HUNG_UP, Side.FIRST), Why.CALLER_GAVE_UP, Verdict.TOO_SHORT),
        (tried(18), note(Reason.HUNG_UP, Side.FIRST), Why.CALLER_GAVE_UP, Verdict.GENUINE),
        (tried(3), note(Reason.CANCELLED, None), Why.CALLER_GAVE_UP, Verdict.TOO_SHORT),
        (tried(1, 17), note(Reason.BUSY, sip_cause=486), Why.BUSY, Verdict.GENUINE),
        (tried(1, 17), None, Why.BUSY, Verdict.GENUINE),
        (tried(6, 21), note(Reason.REFUSED, sip_cause=603), Why.DECLINED, Verdict.REFUSED),
        (tried(6, 21), None, Why.DECLINED, Verdict.REFUSED),
        (tried(1, 1), note(Reason.UNREACHABLE, sip_cause=404), Why.UNREACHABLE, Verdict.UNREACHABLE),
        (tried(1, 34), note(Reason.UNREACHABLE, sip_cause=503), Why.UNREACHABLE, Verdict.UNREACHABLE),
        (tried(2, 18), note(Reason.NO_ANSWER, sip_cause=480), Why.UNREACHABLE, Verdict.UNREACHABLE),
        (tried(2, 18), None, Why.UNREACHABLE, Verdict.UNREACHABLE),
        (tried(20, 18), note(Reason.NO_ANSWER, sip_cause=480), Why.NO_ANSWER, Verdict.GENUINE),
        (tried(20, None, status=Status.INTERRUPTED), note(Reason.INTERRUPTED, None), Why.INTERRUPTED, Verdict.GENUINE),
        (tried(5, None, status=Status.INTERRUPTED), None, Why.INTERRUPTED, Verdict.TOO_SHORT),
        (tried(20), note(Reason.UNKNOWN, None), Why.NO_ANSWER, Verdict.GENUINE),
        (nobody_dialled(), note(Reason.NO_ANSWER, Side.FIRST), Why.CALLER_NOT_REACHED, Verdict.TOO_SHORT),
        (nobody_dialled(Status.BUSY), None, Why.CALLER_NOT_REACHED, Verdict.TOO_SHORT),
        (nobody_dialled(), note(Reason.NOT_CONFIRMED, Side.FIRST), Why.CALLER_NOT_CONFIRMED, Verdict.TOO_SHORT),
        (nobody_dialled(), note(Reason.HUNG_UP, Side.FIRST), Why.CALLER_NOT_CONFIRMED, Verdict.TOO_SHORT),
        (nobody_dialled(), note(Reason.CANCELLED, None), Why.CANCELLED, Verdict.TOO_SHORT),
        (nobody_dialled(), note(Reason.UNREACHABLE, Side.SECOND), Why.UNREACHABLE, Verdict.UNREACHABLE),
        (refused(), None, Why.NOT_PLACED, Verdict.REFUSED),
    ],
)
def test_each_end_of_a_call_has_its_verdict(found: Call, placed: Callback | None, why: Why, verdict: Verdict) -> None:
    attempt = judged(found, placed)
    assert (attempt.why, attempt.verdict) == (why, verdict)


def test_ringing_is_the_time_of_the_recipients_phone_alone() -> None:
    assert judged(tried(7.25)).rang_seconds == 7.25
    assert judged(tried(7.25, 16, answered=True)).rang_seconds == 7.25
    assert judged(nobody_dialled()).rang_seconds == 0


def test_a_phone_rung_over_two_lines_rang_as_long_as_both_together() -> None:
    legs = (leg(BORIS, 0, 30, answered=1), leg(ANNA, 4, 4.5, cause=34), leg(ANNA, 4.6, 20.6, cause=19))
    attempt = judged(tried(0, legs=legs), note(Reason.NO_ANSWER))
    assert (attempt.rang_seconds, attempt.cause, attempt.verdict) == (16.5, 19, Verdict.GENUINE)


def test_causes_are_those_of_the_recipients_side() -> None:
    told = judged(tried(1, 17), note(Reason.BUSY, sip_cause=486, cause=17))
    assert (told.cause, told.sip_status) == (17, 486)
    only_noted = judged(tried(1, None), note(Reason.BUSY, sip_cause=486, cause=17))
    assert (only_noted.cause, only_noted.sip_status) == (17, 486)
    the_couriers = judged(nobody_dialled(), note(Reason.BUSY, Side.FIRST, sip_cause=486, cause=17))
    assert (the_couriers.cause, the_couriers.sip_status) == (None, None)


def test_an_attempt_says_who_tried_and_when_and_which_rule_stood_against_it() -> None:
    attempt = judged(tried(20))
    assert (attempt.id, attempt.by, attempt.number) == ("pbx1-cb0123456789abcdef", BORIS_PARTY, ANNA)
    assert (judged(refused()).rule, judged(refused()).rang_seconds) == ("outside-hours", 0)


def test_an_operator_who_dials_has_tried_too() -> None:
    manager = Party("199", "Ольга", "employee")
    dialled = call(0, direction=Direction.OUTBOUND, caller=manager, dialed=ANNA, legs=(leg(ANNA, 0, 3, cause=16),))
    cancelled = RouteStep(dialled.started_at, "click", "dial", "", "CANCEL", "crm")
    attempt = judged(tried(0, direction=Direction.OUTBOUND, caller=manager, legs=dialled.legs, route=(cancelled,)))
    assert (attempt.by, attempt.why, attempt.verdict) == (manager, Why.CALLER_GAVE_UP, Verdict.TOO_SHORT)


def test_what_the_company_did_not_do_or_has_not_done_yet_is_no_attempt() -> None:
    assert attempt_of(by_anna(0), None, RULES) is None
    assert attempt_of(tried(3, direction=Direction.INTERNAL), None, RULES) is None
    assert attempt_of(tried(3, status=Status.IN_PROGRESS), None, RULES) is None
    assert attempt_without_call(note(Reason.NO_ANSWER, status=Placed.TALKING), "pbx1", RULES) is None


def test_a_call_that_the_log_lacks_is_told_by_waybells_own_note() -> None:
    attempt = attempt_without_call(note(Reason.NO_ANSWER), "pbx1", RULES)
    assert attempt is not None
    assert (attempt.id, attempt.source) == ("pbx1-cb0123456789abcdef", Source.CALLBACKS)
    assert (attempt.rang_seconds, attempt.verdict) == (20.0, Verdict.GENUINE)
    talked = attempt_without_call(note(None, None, second_answered_at=moment(10)), "pbx1", RULES)
    assert talked is not None
    assert (talked.verdict, talked.rang_seconds) == (Verdict.REACHED, 6.0)
    unseen = attempt_without_call(note(Reason.UNKNOWN, None, second_rung_at=None), "pbx1", RULES)
    assert unseen is not None
    assert (unseen.why, unseen.verdict) == (Why.INTERRUPTED, Verdict.TOO_SHORT)


def test_a_call_of_the_recipients_own_is_told_beside() -> None:
    contact = contact_of(answered(by_anna(0)))
    assert contact is not None
    assert (contact.answered, contact.by, contact.number) == (True, BORIS_PARTY, ANNA)
    missed = contact_of(by_anna(0))
    assert missed is not None
    assert (missed.answered, missed.by) == (False, None)
    assert contact_of(by_anna(0, status=Status.IN_PROGRESS)) is None
    assert contact_of(by_anna(0, caller=Party(BORIS, "Борис", "courier", "11"))) is None
    assert contact_of(tried(3)) is None


@given(st.sampled_from(Why), st.floats(0, 600), st.floats(1, 120))
def test_more_ringing_never_makes_an_attempt_worth_less(why: Why, rang: float, threshold: float) -> None:
    rules = Rules(threshold)
    order = {Verdict.TOO_SHORT: 0, Verdict.GENUINE: 1}
    before, after = verdict_of(why, rang, rules), verdict_of(why, rang + 1, rules)
    assert order.get(after, 2) >= order.get(before, 2)
    if rang >= threshold:
        assert verdict_of(why, rang, rules) is not Verdict.TOO_SHORT


_legs = st.lists(
    st.builds(
        lambda number, begin, length, cause: leg(number, begin, begin + length, cause=cause),
        st.sampled_from([ANNA, BORIS, "199"]),
        st.floats(0, 60),
        st.floats(0, 60),
        st.none() | st.integers(0, 127),
    ),
    max_size=4,
).map(tuple)
_notes = st.builds(
    note,
    st.none() | st.sampled_from(Reason),
    st.none() | st.sampled_from(Side),
    st.sampled_from([0, 200, 404, 408, 480, 486, 487, 503, 603, 699]),
    st.integers(0, 127),
)


@given(_legs, st.none() | _notes, st.sampled_from(Status), st.sampled_from([Direction.CALLBACK, Direction.OUTBOUND]))
def test_every_call_of_ours_that_is_over_has_a_verdict_and_only_a_talk_is_a_reach(
    legs: tuple[object, ...], placed: Callback | None, status: Status, direction: Direction
) -> None:
    found = tried(0, legs=legs, status=status, direction=direction)
    if status is Status.ANSWERED:
        found = replace(found, answered_at=tried(1, answered=True).answered_at, answered_by=ANNA_PARTY)
    attempt = attempt_of(found, placed, RULES)
    assert (attempt is None) == (status is Status.IN_PROGRESS)
    if attempt is not None:
        assert (attempt.verdict is Verdict.REACHED) == (status is Status.ANSWERED)
        assert attempt.rang_seconds >= 0
