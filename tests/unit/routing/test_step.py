from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.unit.routing.cast import CLIENT, COURIER, DIALLING, LONELY_COURIER, WAITING, facts, in_hands
from waybell.people.values import Identity, PersonKind, Source
from waybell.routing import state as states
from waybell.routing.flow import Flow, FlowError, default_flow
from waybell.routing.state import StateError
from waybell.routing.step import Facts, Step, step
from waybell.routing.verbs import answer

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FLOW = default_flow()
TWO = (in_hands("10", "11", "79010000011"), in_hands("27", "12", "79010000012", "101"))


def first(*people: Identity, **how: object) -> Step:
    return step(FLOW, None, "", facts(*people, **how), NOW)  # type: ignore[arg-type]


def after(this: Step, result: str, *, given: Facts | None = None) -> Step:
    """The next step, with the state gone through the dialplan and without another look at the CRM."""
    carried = states.decode(states.encode(this.state))
    return step(FLOW, carried, result, given or replace(facts(), lookup=None), NOW)


def test_a_recipient_rings_the_courier_who_holds_the_parcel() -> None:
    this = first(in_hands())
    assert (this.verb, this.args[0]) == ("dial", "PJSIP/79010000011@trunk")
    assert this.note.why == ("79161234567 is recipient 10; parcel 10 is with courier 11; ring courier 11")
    assert (this.note.parcel, this.note.courier, this.note.client) == ("10", "11", "3")
    assert this.targets[0].name == "Courier 11"


def test_the_courier_sees_the_company_and_the_parcel_but_not_the_recipient() -> None:
    this = first(in_hands())
    assert this.args[2:] == ("74951234567", "Посылка 10")
    assert "79161234567" not in ",".join(this.args)


def test_the_recipients_number_is_shown_where_the_setting_says_so() -> None:
    this = first(in_hands(), dialling=replace(DIALLING, show_recipient=True))
    assert this.args[2] == "79161234567"


@pytest.mark.parametrize("result", ["BUSY", "NOANSWER", "CHANUNAVAIL", "CONGESTION", "", "nonsense"])
def test_when_the_courier_cannot_be_had_their_manager_rings_and_then_the_office(result: str) -> None:
    manager = after(first(in_hands()), result)
    assert manager.args[0] == "PJSIP/199&PJSIP/100"
    assert manager.note.manager == "199,100"
    assert manager.note.last == result
    office = after(manager, result)
    assert office.args[0] == "PJSIP/500"
    assert after(office, result).verb == "hangup"


@pytest.mark.parametrize(("result", "cause"), [("BUSY", "17"), ("NOANSWER", "19"), ("CHANUNAVAIL", "20")])
def test_the_caller_is_told_why_nobody_took_the_call(result: str, cause: str) -> None:
    office = after(after(first(in_hands()), "BUSY"), "BUSY")
    assert after(office, result).args == (cause,)


def test_a_manager_sees_who_calls() -> None:
    manager = after(first(in_hands()), "BUSY")
    assert manager.args[2:] == ("79161234567", "Olga")


@pytest.mark.parametrize("phone", [None, "", "ivan", "100&PJSIP/trunk/900", "101", "8 901"])
def test_a_courier_without_a_number_that_can_be_dialled_is_passed_over(phone: str | None) -> None:
    assert first(in_hands(phone=phone)).args[0] == "PJSIP/199&PJSIP/100"


def test_a_courier_without_a_number_or_manager_leaves_the_office() -> None:
    assert first(in_hands(phone=None, manager=None)).args[0] == "PJSIP/500"


def test_parcels_with_several_couriers_offer_a_menu() -> None:
    this = first(*TWO)
    assert this.verb == "menu"
    assert this.args[0] == (
        "waybell/menu-intro&waybell/menu-parcel&waybell/digit-1&waybell/digit-0&waybell/menu-press&waybell/digit-1"
        "&waybell/menu-parcel&waybell/digit-2&waybell/digit-7&waybell/menu-press&waybell/digit-2"
    )


def test_a_key_rings_the_courier_it_stands_for_and_later_their_manager() -> None:
    chosen = after(first(*TWO), "2")
    assert chosen.args[0] == "PJSIP/79010000012@trunk"
    assert (chosen.note.parcel, chosen.note.courier) == ("27", "12")
    assert after(chosen, "BUSY").args[0] == "PJSIP/101"


def test_a_wrong_key_repeats_the_menu_and_the_third_goes_to_the_office() -> None:
    again = after(first(*TWO), "3")
    assert again.args[0].startswith("waybell/menu-wrong&")
    office = after(after(again, "OK"), "0")
    assert office.args[0] == "PJSIP/500"


def test_no_key_goes_to_the_office() -> None:
    assert after(first(*TWO), "TIMEOUT").args[0] == "PJSIP/500"


def test_two_parcels_with_one_courier_need_no_menu() -> None:
    assert first(in_hands("10"), in_hands("27")).verb == "dial"


def test_a_flow_may_come_back_to_the_parcels_of_a_call() -> None:
    exits = {**FLOW.nodes["courier"].exits, "busy": "parcels"}
    flow = Flow("own", "find", {**FLOW.nodes, "courier": replace(FLOW.nodes["courier"], exits=exits)})
    this = step(flow, None, "", facts(in_hands()), NOW)
    again = step(flow, states.decode(states.encode(this.state)), "BUSY", replace(facts(), lookup=None), NOW)
    assert again.args[0] == "PJSIP/79010000011@trunk"


