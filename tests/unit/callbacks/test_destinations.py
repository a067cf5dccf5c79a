"""Which numbers a placed call may ring at all."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from waybell.callbacks.destinations import Policy, destination, digits_of
from waybell.callbacks.values import RefusedError
from waybell.number_charges import regions_of
from waybell.numbers import NumberPlan

RUSSIA = Policy()


@pytest.mark.parametrize(
    ("raw", "type_", "status"),
    [
        ("8 809 123-45-67", "premium-number", 403),
        ("+7 803 123 45 67", "premium-number", 403),
        ("+7 808 123 45 67", "special-number", 403),
        ("+33 884 01 23 45", "shared-cost-number", 403),
        ("+881 6 1234 5678", "satellite-number", 403),
        ("810 870 773 123 456", "satellite-number", 403),
        ("+44 20 7946 0958", "foreign-number", 403),
        ("8~10 44 20 7946 0958", "foreign-number", 403),
        ("112", "emergency-number", 403),
        ("911", "emergency-number", 403),
        ("+112", "emergency-number", 403),
        ("101", "emergency-number", 403),
        ("112@evil", "emergency-number", 403),
        ("100", "extension-number", 403),
        ("500", "extension-number", 403),
        ("", "anonymous-number", 422),
        ("anonymous", "anonymous-number", 422),
        ("Ivan", "invalid-number", 422),
        ("1" * 30, "invalid-number", 422),
        ("+79161234567&PJSIP/900@trunk", "invalid-number", 422),
        ("\ud800" * 3, "invalid-number", 422),
    ],
)
def test_each_kind_of_number_is_refused_by_its_own_name(raw: str, type_: str, status: int) -> None:
    policy = Policy(regions=regions_of(["7", "FR"]))
    with pytest.raises(RefusedError) as refused:
        destination(raw, policy)
    assert (refused.value.type, refused.value.status) == (type_, status)


def test_a_service_that_is_dialled_by_a_few_digits_is_a_short_number() -> None:
    with pytest.raises(RefusedError) as refused:
        destination("115", Policy(NumberPlan("DE")))
    assert (refused.value.type, refused.value.status) == ("short-number", 403)


@pytest.mark.parametrize("raw", ["8 809 123-45-67", "+44 20 7946 0958", "100", "Iv\x1b[2Jan", "x" * 5000, "500"])
def test_a_refusal_is_one_printable_sentence_that_names_the_number(raw: str) -> None:
    with pytest.raises(RefusedError) as refused:
        destination(raw, RUSSIA)
    detail = refused.value.detail
    assert detail.isprintable()
    assert detail.endswith(".")
    assert len(detail) < 200
    assert detail.startswith("'" + raw[:2])


@pytest.mark.parametrize(
    ("raw", "digits"),
    [("78091234567", "78091234567"), ("8 809 123-45-67", "78091234567"), ("+44 20 7946 0958", "442079460958")],
)
def test_what_an_admin_lists_passes_whatever_it_costs(raw: str, digits: str) -> None:
    policy = Policy(allowed_numbers=frozenset(("78091234567", "442079460958")))
    assert destination(raw, policy).number == digits


def test_an_admin_may_list_short_and_emergency_numbers_and_what_no_plan_knows() -> None:
    policy = Policy(allowed_numbers=frozenset(("112", "0911", "79990")))
    assert [destination(raw, policy).number for raw in ("112", "0911", "7-99-90")] == ["112", "0911", "79990"]
    with pytest.raises(RefusedError):
        destination("0912", policy)


@pytest.mark.parametrize("number", ["+7809", "", "8 809", "١", "1" * 16, "7809\n"])
def test_a_list_that_is_not_digits_is_an_error(number: str) -> None:
    with pytest.raises(ValueError, match="must be up to 15 digits"):
        Policy(allowed_numbers=frozenset((number,)))


def test_the_first_extensions_pass_where_extensions_may_be_called() -> None:
    assert [destination(raw, RUSSIA, extensions=True).number for raw in ("101", "100", "500")] == ["101", "100", "500"]
    for raw in ("112", "1", "1234567"):
        with pytest.raises(RefusedError):
            destination(raw, RUSSIA, extensions=True)


def test_a_service_s_number_is_no_extension_where_extensions_have_more_digits() -> None:
    with pytest.raises(RefusedError):
        destination("101", Policy(NumberPlan(extension_digits=(4, 6))), extensions=True)


def test_the_digits_to_ask_the_crm_with_are_known_before_anything_is_allowed() -> None:
    assert [digits_of(raw, RUSSIA) for raw in ("8 809 123-45-67", "500", "anonymous", "Ivan")] == [
        "78091234567",
        "500",
        "",
        "",
    ]


# What a number may be made of: prefixes that lead abroad, dear ranges, and what would be syntax in a dial string.
_INTERNATIONAL = ("+", "00", "810", "8~10", "011", "+00", "+810", "9810", "9", "8", "0", "", "tel:+", "sip:+", "sip:")
_CODES = (
    *("7", "7900", "7916", "7495", "7803", "7809", "7808", "7701", "77172", "7840", "800", "808", "870", "881", "882"),
    *(
        "883",
        "878",
        "888",
        "979",
        "1900",
        "1876",
        "1242",
        "1201",
        "1212",
        "44",
        "4470",
        "44906",
        "33884",
        "49180",
        "53",
        "960",
        "247",
    ),
    *("112", "101", "911", "0911", "290", "", "375", "3876", "998", "992"),
)
_TAILS = (
    *(
        "",
        "",
        "",
        "",
        "&PJSIP/900@trunk",
        "@evil-context",
        "@10.0.0.5",
        "/n",
        ",1,Dial",
        ";ext=1",
        " доб. 12",
        "#",
        "*",
    ),
    *("${EXTEN}", "\n", "\r\nAction: x", "\0", "w1", ";phone-context=+44", "x12", "%26", "A", '"', "<1>", " "),
)
_ZEROS = "0٠۰०０𝟎"
_SCRIPTS = tuple({ord("0") + digit: chr(ord(zero) + digit) for digit in range(10)} for zero in _ZEROS)
_ORDINARY = {
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.VOIP,
}


def _generated(chance: random.Random) -> str:
    code = chance.choice(_CODES)
    lengths = (chance.randint(0, 30), 11 - len(code), 12 - len(code), 10)
    more = "".join(chance.choices("0123456789", k=max(0, chance.choice(lengths))))
    text = chance.choice(_INTERNATIONAL) + code + more
    if chance.random() < 0.2:
        text = chance.choice("-. ()").join((text[:4], text[4:7], text[7:]))
    if chance.random() < 0.25:
        text = text.translate(chance.choice(_SCRIPTS))
    return text + chance.choice(_TAILS)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        Policy(NumberPlan("RU", outside_code="9"), regions_of(["RU", "GB"])),
        Policy(NumberPlan("US"), allowed_numbers=frozenset(("112", "78091234567"))),
        Policy(NumberPlan("DE", extension_digits=(2, 4)), regions_of(["DE", "KZ"])),
    ],
)
def test_none_of_25_000_generated_numbers_escapes_the_rules(policy: Policy) -> None:
    chance = random.Random(20261122)
    allowed = 0
    for _ in range(25_000):
        raw = _generated(chance)
        digits = _passed(raw, policy)
        if digits is not None:
            allowed += 1
            _assert_harmless(raw, digits, policy)
    assert 100 < allowed < 12_500, "the numbers do not try both ways"


def _passed(raw: str, policy: Policy) -> str | None:
    try:
        return destination(raw, policy).number
    except RefusedError:
        return None


def _assert_harmless(raw: str, digits: str, policy: Policy) -> None:
    assert digits.isascii(), raw
    assert digits.isdigit(), raw
    if digits in policy.allowed_numbers:
        return
    number = phonenumbers.parse(f"+{digits}")
    assert phonenumbers.is_valid_number(number), raw
    assert phonenumbers.region_code_for_number(number) in policy.countries, raw
    assert phonenumbers.number_type(number) in _ORDINARY, raw
    assert len(digits) > 6, raw
