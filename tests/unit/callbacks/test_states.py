"""How far a call has come: the table, and what may be told of a call in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybell.callbacks.causes import is_line_failure, reason_of
from waybell.callbacks.states import (
    TRANSITIONS,
    Cancelled,
    Confirmed,
    Event,
    FirstAnswered,
    FirstEnded,
    Happening,
    Lost,
    Placing,
    SecondAnswered,
    SecondFailed,
    SecondLine,
    advance,
)
from waybell.callbacks.values import FINAL, Callback, Kind, Party, Plan, Reason, Side, Status

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PLAN = Plan(Kind.CALLBACK, Party("79010000011"), Party("79161234567"), "11", "10")
NEW = Callback("cb1", PLAN, Status.REQUESTED, START, START)
ORDER = list(Status)

TO_CALLING_COURIER = (Placing("mts"),)
TO_CONFIRMING = (*TO_CALLING_COURIER, FirstAnswered())
TO_CALLING_RECIPIENT = (*TO_CONFIRMING, Confirmed("beeline"))
TO_TALKING = (*TO_CALLING_RECIPIENT, SecondAnswered())


def after(*happenings: Happening, callback: Callback = NEW) -> Callback:
    """Each a second after the one before; each must change something."""
    for happened in happenings:
        moved = advance(callback, happened, callback.changed_at + timedelta(seconds=1))
        assert moved is not None, happened
        callback = moved
    return callback


def test_a_conversation_goes_through_every_status() -> None:
    seen = [NEW.status]
    callback = NEW
    for happened in (*TO_TALKING, FirstEnded(16, hung_up=True)):
        callback = after(happened, callback=callback)
        seen.append(callback.status)
    assert seen == [status for status in Status if status is not Status.FAILED]
    assert (callback.first_line, callback.second_line, callback.cause, callback.side) == (
        "mts",
        "beeline",
        16,
        Side.FIRST,
    )
    moments = (callback.first_answered_at, callback.second_rung_at, callback.second_answered_at, callback.ended_at)
    assert [int((moment - START).total_seconds()) for moment in moments if moment] == [2, 3, 4, 5]
    assert callback.reason is None
    assert callback.ring_seconds == 1.0


@pytest.mark.parametrize(
    ("happened", "reason"),
    [
        (FirstEnded(17), Reason.BUSY),
        (FirstEnded(17, 486), Reason.BUSY),
        (FirstEnded(18), Reason.NO_ANSWER),
        (FirstEnded(19), Reason.NO_ANSWER),
        (FirstEnded(127, 487), Reason.NO_ANSWER),
        (FirstEnded(0), Reason.NO_ANSWER),
        (FirstEnded(16), Reason.NO_ANSWER),
        (FirstEnded(16, 200), Reason.HUNG_UP),
        (FirstEnded(21), Reason.REFUSED),
        (FirstEnded(21, 603), Reason.REFUSED),
        (FirstEnded(17, 603), Reason.REFUSED),
        (FirstEnded(20), Reason.UNREACHABLE),
        (FirstEnded(27), Reason.UNREACHABLE),
        (FirstEnded(1, 404), Reason.UNREACHABLE),
        (FirstEnded(34, 503), Reason.UNREACHABLE),
        (FirstEnded(0, 503), Reason.UNREACHABLE),
        (Lost(), Reason.UNKNOWN),
        (Lost(restarted=True), Reason.INTERRUPTED),
        (Cancelled(), Reason.CANCELLED),
    ],
)
def test_a_first_phone_that_is_not_reached_ends_the_call_with_its_reason(happened: Happening, reason: Reason) -> None:
    callback = after(*TO_CALLING_COURIER, happened)
    assert (callback.status, callback.reason) == (Status.FAILED, reason)
    assert callback.ended_at == callback.changed_at
    assert callback.ring_seconds == 0.0
    if isinstance(happened, FirstEnded):
        assert (callback.side, callback.cause, callback.sip_cause) == (Side.FIRST, happened.cause, happened.sip_cause)


@pytest.mark.parametrize(
    ("happened", "reason"),
    [(FirstEnded(16), Reason.NOT_CONFIRMED), (FirstEnded(16, hung_up=True), Reason.HUNG_UP), (Lost(), Reason.UNKNOWN)],
)
def test_a_voicemail_or_a_courier_who_presses_nothing_reaches_nobody(happened: Happening, reason: Reason) -> None:
    callback = after(*TO_CONFIRMING, happened)
    assert (callback.status, callback.reason) == (Status.FAILED, reason)
    assert callback.second_rung_at is None


@pytest.mark.parametrize(
    ("happened", "reason", "side"),
    [
        (SecondFailed(cause=17), Reason.BUSY, Side.SECOND),
        (SecondFailed(cause=19), Reason.NO_ANSWER, Side.SECOND),
        (SecondFailed(cause=21, sip_cause=603), Reason.REFUSED, Side.SECOND),
        (SecondFailed(cause=20), Reason.UNREACHABLE, Side.SECOND),
        (SecondFailed(Reason.BUSY, 34), Reason.BUSY, Side.SECOND),
        (FirstEnded(16, hung_up=True), Reason.HUNG_UP, Side.FIRST),
        (FirstEnded(16, dialstatus="CANCEL"), Reason.HUNG_UP, Side.FIRST),
        (FirstEnded(16, dialstatus="BUSY"), Reason.BUSY, Side.SECOND),
        (FirstEnded(16, dialstatus="NOANSWER"), Reason.NO_ANSWER, Side.SECOND),
        (FirstEnded(16, dialstatus="CONGESTION"), Reason.UNREACHABLE, Side.SECOND),
        (Cancelled(), Reason.CANCELLED, None),
        (Lost(), Reason.UNKNOWN, None),
        (Lost(restarted=True), Reason.INTERRUPTED, None),
    ],
)
def test_a_second_phone_that_is_not_reached_ends_the_call_with_whose_doing_it_was(
    happened: Happening, reason: Reason, side: Side | None
) -> None:
    callback = after(*TO_CALLING_RECIPIENT, happened)
    assert (callback.status, callback.reason, callback.side) == (Status.FAILED, reason, side)
    assert callback.ring_seconds == 1.0


@pytest.mark.parametrize(
    ("happened", "status"),
    [
        (FirstEnded(16, hung_up=True), Status.DONE),
        (Cancelled(), Status.DONE),
        (Lost(), Status.DONE),
        (Lost(restarted=True), Status.FAILED),
    ],
)
def test_a_talk_is_done_however_it_ends_unless_the_pbx_restarts(happened: Happening, status: Status) -> None:
    callback = after(*TO_TALKING, happened)
    assert callback.status is status
    assert callback.reason is (Reason.INTERRUPTED if status is Status.FAILED else None)


@pytest.mark.parametrize("path", [TO_CALLING_COURIER, TO_CONFIRMING, TO_CALLING_RECIPIENT])
def test_two_who_talk_talk_whatever_was_not_heard_before(path: tuple[Happening, ...]) -> None:
    talking = after(*path, SecondAnswered())
    assert talking.status is Status.TALKING
    assert talking.first_answered_at
    assert talking.second_rung_at
    assert talking.second_answered_at == talking.changed_at
    assert after(FirstEnded(16), callback=talking).status is Status.DONE


def test_a_call_that_is_to_be_cancelled_ends_cancelled_whichever_end_is_seen_first() -> None:
    for path, happened in (
        (TO_CALLING_COURIER, FirstEnded(127, 487)),
        (TO_CONFIRMING, FirstEnded(16)),
        (TO_CALLING_RECIPIENT, SecondFailed(cause=127, sip_cause=487)),
        (TO_CALLING_RECIPIENT, Lost()),
    ):
        callback = replace(after(*path), cancel_asked=True)
        assert after(happened, callback=callback).reason is Reason.CANCELLED
    talking = replace(after(*TO_TALKING), cancel_asked=True)
    assert after(FirstEnded(16), callback=talking).reason is None


def test_the_next_line_goes_on_where_one_failed_and_its_repeat_does_not() -> None:
    callback = after(*TO_CALLING_COURIER, Placing("mts2"))
    assert (callback.status, callback.first_line, callback.tries) == (Status.CALLING_COURIER, "mts2", 2)
    assert advance(callback, Placing("mts2"), START) is None
    callback = after(FirstAnswered(), Confirmed("a"), SecondLine("b"), callback=callback)
    assert (callback.status, callback.second_line) == (Status.CALLING_RECIPIENT, "b")
    assert callback.second_rung_at == callback.changed_at
    assert advance(callback, SecondLine("b"), START) is None


def test_a_key_whose_answer_was_not_heard_of_confirms() -> None:
    callback = after(*TO_CALLING_COURIER, Confirmed())
    assert callback.status is Status.CALLING_RECIPIENT
    assert callback.first_answered_at == callback.second_rung_at


def test_the_line_that_was_chosen_stays_where_the_dialplan_names_none() -> None:
    callback = replace(after(*TO_CONFIRMING), second_line="beeline")
    assert after(Confirmed(), callback=callback).second_line == "beeline"


def test_times_never_go_backwards_when_the_clock_does() -> None:
    callback = after(*TO_CALLING_RECIPIENT)
    back = advance(callback, SecondAnswered(), START - timedelta(days=1))
    assert back is not None
    assert back.second_answered_at == back.changed_at == callback.changed_at


def test_every_status_is_in_the_table_and_the_final_ones_lead_nowhere() -> None:
    assert set(TRANSITIONS) == set(Status)
    assert all(not TRANSITIONS[status] for status in FINAL)


def test_no_edge_of_the_table_goes_back() -> None:
    for status, edges in TRANSITIONS.items():
        for event, following in edges.items():
            stays = event in (Event.PLACING, Event.SECOND_LINE) and following is status
            assert stays or ORDER.index(following) > ORDER.index(status), (status, event)


def test_from_every_status_that_is_not_final_a_call_can_end() -> None:
    for status in set(Status) - FINAL:
        assert {TRANSITIONS[status][event] for event in (Event.CANCELLED, Event.LOST, Event.RESTARTED)} <= FINAL


CAUSES, SIP = st.integers(0, 127), st.sampled_from((0, 200, 403, 404, 408, 480, 486, 487, 503, 600, 603))
LINES = st.sampled_from(("", "a", "b"))
HAPPENINGS: st.SearchStrategy[Happening] = st.one_of(
    st.builds(Placing, LINES),
    st.just(FirstAnswered()),
    st.builds(Confirmed, LINES),
    st.builds(SecondLine, LINES),
    st.just(SecondAnswered()),
    st.builds(SecondFailed, st.none() | st.sampled_from(Reason), CAUSES, SIP),
    st.builds(
        FirstEnded,
        CAUSES,
        SIP,
        st.sampled_from(("", "ANSWER", "BUSY", "CANCEL", "NOANSWER", "CONGESTION", "nonsense")),
        st.booleans(),
    ),
    st.just(Cancelled()),
    st.builds(Lost, st.booleans()),
)


@given(st.lists(st.tuples(HAPPENINGS, st.integers(-1000, 1000)), max_size=15), st.booleans())
def test_whatever_is_told_in_whatever_order_a_call_goes_forward_and_a_final_status_stays(
    told: list[tuple[Happening, int]], cancel_asked: bool
) -> None:
    callback = replace(NEW, cancel_asked=cancel_asked)
    for happened, seconds in told:
        moved = advance(callback, happened, START + timedelta(seconds=seconds))
        if callback.is_final:
            assert moved is None
        if moved is None:
            continue
        assert ORDER.index(moved.status) >= ORDER.index(callback.status)
        assert moved.changed_at >= callback.changed_at
        assert advance(moved, happened, moved.changed_at) is None or not isinstance(happened, (SecondLine, Placing))
        _assert_consistent(moved)
        callback = moved


def _assert_consistent(callback: Callback) -> None:
    times = (
        callback.created_at,
        callback.first_answered_at,
        callback.second_rung_at,
        callback.second_answered_at,
        callback.ended_at,
    )
    known = [moment for moment in times if moment]
    assert known == sorted(known)
    assert (callback.ended_at is not None) is callback.is_final
    assert (callback.reason is not None) is (callback.status is Status.FAILED)
    assert callback.ring_seconds >= 0


@pytest.mark.parametrize(
    ("cause", "sip_cause", "dialstatus", "reason"),
    [
        (16, 486, "", Reason.BUSY),
        (21, 401, "", Reason.UNREACHABLE),
        (21, 403, "", Reason.REFUSED),
        (102, 408, "", Reason.NO_ANSWER),
        (19, 480, "", Reason.NO_ANSWER),
        (20, 480, "", Reason.UNREACHABLE),
        (0, 480, "", Reason.NO_ANSWER),
        (0, 404, "", Reason.UNREACHABLE),
        (0, 0, "CHANUNAVAIL", Reason.UNREACHABLE),
        (0, 0, "BUSY", Reason.BUSY),
        (0, 0, "", Reason.NO_ANSWER),
        (999, 999, "nonsense", Reason.UNREACHABLE),
    ],
)
def test_a_reason_is_found_in_whatever_is_known(cause: int, sip_cause: int, dialstatus: str, reason: Reason) -> None:
    assert reason_of(cause, sip_cause, dialstatus) is reason


@pytest.mark.parametrize(
    ("cause", "sip_cause", "failed"),
    [
        (34, 0, True),
        (38, 503, True),
        (21, 407, True),
        (17, 486, False),
        (1, 404, False),
        (21, 603, False),
        (0, 0, False),
    ],
)
def test_the_line_is_to_blame_for_what_another_one_might_not_suffer(cause: int, sip_cause: int, failed: bool) -> None:
    assert is_line_failure(cause, sip_cause) is failed
