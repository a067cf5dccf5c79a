"""Which numbers may be dialled because a CRM holds them."""

from __future__ import annotations

import pytest

from waybell.number_charges import is_emergency, regions_beside, regions_of, why_not
from waybell.numbers import NumberPlan, parse

RUSSIA = regions_beside("RU")
EVERYWHERE = regions_of(["RU", "GB", "US", "FR", "DE", "CU", "IR"])


@pytest.mark.parametrize(
    "raw",
    ["89161234567", "84951234567", "88005553535", "+7 701 234 56 78", "+44 20 7946 0958", "+1 201 555 0123"],
)
def test_ordinary_telephones_of_the_countries_that_are_allowed_may_be_dialled(raw: str) -> None:
    assert why_not(parse(raw), EVERYWHERE | RUSSIA) == ""


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("88091234567", "premium rate"),
        ("+7 803 123 45 67", "premium rate"),
        ("+7 808 123 45 67", "personal number"),
        ("+44 70 1234 5678", "personal number"),
        ("+44 906 123 4567", "premium rate"),
        ("+33 884 01 23 45", "shared cost"),
        ("+44 76 4012 3456", "pager"),
        ("+44 55 1234 5678", "universal access number"),
        ("+49 177 99 1234567", "voicemail access"),
        ("+1 900 555 1234", "premium rate"),
        ("+49 180 5123456", "shared cost"),
        ("+49 700 12345678", "personal number"),
        ("+881 6 1234 5678", "satellite"),
        ("+870 773 123 456", "satellite"),
        ("+800 1234 5678", "of no country"),
    ],
)
def test_what_charges_more_than_a_call_is_refused_even_where_the_country_is_allowed(raw: str, why: str) -> None:
    number = parse(raw)
    assert number.has_e164
    assert why in why_not(number, EVERYWHERE | RUSSIA)


@pytest.mark.parametrize("raw", ["+53 5 1234567", "+960 7712345", "+374 77 123456", "+98 912 123 45 67"])
def test_another_country_is_refused_with_the_setting_that_would_allow_it(raw: str) -> None:
    assert "is not in calls.countries" in why_not(parse(raw), RUSSIA)


def test_the_neighbours_of_a_region_share_its_calling_code() -> None:
    assert regions_beside("RU") == regions_beside("KZ") == {"RU", "KZ"}
    assert regions_beside("DE") == {"DE"}


def test_countries_are_regions_or_calling_codes() -> None:
    assert regions_of(["7", "+375", "GB"]) == {"RU", "KZ", "BY", "GB"}


@pytest.mark.parametrize("country", ["Russia", "ru", "XX", "001", "", "+", "881", "800", "999", "٧", "7000"])
def test_what_names_no_country_is_an_error(country: str) -> None:
    with pytest.raises(ValueError, match="^" + country.replace("+", r"\+") + "$"):
        regions_of(["RU", country])


@pytest.mark.parametrize(("digits", "region"), [("112", "RU"), ("911", "RU"), ("999", "GB"), ("110", "DE")])
def test_emergency_numbers_are_known(digits: str, region: str) -> None:
    assert is_emergency(digits, region)


@pytest.mark.parametrize("digits", ["100", "101", "102", "103", "104", "199", "500", "1120"])
def test_the_first_extensions_of_a_pbx_are_no_emergency_numbers(digits: str) -> None:
    assert not is_emergency(digits, "RU")


def test_a_number_is_judged_by_its_digits_and_not_by_how_it_would_be_dialled_here() -> None:
    # Read as German digits these would be another number.
    assert why_not(parse("+79161234567", NumberPlan("DE")), RUSSIA) == ""
