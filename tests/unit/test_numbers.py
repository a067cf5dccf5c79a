"""One row per spelling: what is written, where, and what it is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from waybell.numbers import NumberKind, NumberPlan, PhoneNumber, parse, parse_dialed

MOSCOW_MOBILE = ("mobile", "79161234567", "RU")
MOSCOW = ("fixed", "74951234567", "RU")
INVALID = ("invalid", "", "")
ANONYMOUS = ("anonymous", "", "")


def told(number: PhoneNumber) -> tuple[str, str, str]:
    return (number.kind.value, number.digits, number.region)


@pytest.mark.parametrize(
    ("region", "raw", "expected"),
    [
        # Russia
        ("RU", "79161234567", MOSCOW_MOBILE),
        ("RU", "+79161234567", MOSCOW_MOBILE),
        ("RU", "89161234567", MOSCOW_MOBILE),
        ("RU", "9161234567", MOSCOW_MOBILE),
        ("RU", "8 (916) 123-45-67", MOSCOW_MOBILE),
        ("RU", "+7 (916) 123-45-67", MOSCOW_MOBILE),
        ("RU", "(+7) 916 123 45 67", MOSCOW_MOBILE),
        ("RU", "+7.916.123.45.67", MOSCOW_MOBILE),
        ("RU", "7 (8) 916 123-45-67", MOSCOW_MOBILE),
        ("RU", "+8 916 123-45-67", MOSCOW_MOBILE),
        ("RU", "+8(916)1234567", MOSCOW_MOBILE),
        ("RU", "+89161234567", MOSCOW_MOBILE),
        ("RU", "+8 (495) 123-45-67", MOSCOW),
        ("RU", "+8 800 555-35-35", ("fixed", "78005553535", "RU")),
        ("RU", "+88005553535", ("fixed", "78005553535", "RU")),
        ("RU", "8 800 555 35 35", ("fixed", "78005553535", "RU")),
        ("RU", "0079161234567", MOSCOW_MOBILE),
        ("RU", "81079161234567", MOSCOW_MOBILE),
        ("RU", "8~10 7 916 123-45-67", MOSCOW_MOBILE),
        ("RU", "8~495 123-45-67", MOSCOW),
        ("RU", "4951234567", MOSCOW),
        ("RU", "8121234567", ("fixed", "78121234567", "RU")),
        ("RU", "8005553535", ("fixed", "78005553535", "RU")),
        ("RU", "810442079460958", ("fixed", "442079460958", "GB")),
        ("RU", "8~10 44 20 7946 0958", ("fixed", "442079460958", "GB")),
        ("RU", "8 10 44 20 7946 0958", ("fixed", "442079460958", "GB")),
        ("RU", "00442079460958", ("fixed", "442079460958", "GB")),
        ("RU", "442079460958", ("fixed", "442079460958", "GB")),
        ("RU", "+44 (0)20 7946 0958", ("fixed", "442079460958", "GB")),
        ("RU", "+390612345678", ("fixed", "390612345678", "IT")),
        ("RU", "+80012345678", ("fixed", "80012345678", "001")),
        ("RU", "989121234567", ("mobile", "989121234567", "IR")),
        ("RU", "821012345678", ("mobile", "821012345678", "KR")),
        ("RU", "+8 10 44 20 7946 0958", ("fixed", "442079460958", "GB")),
        ("RU", "+810442079460958", ("fixed", "442079460958", "GB")),
        # Kazakhstan shares +7
        ("RU", "87012345678", ("mobile", "77012345678", "KZ")),
        ("KZ", "8 701 234 56 78", ("mobile", "77012345678", "KZ")),
        ("KZ", "+8 701 234 56 78", ("mobile", "77012345678", "KZ")),
        ("KZ", "8~10 375 29 123-45-67", ("mobile", "375291234567", "BY")),
        ("KZ", "89161234567", MOSCOW_MOBILE),
        # Ukraine
        ("UA", "0501234567", ("mobile", "380501234567", "UA")),
        ("UA", "(050) 123-45-67", ("mobile", "380501234567", "UA")),
        ("UA", "+38 050 123 45 67", ("mobile", "380501234567", "UA")),
        ("UA", "380501234567", ("mobile", "380501234567", "UA")),
        ("UA", "501234567", ("mobile", "380501234567", "UA")),
        ("UA", "+0501234567", ("mobile", "380501234567", "UA")),
        ("UA", "8 050 123 45 67", ("mobile", "380501234567", "UA")),
        ("UA", "0~0 7 916 123-45-67", MOSCOW_MOBILE),
        ("UA", "8~10 7 916 123-45-67", MOSCOW_MOBILE),
        ("UA", "81079161234567", MOSCOW_MOBILE),
        # Belarus: the trunk prefix is 8 0, written as "80"
        ("BY", "80291234567", ("mobile", "375291234567", "BY")),
        ("BY", "8 (029) 123-45-67", ("mobile", "375291234567", "BY")),
        ("BY", "+375 29 123-45-67", ("mobile", "375291234567", "BY")),
        ("BY", "8~10 7 916 123-45-67", MOSCOW_MOBILE),
        # Uzbekistan: no trunk prefix any more
        ("UZ", "901234567", ("mobile", "998901234567", "UZ")),
        ("UZ", "998 90 123 45 67", ("mobile", "998901234567", "UZ")),
        ("UZ", "8 90 123 45 67", ("mobile", "998901234567", "UZ")),
        ("UZ", "0079161234567", MOSCOW_MOBILE),
        # Iran, in three kinds of digits
        ("IR", "09121234567", ("mobile", "989121234567", "IR")),
        ("IR", "۰۹۱۲۱۲۳۴۵۶۷", ("mobile", "989121234567", "IR")),
        ("IR", "٠٩١٢١٢٣٤٥٦٧", ("mobile", "989121234567", "IR")),
        ("IR", "+۹۸ ۹۱۲ ۱۲۳ ۴۵۶۷", ("mobile", "989121234567", "IR")),
        ("IR", "021 1234 5678", ("fixed", "982112345678", "IR")),
        # Spain, Germany, Great Britain, the USA
        ("ES", "612 34 56 78", ("mobile", "34612345678", "ES")),
        ("ES", "0034612345678", ("mobile", "34612345678", "ES")),
        ("DE", "0151 23456789", ("mobile", "4915123456789", "DE")),
        ("DE", "030/123456", ("fixed", "4930123456", "DE")),
        ("DE", "3012345678", ("fixed", "493012345678", "DE")),
        ("DE", "4930123456", ("fixed", "4930123456", "DE")),
        ("DE", "79161234567", MOSCOW_MOBILE),
        ("DE", "+49 (0)30 123456", ("fixed", "4930123456", "DE")),
        ("GB", "020 7946 0958", ("fixed", "442079460958", "GB")),
        ("GB", "07400 123456", ("mobile", "447400123456", "GB")),
        ("GB", "79161234567", MOSCOW_MOBILE),
        ("US", "(201) 555-0123", ("mobile", "12015550123", "US")),
        ("US", "1-201-555-0123", ("mobile", "12015550123", "US")),
        ("US", "2015550123", ("mobile", "12015550123", "US")),
        ("US", "+1 (800) 555-0199", ("fixed", "18005550199", "US")),
        ("US", "011 7 916 123-45-67", MOSCOW_MOBILE),
        ("US", "0079161234567", MOSCOW_MOBILE),
        ("US", "79161234567", MOSCOW_MOBILE),
        # a trunk prefix that rewrites the number
        ("AR", "011 15 2345-6789", ("mobile", "5491123456789", "AR")),
        ("BR", "0 15 11 96123-4567", ("mobile", "5511961234567", "BR")),
        # signs that web pages, spreadsheets and keyboards put in
        ("RU", "８９１６１２３４５６７", MOSCOW_MOBILE),
        ("RU", "＋７（９１６）１２３－４５－６７", MOSCOW_MOBILE),
        ("RU", "\u202a+7 916 123-45-67\u202c", MOSCOW_MOBILE),
        ("RU", "\u2066\u200e89161234567\u2069", MOSCOW_MOBILE),
        ("RU", "\ufeff8\u00a0916\u00a0123\u201345\u201367\u200b", MOSCOW_MOBILE),
        ("RU", "8\u202f916\u2009123\u221245\u221267", MOSCOW_MOBILE),
        ("RU", "\t89161234567 ", MOSCOW_MOBILE),
        # SIP and tel URIs
        ("RU", "sip:+79161234567@pbx.example", MOSCOW_MOBILE),
        ("RU", "SIP:89161234567@10.0.0.1:5060;user=phone", MOSCOW_MOBILE),
        ("RU", "sips:+79161234567;npdi@[2001:db8::1]", MOSCOW_MOBILE),
        ("RU", "sip:%2B79161234567@pbx.example", MOSCOW_MOBILE),
        ("RU", "sip:+79161234567:secret@pbx.example", MOSCOW_MOBILE),
        ("RU", "sip:+79161234567", MOSCOW_MOBILE),
        ("RU", "tel:+7-916-123-45-67", MOSCOW_MOBILE),
        ("RU", "tel:+79161234567;phone-context=example.com", MOSCOW_MOBILE),
        ("DE", "tel:9161234567;phone-context=+7", MOSCOW_MOBILE),
        ("DE", "tel:9161234567;phone-context=pbx7.example", ("fixed", "499161234567", "DE")),
        ("RU", "tel:+79161234567;phone-context=+49", MOSCOW_MOBILE),
        ("RU", "tel:112;phone-context=+7", ("short", "112", "RU")),
        ("RU", "+79161234567@pbx.example", MOSCOW_MOBILE),
        ("RU", '"Ivan, 8 <b" <sip:+79161234567@pbx.example>;tag=a1', MOSCOW_MOBILE),
        ("RU", '"Ivan \\"Red\\" Petrov" <sip:+79161234567@pbx.example>;tag=a1', MOSCOW_MOBILE),
        ("RU", '"Иван" <89161234567>', MOSCOW_MOBILE),
        ("RU", "Ivan <sip:89161234567@pbx.example>", MOSCOW_MOBILE),
        ("RU", "sip:1001@pbx.example", ("extension", "1001", "")),
        # short and emergency numbers
        ("RU", "112", ("short", "112", "RU")),
        ("RU", "101", ("short", "101", "RU")),
        ("RU", "01", ("short", "01", "RU")),
        ("US", "911", ("short", "911", "US")),
        ("US", "411", ("short", "411", "US")),
        ("US", "311", ("short", "311", "US")),
        ("GB", "999", ("short", "999", "GB")),
        ("DE", "110", ("short", "110", "DE")),
        ("IR", "۱۱۵", ("short", "115", "IR")),
        ("UZ", "03", ("short", "03", "UZ")),
        ("RU", "sip:112@pbx.example", ("short", "112", "RU")),
        ("RU", "+112", INVALID),
        # extensions
        ("RU", "100", ("extension", "100", "")),
        ("RU", "500", ("extension", "500", "")),
        ("RU", "911", ("extension", "911", "")),
        ("RU", "1001", ("extension", "1001", "")),
        ("RU", "4-55", ("extension", "455", "")),
        ("US", "2001", ("extension", "2001", "")),
        ("US", "20012", ("extension", "20012", "")),
        ("DE", "891234", ("extension", "891234", "")),
        ("DE", "089 1234", ("fixed", "49891234", "DE")),
        ("IR", "9601", ("extension", "9601", "")),
        ("RU", "491645", ("extension", "491645", "")),
        ("DE", "491645", ("fixed", "491645", "DE")),
        ("DE", "123456", ("extension", "123456", "")),
        ("IR", "123456", ("extension", "123456", "")),
        ("RU", "1", INVALID),
        ("RU", "1234567", INVALID),
        ("RU", "+1001", INVALID),
        # nobody
        ("RU", "", ANONYMOUS),
        ("RU", "   ", ANONYMOUS),
        ("RU", "\u200e\u00a0", ANONYMOUS),
        ("RU", "anonymous", ANONYMOUS),
        ("RU", "Anonymous", ANONYMOUS),
        ("RU", "unknown", ANONYMOUS),
        ("RU", "<unknown>", ANONYMOUS),
        ("RU", '"" <>', ANONYMOUS),
        ("RU", "private", ANONYMOUS),
        ("RU", "Private Number", ANONYMOUS),
        ("RU", "RESTRICTED", ANONYMOUS),
        ("RU", "Unavailable", ANONYMOUS),
        ("RU", "withheld", ANONYMOUS),
        ("RU", "аноним", ANONYMOUS),
        ("RU", "anonymous@anonymous.invalid", ANONYMOUS),
        ("RU", "sip:anonymous@anonymous.invalid", ANONYMOUS),
        ("RU", '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1', ANONYMOUS),
        ("RU", "sip:79161234567@anonymous.invalid:5060", ANONYMOUS),
        ("RU", "sip:anonymous.invalid", ANONYMOUS),
        ("RU", "sip:@pbx.example", ANONYMOUS),
        # no numbers
        ("RU", "SIP/1001", INVALID),
        ("RU", "PJSIP/1001-0000001a", INVALID),
        ("RU", "PJSIP/79161234567@trunk", INVALID),
        ("RU", "Local/1001@waybell-incoming", INVALID),
        ("RU", "8916FLOWERS", INVALID),
        ("RU", "Ivan 89161234567", INVALID),
        ("RU", "89161234567 Ivan", INVALID),
        ("RU", "8916123456O", INVALID),
        ("RU", "79161234567\n", INVALID),
        ("RU", "7916\n1234567", INVALID),
        ("RU", "79161234567\r\nAction: Originate", INVALID),
        ("RU", "79161234567\x00", INVALID),
        ("RU", "sip:7916%0a1234567@pbx.example", INVALID),
        ("RU", "7916%0a1234567", INVALID),
        ("RU", "79161234567\u2028", INVALID),
        ("RU", "100&PJSIP/trunk/900", INVALID),
        ("RU", "79161234567&79161234568", INVALID),
        ("RU", "79161234567,100", INVALID),
        ("RU", '"79161234567"', INVALID),
        ("RU", "79161234567'", INVALID),
        ("RU", "79161234567;DROP", INVALID),
        ("RU", "tel:+79161234567;x=&PJSIP/trunk/900", INVALID),
        ("RU", '"A" <sip:79161234567@a>, <sip:79161234568@b>', INVALID),
        ("RU", '"A" <sip:79161234567@a&b>', INVALID),
        ("RU", "100&PJSIP/900 <79161234567>", INVALID),
        ("RU", "<x> <79161234567>", INVALID),
        ("RU", "sip:10.0.0.5", INVALID),
        ("RU", "sip:pbx.example", INVALID),
        ("RU", "10.0.0.5", INVALID),
        ("RU", "100/500", INVALID),
        ("RU", "+", INVALID),
        ("RU", "++79161234567", INVALID),
        ("RU", "7+9161234567", INVALID),
        ("RU", "-79161234567", INVALID),
        ("RU", "()", INVALID),
        ("RU", "*100#", INVALID),
        ("RU", "☎ 89161234567", INVALID),
        ("RU", "²³¹", INVALID),
        ("RU", "8916123456", INVALID),
        ("RU", "891612345678", INVALID),
        ("RU", "+7 000 000 00 00", INVALID),
        ("RU", "0000000000", INVALID),
        ("RU", "7916123456779161234567", INVALID),
        ("RU", "\udce8\udcec", INVALID),
    ],
)
def test_a_spelling_is_read_as_the_table_says(region: str, raw: str, expected: tuple[str, str, str]) -> None:
    assert told(parse(raw, NumberPlan(region))) == expected


@pytest.mark.parametrize(
    ("raw", "extension"),
    [
        ("+74951234567;ext=123", "123"),
        ("tel:+7-495-123-45-67;ext=123", "123"),
        ("tel:+74951234567;ext=123;phone-context=example.com", "123"),
        ("sip:+74951234567;ext=123@pbx.example", "123"),
        ("8 495 123-45-67 x123", "123"),
        ("84951234567x123", "123"),
        ("84951234567 х 123", "123"),
        ("8 (495) 123-45-67 доб. 123", "123"),
        ("8 (495) 123-45-67 доб.123", "123"),
        ("8 (495) 123-45-67, доб. 123", "123"),
        ("8 (495) 123-45-67 ДОБ 123", "123"),
        ("8 (495) 123-45-67 добавочный 123", "123"),
        ("8 (495) 123-45-67 вн. 123", "123"),
        ("8 (495) 123-45-67 ext. 12", "12"),
        ("8 (495) 123-45-67 Ext 12", "12"),
        ("8 (495) 123-45-67 extension 12", "12"),
        ("۸۴۹۵۱۲۳۴۵۶۷ داخلی ۱۲", "12"),
        ("８４９５１２３４５６７；ext=１２", "12"),
    ],
)
def test_an_extension_is_told_apart_from_its_number(raw: str, extension: str) -> None:
    assert parse(raw) == PhoneNumber(NumberKind.FIXED, "74951234567", "RU", extension)


@pytest.mark.parametrize("raw", ["доб. 123", "x123", "+74951234567;ext=", "8 495 123-45-67 доб. 12a", "abc;ext=12"])
def test_an_extension_never_makes_a_number_of_what_is_none(raw: str) -> None:
    number = parse(raw)
    assert number.extension == ""
    assert number.kind is (NumberKind.FIXED if raw.endswith("ext=") else NumberKind.INVALID)


@pytest.mark.parametrize(
    ("region", "raw", "expected"),
    [
        ("RU", "984951234567", MOSCOW),
        ("RU", "9 8 (495) 123-45-67", MOSCOW),
        ("RU", "974951234567", MOSCOW),
        ("RU", "979161234567", ("fixed", "979161234567", "001")),
        ("RU", "9810442079460958", ("fixed", "442079460958", "GB")),
        ("RU", "9112", ("short", "112", "RU")),
        ("RU", "9161234567", MOSCOW_MOBILE),
        ("RU", "989161234567", ("mobile", "989161234567", "IR")),
        ("RU", "9100", ("extension", "9100", "")),
        ("RU", "9", INVALID),
        ("US", "912015550123", ("mobile", "12015550123", "US")),
        ("US", "911", ("short", "911", "US")),
        ("US", "9911", ("short", "911", "US")),
        ("GB", "902079460958", ("fixed", "442079460958", "GB")),
    ],
)
def test_an_outside_line_code_goes_only_where_the_whole_is_no_number(
    region: str, raw: str, expected: tuple[str, str, str]
) -> None:
    assert told(parse(raw, NumberPlan(region, outside_code="9"))) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("989161234567", MOSCOW_MOBILE),
        ("9 8 916 123-45-67", MOSCOW_MOBILE),
        ("9 8 10 98 916 123-45-67", ("mobile", "989161234567", "IR")),
        ("+989161234567", ("mobile", "989161234567", "IR")),
        ("89161234567", MOSCOW_MOBILE),
        ("9 7 916 123-45-67", MOSCOW_MOBILE),
        ("9112", ("short", "112", "RU")),
        ("112", ("short", "112", "RU")),
        ("100", ("extension", "100", "")),
        ("anonymous", ANONYMOUS),
        ("SIP/1001", INVALID),
    ],
)
def test_on_a_phone_behind_an_outside_line_code_the_code_goes_first(raw: str, expected: tuple[str, str, str]) -> None:
    assert told(parse_dialed(raw, NumberPlan(outside_code="9"))) == expected


def test_without_an_outside_line_code_nothing_is_stripped() -> None:
    assert parse("984951234567").digits != "74951234567"
    assert parse_dialed("9161234567").digits == "79161234567"


def test_an_extension_has_the_lengths_of_the_plan() -> None:
    plan = NumberPlan(extension_digits=(3, 4))
    assert [parse(raw, plan).kind.value for raw in ("11", "111", "1111", "11111")] == [
        "invalid",
        "extension",
        "extension",
        "invalid",
    ]


def test_what_is_read_again_is_remembered_unless_it_is_long() -> None:
    short, long = "8 916 123-45-68", "8 916 123-45-68" + " " * 30
    assert parse(short) is parse(short)
    assert parse(long) is not parse(long)
    assert parse(short, NumberPlan("DE")) != parse(short) == parse(long)


def test_e164_is_only_for_what_has_it() -> None:
    assert parse("8 916 123-45-67").e164 == "+79161234567"
    assert [parse(raw).e164 for raw in ("112", "1001", "", "x")] == [""] * 4


@pytest.mark.parametrize(
    "raw",
    [
        "7" * 8192,
        "+" * 1_000_000,
        " " * 1_000_000,
        "\u200e" * 8192 + "89161234567",
        '"' + "a" * 8192 + '" <sip:79161234567@h>',
        "sip:" + "9" * 1_000_000 + "@h",
        " ext" * 250,
        '"\\' * 500,
        "x1 " * 340,
        "8" + " " * 70 + "9161234567",
        "%0a" * 300,
        ";ext=1" * 170,
        "<" * 1000,
    ],
)
def test_a_text_that_no_number_needs_is_invalid(raw: str) -> None:
    assert parse(raw).kind is NumberKind.INVALID


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"region": "ru"}, "region 'ru'"),
        ({"region": "XX"}, "region 'XX'"),
        ({"outside_code": "9w"}, "outside_code '9w'"),
        ({"outside_code": "۹"}, "outside_code"),
        ({"extension_digits": (6, 2)}, "extension_digits (6, 2)"),
        ({"extension_digits": (0, 2)}, "extension_digits (0, 2)"),
    ],
)
def test_a_plan_says_which_of_its_values_is_wrong(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=r"must|needed") as error:
        NumberPlan(**settings)  # type: ignore[arg-type]
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_every_region_of_the_library_can_be_a_plan() -> None:
    import phonenumbers

    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        assert parse("+79161234567", NumberPlan(region)).digits == "79161234567"


def test_geocoder_and_carriers_stay_out_of_the_process() -> None:
    script = (
        "import sys, waybell.numbers as n; n.parse('89161234567'); n.parse('112');"
        "print([m for m in sys.modules if m.startswith('phonenumbers.') and m.split('.')[1] in"
        " ('geocoder', 'geodata', 'carrier', 'carrierdata', 'timezone', 'tzdata')])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