def test_more_than_nine_couriers_offer_nine() -> None:
    this = first(*(in_hands(str(n), str(n), f"790100000{n}") for n in range(10, 30)))
    assert len(this.state.choices) == 9
    assert answer(this)


def test_a_recipient_without_a_parcel_in_hands_reaches_the_office_with_the_reason() -> None:
    this = first(WAITING)
    assert this.args[0] == "PJSIP/500"
    assert "parcel 20 is not with a courier" in this.note.why


@pytest.mark.parametrize(
    ("person", "dial"),
    [(COURIER, "PJSIP/199&PJSIP/100"), (CLIENT, "PJSIP/101"), (LONELY_COURIER, "PJSIP/500")],
)
def test_couriers_and_clients_reach_their_manager_or_the_office(person: Identity, dial: str) -> None:
    assert first(person).args[0] == dial


def test_a_courier_who_awaits_a_parcel_is_a_courier_first() -> None:
    assert first(in_hands(), COURIER).note.kind == "courier"


def test_a_client_with_a_delivered_parcel_reaches_their_manager() -> None:
    assert first(WAITING, CLIENT).note.kind == "client"
    assert first(in_hands(), CLIENT).note.kind == "recipient"


def test_the_order_of_kinds_is_the_flows() -> None:
    find = replace(FLOW.nodes["find"], order=("recipient", "courier"))
    flow = Flow("own", "find", {**FLOW.nodes, "find": find})
    assert step(flow, None, "", facts(WAITING, COURIER), NOW).note.kind == "recipient"


@pytest.mark.parametrize(("number", "why"), [("199", "199 is no number from outside"), ("112", "112 is no number")])
@pytest.mark.parametrize(("language", "name"), [("en", "outside"), ("ru", "снаружи")])
def test_a_caller_from_outside_who_shows_an_extension_is_shown_as_nobody_and_not_taken_for_an_employee(
    number: str, why: str, language: str, name: str
) -> None:
    employee = Identity(PersonKind.EMPLOYEE, "7", "Anna", manager_extension="199")
    office = first(employee, number=number, dialling=replace(DIALLING, language=language))
    assert office.args[::2] == ("PJSIP/500", "")
    assert office.args[3] == office.note.name == f"{name} {number}"
    assert (office.note.number, office.note.kind, office.note.id) == ("", "", "")
    assert why in office.note.why


def test_a_courier_prefix_stands_before_the_number_that_is_dialled_and_nowhere_else() -> None:
    this = first(in_hands(), dialling=replace(DIALLING, courier_prefix="9*"))
    assert this.args[0] == "PJSIP/9*79010000011@trunk"
    assert this.targets[0].number == "79010000011"


@pytest.mark.parametrize("number", ["", "anonymous", "0", "abc", "79161234567"])
def test_strangers_and_nameless_callers_reach_the_office(number: str) -> None:
    assert first(number=number).args[0] == "PJSIP/500"


def test_the_source_of_the_answer_is_noted_at_every_step_of_the_call() -> None:
    this = first(in_hands(), source=Source.CACHE, why="the CRM did not answer")
    assert "from the cache: the CRM did not answer" in this.note.why
    assert after(this, "BUSY").note.source == "cache"


def test_a_manager_may_be_reached_on_a_mobile_phone() -> None:
    person = replace(COURIER, manager_extension="199, +7 901 000-00-99")
    assert first(person).args[0] == "PJSIP/199&PJSIP/79010000099@trunk"


def test_hostile_text_of_the_crm_never_becomes_syntax() -> None:
    evil = '"),Dial(PJSIP/900@trunk) ${SHELL(id)};\n&'
    person = replace(in_hands(), parcel=evil, id=evil, name=evil, courier_name=evil, manager_extension=evil + ",199")
    ringing = first(person)
    manager = after(ringing, "BUSY")
    for this in (ringing, manager):
        said = answer(this)
        assert said.count(",") == 7
        assert not set(said) & set("\"'${}()\n&\\")
    assert manager.args[0] == "PJSIP/199"


@pytest.mark.parametrize("word", ["x", "courier.", "courier.!!!!", "courier.W10=", "no.such", "end." + "W" * 5000])
def test_a_state_that_is_not_ours_is_refused(word: str) -> None:
    with pytest.raises(StateError):
        step(FLOW, states.decode(word), "", facts(), NOW)


def test_a_state_of_a_flow_changed_mid_call_is_refused() -> None:
    with pytest.raises(StateError, match="changed mid-call"):
        step(FLOW, states.State("gone"), "BUSY", facts(), NOW)


def test_a_flow_that_goes_in_a_circle_is_an_error_not_a_hang() -> None:
    office = replace(FLOW.nodes["office"], to="courier", exits={**FLOW.nodes["office"].exits, "no_number": "office"})
    flow = Flow("round", "find", {**FLOW.nodes, "office": office})
    with pytest.raises(FlowError, match="circle"):
        step(flow, None, "", facts(), NOW)
