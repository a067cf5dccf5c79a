"""The lines that calls go out on."""

from __future__ import annotations

from typing import Any

import pytest

from waybell.callbacks.lines import Line, after, dial_string, lines_for, pick, region_of

ANY = Line("any", "PJSIP/{number}@any", at_once=2)
SECOND_ANY = Line("any2", "PJSIP/{number}@any2")
RUSSIA = Line("russia", "PJSIP/{number}@ru", regions=frozenset(("RU",)))
MTS = Line("mts", "PJSIP/{number}@gsm1", prefixes=("7916", "7910"))
ON_NET = Line("on-net", "PJSIP/{number}@gsm2", prefixes=("791612", "7495"))
ALL = (ANY, SECOND_ANY, RUSSIA, MTS, ON_NET)
FALLBACK = Line("trunk", "PJSIP/{number}@trunk")


def names(digits: str, *lines: Line, fallback: Line | None = None) -> list[str]:
    return [line.name for line in lines_for(digits, region_of(digits), lines, fallback)]


def test_the_longest_prefix_comes_first_then_the_region_then_what_takes_all() -> None:
    assert names("79161234567", *ALL) == ["on-net", "mts", "russia", "any", "any2"]
    assert names("79169934567", *ALL) == ["mts", "russia", "any", "any2"]
    assert names("79031234567", *ALL) == ["russia", "any", "any2"]
    assert names("493012345678", *ALL) == ["any", "any2"]


def test_among_equals_the_settings_order_counts() -> None:
    assert names("79031234567", SECOND_ANY, ANY) == ["any2", "any"]


def test_a_line_that_is_for_others_is_not_tried() -> None:
    assert names("493012345678", RUSSIA, MTS) == []


def test_the_fallback_takes_what_no_line_does() -> None:
    assert names("493012345678", RUSSIA, MTS, fallback=FALLBACK) == ["trunk"]
    assert names("79031234567", RUSSIA, fallback=FALLBACK) == ["russia"]
    assert names("79031234567", fallback=FALLBACK) == ["trunk"]


def test_a_full_line_makes_room_for_the_next() -> None:
    assert pick((ANY, SECOND_ANY), {}) is ANY
    assert pick((ANY, SECOND_ANY), {"any": 1}) is ANY
    assert pick((ANY, SECOND_ANY), {"any": 2}) is SECOND_ANY
    assert pick((ANY,), {"any": 2}) is None
    assert pick((Line("shut", "PJSIP/{number}", at_once=0),), {}) is None


def test_after_a_failure_the_rest_is_tried_and_nothing_twice() -> None:
    assert after((MTS, RUSSIA, ANY), "mts") == (RUSSIA, ANY)
    assert after((MTS, RUSSIA, ANY), "any") == ()
    assert after((MTS, RUSSIA, ANY), "gone from the settings") == ()


def test_the_access_code_goes_before_the_number() -> None:
    assert dial_string(ANY, "79161234567") == "PJSIP/79161234567@any"
    assert dial_string(Line("gw", "PJSIP/{number}@gw", access_code="*9"), "112") == "PJSIP/*9112@gw"


@pytest.mark.parametrize("digits", ["", "7916&1", "+7916", "٧", "1" * 16, "1@x", "1\n"])
def test_nothing_but_digits_is_dialled(digits: str) -> None:
    with pytest.raises(ValueError, match="must be up to 15 digits"):
        dial_string(ANY, digits)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "a b"}, "must be called by"),
        ({"dial": "PJSIP/trunk"}, "must be a dial string"),
        ({"dial": "PJSIP/{number}/{number}"}, "must be a dial string"),
        ({"dial": "PJSIP/{number}&PJSIP/1"}, "must be a dial string"),
        ({"dial": "PJSIP/{number}@x,30,A(x)"}, "must be a dial string"),
        ({"dial": "{number}"}, "must be a dial string"),
        ({"shown": "Shop"}, "shown must be the digits"),
        ({"prefixes": ("+7",)}, "prefixes must be"),
        ({"prefixes": ("",)}, "prefixes must be"),
        ({"access_code": "9,"}, "access_code must be"),
        ({"at_once": -1}, "at_once must be"),
    ],
)
def test_a_line_that_could_not_be_dialled_is_an_error(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Line(**({"name": "x", "dial": "PJSIP/{number}@x"} | values))


def test_a_number_s_region_is_read_from_its_digits() -> None:
    assert [region_of(digits) for digits in ("79161234567", "77011234567", "500", "112")] == ["RU", "KZ", "", ""]
