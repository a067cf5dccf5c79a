"""What holds for every valid number of ten regions, and for every text."""

from __future__ import annotations

import re

import phonenumbers
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from waybell.numbers import NumberKind, NumberPlan, PhoneNumber, parse, parse_dialed

# A busy machine is no reason to fail.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

REGIONS = ("RU", "KZ", "UA", "BY", "UZ", "IR", "ES", "DE", "GB", "US")
TRUNK = {"RU": "8", "KZ": "8", "UA": "0", "BY": "80", "IR": "0", "DE": "0", "GB": "0", "US": "1"}
ABROAD = {"RU": "810", "KZ": "810", "BY": "810", "US": "011"}
KINDS = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
)
DIGITS = st.characters(codec="ascii", categories=["Nd"])
REACHABLE = (NumberKind.MOBILE, NumberKind.FIXED)
LONGEST_EXTENSION = 6


def _numbers_of(region: str, kind: str) -> st.SearchStrategy[phonenumbers.PhoneNumber] | None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    described = getattr(metadata, kind)
    if metadata is None or described is None or not described.national_number_pattern:
        return None
    code = metadata.country_code
    lengths = described.possible_length or metadata.general_desc.possible_length  # type: ignore[union-attr]
    return (
        st.from_regex(re.compile(described.national_number_pattern), fullmatch=True, alphabet=DIGITS)
        .filter(lambda national: len(national) in lengths and national[0] != "0")
        .map(lambda national: phonenumbers.PhoneNumber(country_code=code, national_number=int(national)))
        .filter(phonenumbers.is_valid_number)
    )


def valid_numbers(region: str) -> st.SearchStrategy[phonenumbers.PhoneNumber]:
    return st.one_of([numbers for kind in KINDS if (numbers := _numbers_of(region, kind)) is not None])


NUMBERS = {region: valid_numbers(region) for region in REGIONS}
anywhere = st.sampled_from(REGIONS)
number_at_home = anywhere.flatmap(lambda region: st.tuples(st.just(region), NUMBERS[region]))
number_and_plan = st.tuples(anywhere.flatmap(NUMBERS.__getitem__), anywhere)


def e164_digits(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]


