"""What was recorded of a call and what its caller said of it, read off our notes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from waybell.calls.changes import Happened, changes
from waybell.calls.channels import Conversation
from waybell.calls.rows import from_row, to_row
from waybell.calls.spoken import feedback_of, recordings_of
from waybell.calls.values import Feedback, Recording
from waybell.notes import Note

ONE, TWO = "20261122-0123456789abcdef0123", "20261122-ffffffffffffffffffff"


def talk(*notes: Note) -> Conversation:
    """A conversation with a note each second."""
    return cast(Conversation, SimpleNamespace(notes=[(number, note) for number, note in enumerate(notes, start=1)]))


def note(verb: str, last: str = "", recording: str = "", rating: str = "") -> Note:
    return Note("step", verb, "why", "crm", last, recording=recording, rating=rating)


RECORD, RING = note("record", recording=ONE), note("dial", "RECORDING")
ASK, MORE = note("menu", "ANSWER", rating="asked"), note("comment", "4", TWO, "4")


def test_a_recording_begins_when_somebody_answers() -> None:
    assert recordings_of(talk(RECORD, RING), 7) == (Recording(ONE, 7),)


def test_one_that_begins_in_the_middle_of_a_call_has_its_own_time() -> None:
    assert recordings_of(talk(note("dial"), RECORD, RING), 1) == (Recording(ONE, 2),)


def test_nothing_was_recorded_of_a_call_that_nobody_answered() -> None:
    assert recordings_of(talk(RECORD, RING), None) == ()


def test_what_could_not_be_announced_was_not_recorded() -> None:
    assert recordings_of(talk(RECORD, note("dial", "UNANNOUNCED")), 7) == ()


def test_a_recording_whose_next_step_no_waybell_took_is_still_one() -> None:
    assert recordings_of(talk(RECORD), 7) == (Recording(ONE, 7),)


def test_a_spoken_comment_is_no_recording_of_the_call() -> None:
    assert recordings_of(talk(note("dial"), ASK, MORE), 7) == ()


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ((), None),
        ((note("dial"),), None),
        ((note("dial"), ASK), Feedback(2)),
        ((note("dial"), ASK, note("hangup", "TIMEOUT")), Feedback(2)),
        ((note("dial"), ASK, note("say", "1", rating="1")), Feedback(2, 1, 3)),
        ((note("dial"), ASK, MORE), Feedback(2, 4, 3, TWO)),
        ((note("dial"), ASK, note("menu", "9", rating="asked"), MORE), Feedback(2, 4, 4, TWO)),
        ((note("dial"), ASK, note("say", "7", rating="7")), Feedback(2)),
    ],
)
def test_what_a_caller_said_is_told_with_when_they_were_asked(notes: tuple[Note, ...], said: Feedback | None) -> None:
    assert feedback_of(talk(*notes)) == said


def test_a_row_keeps_recordings_and_leaves_feedback_to_whoever_writes_it() -> None:
    from tests.loopback.search.cast import call

    taped = call(1, recordings=(Recording(ONE, 5), Recording(TWO, 9)), feedback=Feedback(2, 4, 3, TWO))
    row = to_row(taped, "pbx1")
    assert "feedback" not in row
    assert from_row({**row, "feedback": None}).recordings == taped.recordings
    assert from_row({**to_row(call(2), "pbx1"), "feedback": None}).recordings == ()


def test_a_rating_is_told_once_it_is_there_and_not_again() -> None:
    from tests.loopback.search.cast import call

    asked, given = call(1, feedback=Feedback(2)), call(1, feedback=Feedback(2, 4, 3))
    [told] = [change for change in changes(asked, given) if change.type is Happened.FEEDBACK]
    assert (told.type.value, told.at) == ("feedback.received", 3)
    for before, after in ((given, given), (call(1), asked), (asked, asked)):
        assert Happened.FEEDBACK not in [change.type for change in changes(before, after)]
