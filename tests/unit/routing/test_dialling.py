"""Which phones are rung of what a CRM holds, and what is said of the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.unit.routing.cast import COURIER, DIALLING, facts, in_hands
from waybell.number_charges import regions_of
from waybell.numbers import NumberPlan
from waybell.routing.dialling import ring_office, ring_phone, ring_staff
from waybell.routing.flow import default_flow
from waybell.routing.step import Step, step

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def first(*people: object, **how: object) -> Step:
    return step(default_flow(), None, "", facts(*people, **how), NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("phone", "why"),
    [
        ("+7 809 123-45-67", "+78091234567 may not be dialled: premium rate"),
        ("+881 6 1234 5678", "+881612345678 may not be dialled: a satellite's, or of no country"),
        ("+44 20 7946 0958", "+442079460958 may not be dialled: country GB is not in calls.countries"),
        ("112", "'112' is no telephone number"),
        ("ivan", "'ivan' is no telephone number"),
        ("", "no number to ring"),
    ],
)
def test_a_couriers_number_that_may_not_be_dialled_is_passed_over_and_the_note_says_why(phone: str, why: str) -> None:
    this = first(in_hands(phone=phone))
    assert this.args[0] == "PJSIP/199&PJSIP/100"
    assert f"courier 11: {why}" in this.note.why


def test_a_country_that_the_admin_allows_is_dialled() -> None:
    abroad = replace(DIALLING, regions=regions_of(["RU", "44"]))
    assert first(in_hands(phone="+44 20 7946 0958"), dialling=abroad).args[0] == "PJSIP/442079460958@trunk"
    assert first(in_hands(phone="+7 701 234 56 78"), dialling=abroad).args[0] == "PJSIP/199&PJSIP/100"


def test_without_a_list_the_plans_own_country_and_its_neighbours_are_dialled() -> None:
    german = replace(DIALLING, plan=NumberPlan("DE"))
    for phone, dial in (("0151 23456789", "4915123456789"), ("+79161234567", ""), ("+43 664 1234567", "")):
        assert ring_phone(german, phone, "courier", "1", "").dial == (dial and f"PJSIP/{dial}@trunk")


def test_of_a_managers_phones_those_that_may_be_dialled_ring_and_the_note_tells_of_the_others() -> None:
    this = first(replace(COURIER, manager_extension="+881612345678,199,112,0,+7 901 000-00-99,SIP/1"))
    assert this.args[0] == "PJSIP/199&PJSIP/79010000099@trunk"
    for refused in (
        "+881612345678 may not be dialled",
        "112 may not be dialled: emergency number",
        "0 is no extension",
        "'SIP/1' is no telephone number",
    ):
        assert refused in this.note.why


@pytest.mark.parametrize("extension", ["100", "101", "103", "199", "12345"])
def test_an_extension_of_the_admins_lengths_is_an_extension_though_the_city_has_such_a_service(extension: str) -> None:
    assert ring_staff(DIALLING, extension, "").dial == f"PJSIP/{extension}"


@pytest.mark.parametrize(
    ("office", "dial"),
    [
        ("500", "PJSIP/500"),
        ("0", "PJSIP/0"),
        ("5000000", "PJSIP/5000000"),
        ("500,84951234567", "PJSIP/500&PJSIP/74951234567@trunk"),
        ("442079460958", "PJSIP/442079460958@trunk"),
    ],
)
def test_the_office_is_the_admins_own_choice_and_rings_whatever_it_is(office: str, dial: str) -> None:
    chosen = replace(DIALLING, office=office)
    assert ring_office(chosen).dial == first(dialling=chosen).args[0] == dial


def test_a_phone_that_comes_again_is_judged_once() -> None:
    ring_phone.cache_clear()
    for parcel in ("10", "11", "12"):
        first(in_hands(parcel))
    assert ring_phone.cache_info().misses == 1


def test_two_pbxs_in_one_process_do_not_share_what_is_remembered() -> None:
    other = replace(DIALLING, phone_dial="PJSIP/{number}@other")
    dials = [ring_phone(each, "79010000011", "courier", "11", "").dial for each in (DIALLING, other)]
    assert dials == ["PJSIP/79010000011@trunk", "PJSIP/79010000011@other"]