def national(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.national_significant_number(number)


def digits_in(text: str) -> str:
    return re.sub(r"\D", "", text)


def assert_reads_as(number: phonenumbers.PhoneNumber, raw: str, region: str) -> None:
    read = parse(raw, NumberPlan(region))
    assert (read.digits, read.region) == (e164_digits(number), phonenumbers.region_code_for_number(number)), raw
    assert read.kind in REACHABLE


@unhurried
@given(number_at_home)
def test_a_number_in_national_format_reads_back(case: tuple[str, phonenumbers.PhoneNumber]) -> None:
    region, number = case
    written = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    # Iran has numbers of four to six digits without a trunk prefix: inside a company these are extensions.
    assume(len(digits_in(written)) > LONGEST_EXTENSION)
    assert_reads_as(number, written, region)


@unhurried
@given(number_and_plan)
def test_a_number_in_every_international_format_reads_back_everywhere(
    case: tuple[phonenumbers.PhoneNumber, str],
) -> None:
    number, region = case
    for form in (PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.E164, PhoneNumberFormat.RFC3966):
        assert_reads_as(number, phonenumbers.format_number(number, form), region)


@unhurried
@given(number_at_home)
def test_a_number_after_the_trunk_prefix_reads_back(case: tuple[str, phonenumbers.PhoneNumber]) -> None:
    region, number = case
    assume(region in TRUNK)
    # Belarus dials 8 alone before its numbers that start with 8.
    trunk = "8" if region == "BY" and national(number)[0] == "8" else TRUNK[region]
    assert_reads_as(number, trunk + national(number), region)


@unhurried
@given(number_and_plan)
def test_a_number_after_the_international_prefix_reads_back(case: tuple[phonenumbers.PhoneNumber, str]) -> None:
    number, region = case
    assert_reads_as(number, "00" + e164_digits(number), region)
    assert_reads_as(number, ABROAD.get(region, "00") + e164_digits(number), region)
    assert_reads_as(number, "8~10 " + e164_digits(number), region)


@unhurried
@given(number_and_plan)
def test_a_number_as_the_library_says_to_dial_it_from_a_region_reads_back(
    case: tuple[phonenumbers.PhoneNumber, str],
) -> None:
    number, region = case
    written = phonenumbers.format_out_of_country_calling_number(number, region)
    assume(len(digits_in(written)) > LONGEST_EXTENSION)
    assert_reads_as(number, written, region)


@unhurried
@given(number_at_home, st.integers(1, 9999))
def test_a_number_with_an_extension_reads_back_with_it(
    case: tuple[str, phonenumbers.PhoneNumber], extension: int
) -> None:
    region, number = case
    number.extension = str(extension)
    for form in (PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.RFC3966):
        read = parse(phonenumbers.format_number(number, form), NumberPlan(region))
        assert (read.digits, read.extension) == (
            f"{number.country_code}{national(number)}",
            str(extension),
        )


@unhurried
@given(number_at_home, st.sampled_from(["", "9", "0"]))
def test_e164_digits_without_plus_survive_in_the_region_of_the_number(
    case: tuple[str, phonenumbers.PhoneNumber], outside_code: str
) -> None:
    region, number = case
    digits = e164_digits(number)
    assert parse(digits, NumberPlan(region, outside_code)).digits == digits


def could_be_national(digits: str, region: str) -> bool:
    """Whether ``digits`` may be meant nationally: asked of the library, by other means than ours."""
    code = phonenumbers.country_code_for_region(region)
    forms = [digits] + [digits[len(trunk) :] for trunk in ("8", "80", "0", "1") if digits.startswith(trunk)]
    numbers = [phonenumbers.PhoneNumber(country_code=code, national_number=int(form)) for form in forms if form]
    return any(map(phonenumbers.is_valid_number, numbers))


@unhurried
@given(number_and_plan)
def test_e164_digits_without_plus_survive_in_other_regions_unless_they_are_a_national_number_there(
    case: tuple[phonenumbers.PhoneNumber, str],
) -> None:
    number, region = case
    digits = e164_digits(number)
    if len(digits) > LONGEST_EXTENSION and not could_be_national(digits, region):
        assert parse(digits, NumberPlan(region)).digits == digits


@unhurried
@given(NUMBERS["RU"], anywhere)
def test_a_russian_number_without_plus_is_russian_wherever_the_company_stands(
    number: phonenumbers.PhoneNumber, region: str
) -> None:
    assert_reads_as(number, e164_digits(number), region)


@unhurried
@given(number_and_plan, st.sampled_from(["", " ", "-", "\u00a0", "\u2011", "\u200e"]))
def test_what_stands_between_the_digits_does_not_matter(
    case: tuple[phonenumbers.PhoneNumber, str], between: str
) -> None:
    number, region = case
    assert_reads_as(number, "+" + between.join(e164_digits(number)), region)


@unhurried
@given(number_and_plan, st.sampled_from("٠۰०０"))
def test_the_script_of_the_digits_does_not_matter(case: tuple[phonenumbers.PhoneNumber, str], zero: str) -> None:
    number, region = case
    written = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    foreign = "".join(chr(ord(zero) + int(sign)) if sign.isdigit() else sign for sign in written)
    assert_reads_as(number, foreign, region)


numberlike = st.text(st.sampled_from("0123456789+78 ()-~./;=ext@:<>\"'&,%\n\x00۰９xдоб\u200e"), max_size=30)
any_text = st.one_of(
    st.text(st.characters(exclude_categories=[])),
    numberlike,
    st.from_regex(r"\A(00|810|8|\+|\+8|9|0)?[0-9]{0,16}\Z", alphabet=DIGITS),
    st.builds("sip:{}@{}".format, numberlike, numberlike),
    st.builds('"{}" <{}>;{}'.format, numberlike, numberlike, numberlike),
)
any_plan = st.builds(NumberPlan, anywhere, st.sampled_from(["", "9", "0"]))


def assert_well_formed(number: PhoneNumber) -> None:
    assert re.fullmatch(r"[0-9]*", number.digits, re.ASCII)
    assert re.fullmatch(r"[0-9]*", number.extension, re.ASCII)
    nothing = number.kind in (NumberKind.ANONYMOUS, NumberKind.INVALID)
    assert (number.digits == "") is nothing
    if nothing:
        assert number == PhoneNumber(number.kind, "")


@unhurried
@given(any_text, any_plan)
@example("\ud800", NumberPlan())
@example("sip:%00@h", NumberPlan())
def test_no_text_raises_and_every_result_is_well_formed(raw: str, plan: NumberPlan) -> None:
    assert_well_formed(parse(raw, plan))
    assert_well_formed(parse_dialed(raw, plan))


@unhurried
@given(any_text, any_plan)
def test_normalising_is_idempotent(raw: str, plan: NumberPlan) -> None:
    once = parse(raw, plan)
    bare = PhoneNumber(once.kind, once.digits, once.region)
    if once.kind in REACHABLE:
        assert parse(once.e164, plan) == bare
        own = once.digits.startswith(str(phonenumbers.country_code_for_region(plan.region)))
        assert not own or parse(once.digits, plan) == bare
    elif once.digits:
        assert parse(once.digits, NumberPlan(plan.region)) == bare


@unhurried
@given(any_text.filter(lambda raw: re.search(r"[\n\r\x00&']", raw) is not None), any_plan)
def test_a_control_character_an_ampersand_or_a_quote_is_in_no_number(raw: str, plan: NumberPlan) -> None:
    if "<" not in raw:  # a display name may hold "&" in its quotes
        assert parse(raw, plan).kind in (NumberKind.INVALID, NumberKind.ANONYMOUS)
    if re.search(r"[\n\r\x00]", raw):
        assert parse(raw, plan).kind is NumberKind.INVALID
