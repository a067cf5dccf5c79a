"""What the dialplan does with a call that Waybell placed, step by step."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybell.callbacks.script import PREFIX, Script, Way, decode, encode
from waybell.callbacks.steps import next_step, other_way, without_way
from waybell.callbacks.values import Kind, Party, Plan
from waybell.notes import decode as decode_note
from waybell.routing.state import StateError

PLAN = Plan(
    Kind.CALLBACK,
    Party("79010000011", "courier", "11", "Борис"),
    Party("79161000001", "recipient", "10", "Анна"),
    "11",
    "1234567",
    "101",
)
WAYS = (Way("PJSIP/79161000001@one", "74951234567", "one"), Way("PJSIP/79161000001@two", "74957654321", "two"))
SCRIPT = Script("cb0123456789abcdef", PLAN, WAYS, 25, 1800, 10)


def taken(script: Script, result: str) -> tuple[Script, str, list[str]]:
    """The next script, the verb, its arguments."""
    word, verb, *arguments = next_step(script, result).split(",")
    return decode(word), verb, arguments[:4]


def test_whoever_answers_hears_the_end_of_the_parcels_number_and_is_asked_for_a_key() -> None:
    script, verb, (prompts, seconds, language, _) = taken(SCRIPT, "ANSWERED")
    assert (script.phase, verb, seconds, language) == ("confirm", "menu", "10", "ru")
    assert prompts == "&".join(
        f"waybell/{name}" for name in ("callback-press-parcel", "digit-4", "digit-5", "digit-6", "digit-7")
    )


@pytest.mark.parametrize("key", ["5", "0", "*", "OK"])
def test_any_key_has_the_second_phone_rung(key: str) -> None:
    script, verb, arguments = taken(replace(SCRIPT, phase="confirm", tried=1), key)
    assert (script.phase, verb) == ("connect", "connect")
    assert arguments == ["PJSIP/79161000001@one", "25", "74951234567", "1800"]


@pytest.mark.parametrize("nothing", ["TIMEOUT", "ERROR", "HANGUP", ""])
def test_silence_is_asked_once_more_and_never_joined_with_anybody(nothing: str) -> None:
    script, verb, _ = taken(replace(SCRIPT, phase="confirm", tried=1), nothing)
    assert (script.tried, verb) == (2, "menu")
    _, verb, _ = taken(script, nothing)
    assert verb == "hangup"


def test_a_question_that_cannot_be_played_is_told_in_the_journal_with_what_to_do() -> None:
    answer = next_step(replace(SCRIPT, phase="confirm", tried=2), "ERROR")
    note = decode_note(*answer.split(",")[6:8])
    assert note is not None
    assert "waybell prompts" in note.why


def test_without_confirmation_the_second_phone_is_rung_at_once() -> None:
    _, verb, _ = taken(replace(SCRIPT, confirm_seconds=0), "ANSWERED")
    assert verb == "connect"


@pytest.mark.parametrize("refusal", ["NOANSWER-603", "CHANUNAVAIL-404", "CONGESTION-403"])
def test_who_refuses_or_is_unknown_is_not_rung_again_over_another_line(refusal: str) -> None:
    _, verb, _ = taken(replace(SCRIPT, phase="connect", tried=1), refusal)
    assert verb == "say"


@pytest.mark.parametrize("failure", ["CHANUNAVAIL-503", "CONGESTION-", "NOANSWER-500"])
def test_a_line_that_fails_leaves_the_call_to_the_next_one(failure: str) -> None:
    script, verb, arguments = taken(replace(SCRIPT, phase="connect", tried=1), failure)
    assert (verb, arguments[0], arguments[2]) == ("connect", "PJSIP/79161000001@two", "74957654321")
    _, verb, _ = taken(script, failure)
    assert verb == "say"


@pytest.mark.parametrize("result", ["CHANUNAVAIL-503", "NOANSWER-603", "ANSWER", "BUSY-486", "1", ""])
@pytest.mark.parametrize("phase", ["answered", "confirm", "connect", "said"])
@pytest.mark.parametrize("tried", [1, 2])
def test_another_line_is_named_beforehand_exactly_when_it_is_dialled(result: str, phase: str, tried: int) -> None:
    script = replace(SCRIPT, phase=phase, tried=tried)
    _, verb, arguments = taken(script, result)
    way = other_way(script, result)
    if way is not None:
        assert (verb, arguments[0]) == ("connect", way.dial)
    else:
        assert phase != "connect" or verb != "connect"


def test_a_line_without_room_is_passed_over() -> None:
    script = without_way(replace(SCRIPT, phase="connect", tried=1))
    _, verb, arguments = taken(script, "CONGESTION-503")
    assert (verb, arguments[0]) == ("say", "waybell/callback-unreachable")


@pytest.mark.parametrize(
    ("result", "prompt"), [("BUSY-486", "busy"), ("NOANSWER-", "no-answer"), ("CANCEL-", "unreachable")]
)
def test_a_recipient_who_is_not_reached_is_not_rung_again_and_the_first_hears_why(result: str, prompt: str) -> None:
    script, verb, arguments = taken(replace(SCRIPT, phase="connect", tried=1), result)
    assert (verb, arguments[:2]) == ("say", [f"waybell/callback-{prompt}", "ru"])
    _, verb, _ = taken(script, "SUCCESS")
    assert verb == "hangup"


def test_a_talk_that_is_over_ends_the_call() -> None:
    _, verb, arguments = taken(replace(SCRIPT, phase="connect", tried=1), "ANSWER-")
    assert (verb, arguments[0]) == ("hangup", "16")


def test_the_note_ties_the_call_to_courier_parcel_and_both_numbers() -> None:
    answer = next_step(replace(SCRIPT, confirm_seconds=0), "ANSWERED")
    note = decode_note(*answer.split(",")[6:8])
    assert note is not None
    assert (note.verb, note.number, note.dialed, note.parcel, note.courier, note.client, note.kind) == (
        *("dial", "79010000011", "79161000001", "1234567", "11", "101", "courier"),
    )
    assert [target.number for target in note.to] == ["79161000001"]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x1e\x1f"), max_size=30)


@given(parcel=TEXT, name=TEXT, dial=TEXT, language=TEXT)
def test_a_script_survives_its_way_through_the_dialplan(parcel: str, name: str, dial: str, language: str) -> None:
    plan = replace(PLAN, parcel=parcel, first=replace(PLAN.first, name=name))
    script = replace(SCRIPT, plan=plan, ways=(Way(dial, "1", name),), language=language)
    word = encode(script)
    assert decode(word) == script
    assert set(word) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=.")


@given(st.text(max_size=200))
def test_what_is_no_script_of_ours_is_refused_and_nothing_else_happens(word: str) -> None:
    with pytest.raises(StateError):
        decode(PREFIX + word)
