"""Which calls are recorded and which callers are asked how it was: rules, and what the dialplan is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.unit.routing.cast import CLIENT, DIALLING, facts, in_hands
from waybell import notes
from waybell.people.values import Identity
from waybell.routing import state as states
from waybell.routing.explain import explain
from waybell.routing.extras import ALL, NO_CALL, Extras, Rule, recording_file, recording_id
from waybell.routing.flow import default_flow
from waybell.routing.step import Step, step
from waybell.routing.verbs import answer

NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
FLOW = default_flow()
ID = "20261122-0123456789abcdef0123"
FILE = f"2026/11/22/{ID}.wav"
ALL_RECORDED = Extras(recorded=Rule(frozenset((ALL,))), announced=False, new_id=ID)
ALL_RATED = Extras(rated=Rule(frozenset((ALL,))), comment_seconds=60, new_id=ID)


def first(extras: Extras, *people: Identity) -> Step:
    return step(FLOW, None, "", replace(facts(*people or (in_hands(),)), extras=extras), NOW)


def after(this: Step, result: str, extras: Extras) -> Step:
    """The next step, with the state gone through the dialplan; another id would be drawn."""
    carried = states.decode(answer(this).partition(",")[0])
    drawn = replace(extras, new_id="20261122-ffffffffffffffffffff")
    return step(FLOW, carried, result, replace(facts(), lookup=None, extras=drawn), NOW)


def rule(*marks: str, spared: tuple[str, ...] = ()) -> Rule:
    return Rule(frozenset(marks), frozenset(spared))


@pytest.mark.parametrize(
    ("taken", "marks", "chosen"),
    [
        (rule(), ("client",), False),
        (rule("all"), (), True),
        (rule("all"), ("client",), True),
        (rule("client"), ("client", "74951234567"), True),
        (rule("74951234567"), ("client", "74951234567"), True),
        (rule("courier"), ("client", "74951234567"), False),
        (rule("all", spared=("courier",)), ("courier",), False),
        (rule("all", spared=("74951234567",)), ("client", "74951234567"), False),
        (rule("client", spared=("all",)), ("client",), False),
        (rule(spared=("client",)), ("courier",), False),
    ],
)
def test_a_rule_takes_calls_with_a_mark_it_names_and_none_it_spares(
    taken: Rule, marks: tuple[str, ...], chosen: bool
) -> None:
    assert taken.takes(marks) is chosen


def test_without_rules_a_call_is_told_just_what_it_was_told_before_there_were_any() -> None:
    for extras in (Extras(), Extras(new_id=ID), Extras(NO_CALL, True, NO_CALL, 6, 60, ID)):
        assert answer(first(extras)) == answer(step(FLOW, None, "", facts(in_hands()), NOW))


def test_a_recorded_call_is_recorded_before_anybody_is_rung_and_once_only() -> None:
    this = first(ALL_RECORDED)
    assert (this.verb, this.args) == ("record", (FILE, "", "ru"))
    assert (this.note.verb, this.note.recording) == ("record", ID)
    ring = after(this, "RECORDING", ALL_RECORDED)
    assert (ring.verb, ring.args[0], ring.note.recording) == ("dial", "PJSIP/79010000011@trunk", "")
    manager = after(ring, "BUSY", ALL_RECORDED)
    assert (manager.verb, manager.args[0]) == ("dial", "PJSIP/199&PJSIP/100")
    assert manager.state.recording == ID


def test_what_could_not_be_announced_is_not_tried_again() -> None:
    extras = replace(ALL_RECORDED, announced=True)
    this = first(extras)
    assert this.args == (FILE, "waybell/recorded", "ru")
    assert after(this, "UNANNOUNCED", extras).verb == "dial"


def test_a_line_and_a_kind_of_caller_are_marks() -> None:
    for marks in (("client",), ("74951234567",)):
        assert first(Extras(rule(*marks), new_id=ID), CLIENT).verb == "record"
    for marks in (("recipient",), ("74950000000",)):
        assert first(Extras(rule(*marks), new_id=ID), CLIENT).verb == "dial"


def test_an_answer_has_eight_parts_whatever_is_recorded_or_asked() -> None:
    recorded, rated = first(ALL_RECORDED), first(ALL_RATED)
    steps = [recorded, rated, after(rated, "ANSWER", ALL_RATED)]
    steps.append(after(steps[-1], "4", ALL_RATED))
    assert [taken.verb for taken in steps] == ["record", "stay", "menu", "comment"]
    assert [answer(taken).count(",") for taken in steps] == [7, 7, 7, 7]


def test_a_rated_caller_stays_is_asked_and_may_say_more() -> None:
    ring = first(ALL_RATED)
    assert (ring.verb, ring.note.verb, ring.args[0]) == ("stay", "dial", "PJSIP/79010000011@trunk")
    question = after(ring, "ANSWER", ALL_RATED)
    assert (question.verb, question.args) == ("menu", ("waybell/rate", "6", "ru"))
    assert question.note.rating == "asked"
    comment = after(question, "5", ALL_RATED)
    assert (comment.verb, comment.note.rating) == ("comment", "5")
    assert comment.args == (recording_file(comment.note.recording), "waybell/rate-comment", "ru", "60")
    end = after(comment, "DTMF", ALL_RATED)
    assert (end.verb, end.args, end.note.rating) == ("hangup", ("16",), "")


def test_without_comments_the_caller_is_thanked() -> None:
    extras = replace(ALL_RATED, comment_seconds=0)
    thanked = after(after(first(extras), "ANSWER", extras), "1", extras)
    assert (thanked.verb, thanked.args, thanked.note.rating) == ("say", ("waybell/rate-thanks", "ru"), "1")
    assert after(thanked, "SUCCESS", extras).verb == "hangup"


@pytest.mark.parametrize("nothing", ["TIMEOUT", "ERROR", "HANGUP", "", "12", "٣"])
def test_silence_is_no_rating(nothing: str) -> None:
    end = after(after(first(ALL_RATED), "ANSWER", ALL_RATED), nothing, ALL_RATED)
    assert (end.verb, end.args, end.note.rating) == ("hangup", ("16",), "")


@pytest.mark.parametrize("wrong", ["0", "6", "9"])
def test_another_key_is_asked_about_once_more(wrong: str) -> None:
    again = after(after(first(ALL_RATED), "ANSWER", ALL_RATED), wrong, ALL_RATED)
    assert (again.verb, again.args[0]) == ("menu", "waybell/menu-wrong&waybell/rate")
    assert after(again, wrong, ALL_RATED).verb == "hangup"
    assert after(again, "3", ALL_RATED).note.rating == "3"


def test_who_was_asked_lately_is_not_asked() -> None:
    end = after(first(ALL_RATED), "ANSWER", replace(ALL_RATED, may_ask=False))
    assert (end.verb, end.args) == ("hangup", ("16",))
    assert "asked lately" in end.note.why


def test_nobody_who_was_not_put_through_is_asked() -> None:
    step_ = first(ALL_RATED)
    while step_.verb == "stay":
        step_ = after(step_, "BUSY", ALL_RATED)
    assert (step_.verb, step_.args) == ("hangup", ("17",))


def test_explain_tells_of_recording_and_asking() -> None:
    given = replace(facts(in_hands()), extras=replace(ALL_RECORDED, rated=rule("all"), comment_seconds=9))
    told = explain(FLOW, given, NOW)
    assert told.step.verb == "record"
    [ring] = told.then
    assert ring.step.verb == "stay"
    asked = next(branch for branch in ring.then if "ANSWER" in branch.results)
    assert asked.step.note.rating == "asked"
    assert {branch.step.verb for branch in asked.then} == {"comment", "hangup"}


def test_a_state_carries_the_recording_and_one_of_an_older_waybell_is_read() -> None:
    state = first(ALL_RECORDED).state
    assert states.decode(states.encode(state)).recording == ID
    old = replace(state, recording="")
    assert states.decode(states.encode(old)) == old


def test_the_day_of_an_id_is_its_folder_and_nothing_else_becomes_one() -> None:
    assert recording_id(NOW, "0123456789abcdef0123") == ID
    assert recording_file(ID) == FILE
    for wrong in ("", "../x", ID + "/../x", ID.upper(), ID + "\n", "30261122-0123456789abcdef0123"):
        with pytest.raises(ValueError, match="no recording's id"):
            recording_file(wrong)


def test_a_note_holds_recording_and_rating_and_a_short_one_costs_nothing_more() -> None:
    note = replace(first(ALL_RATED).note, recording=ID, rating="5")
    assert notes.decode(*notes.encode(note)) == note
    assert "rating" not in notes.encode(first(Extras()).note)[0]


def test_the_languages_prompts_are_asked_for() -> None:
    english = replace(DIALLING, language="en")
    this = step(FLOW, None, "", replace(facts(in_hands(), dialling=english), extras=ALL_RECORDED), NOW)
    assert this.args[2] == "en"


def test_a_flow_that_leads_to_the_question_without_a_talk_asks_nobody() -> None:
    courier = FLOW.nodes["courier"]
    astray = replace(courier, exits={**courier.exits, "busy": "rate"})
    flow = replace(FLOW, nodes={**FLOW.nodes, "courier": astray})
    ring = step(flow, None, "", replace(facts(in_hands()), extras=ALL_RATED), NOW)
    end = step(flow, ring.state, "BUSY", replace(facts(), lookup=None, extras=ALL_RATED), NOW)
    assert (end.verb, end.args) == ("hangup", ("17",))
