"""Users of the AMI door: their channels, their networks, their settings."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ami_app.users import by_name, read_address
from tests.unit.ami.company import user

TAKEN = [
    ("SIP/trunk", "SIP/trunk/79001234567", "79001234567"),
    ("SIP/trunk", "SIP/trunk/+79001234567", "+79001234567"),
    ("SIP", "SIP/101", "101"),
    ("SIP/{NUMBER}@trunk", "SIP/79001234567@trunk", "79001234567"),
    ("PJSIP/{NUMBER}@trunk", "PJSIP/+79001234567@trunk", "+79001234567"),
    ("PJSIP/trunk/sip:{NUMBER}@sip.example.org:5060", "PJSIP/trunk/sip:1@sip.example.org:5060", "1"),
    ("Local/{NUMBER}@from-internal", "Local/101@from-internal", "101"),
    ("DAHDI/g0/{NUMBER}", "DAHDI/g0/12345678901234567890", "12345678901234567890"),
]


@pytest.mark.parametrize(("template", "channel", "number"), TAKEN)
def test_a_channel_that_is_the_template_with_a_number_gives_that_number(
    template: str, channel: str, number: str
) -> None:
    assert user(channel=template).number_in(channel) == number


@pytest.mark.parametrize(
    "channel",
    [
        "",
        "SIP/trunk",
        "SIP/trunk/",
        "SIP/trunk/+",
        "SIP/trunk/++7900",
        "SIP/trunk/7900+",
        "SIP/trunk/123456789012345678901",
        "SIP/trunk/7900&SIP/trunk/7911",
        "SIP/trunk/7900/n",
        "SIP/trunk/7900@other",
        "SIP/trunk/7900^1",
        "SIP/trunk/7900,30",
        "SIP/trunk/7900:x",
        "SIP/trunk/7900\n",
        "SIP/trunk/７９００",
        "SIP/trunk/٧٩٠٠",
        "SIP/trunk/7 900",
        "SIP/trunk/{NUMBER}",
        "SIP/trunk/${SHELL(id)}",
        "sip/trunk/7900",
        "SIP/trunk2/7900",
        "SIP/other/7900",
        "PJSIP/trunk/7900",
        "SIP/7900@trunk",
        "Local/7900@outgoing",
        " SIP/trunk/7900",
        "xSIP/trunk/7900",
    ],
)
def test_any_other_channel_is_no_channel_of_the_template(channel: str) -> None:
    assert user(channel="SIP/trunk").number_in(channel) is None


def test_what_a_template_holds_is_text_and_no_pattern() -> None:
    one = user(channel="SIP/{NUMBER}@a.b+c")
    assert one.number_in("SIP/1@a.b+c") == "1"
    assert one.number_in("SIP/1@axb+c") is None
    assert one.number_in("SIP/1@a.bbc") is None


@given(st.text(), st.sampled_from(["SIP/trunk", "SIP/{NUMBER}@trunk"]))
def test_nothing_but_digits_gets_out_of_a_channel(text: str, template: str) -> None:
    one = user(channel=template)
    for channel in (text, f"SIP/trunk/{text}", f"SIP/{text}@trunk"):
        number = one.number_in(channel)
        assert number is None or (number.removeprefix("+").isascii() and number.removeprefix("+").isdigit())


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("fd00::1", True),
        ("fd00::1%eth0", True),
        ("10.2.0.1", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("2001:db8::1", False),
    ],
)
def test_only_listed_networks_may_be_come_from_and_loopback_is_no_exception(address: str, allowed: bool) -> None:
    one = user(networks=(ip_network("10.1.0.0/16"), ip_network("fd00::/8")))
    read = read_address(address)
    assert read is not None
    assert one.may_come_from(read) is allowed


@pytest.mark.parametrize("text", ["", "not an address", "10.1", "10.1.2.3.4"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert read_address(text) is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": ""}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"secret": ""}, "secret"),
        ({"secret": " x "}, "secret"),
        ({"secret": "a\nb"}, "secret"),
        ({"networks": ()}, "networks"),
        ({"channel": ""}, "channel"),
        ({"channel": "SIP/"}, "channel"),
        ({"channel": "SIP/{NUMBER}/{NUMBER}"}, "channel"),
        ({"channel": "SIP/{number}@trunk"}, "channel"),
        ({"channel": "SIP/a&SIP/b"}, "channel"),
        ({"contexts": ()}, "context"),
        ({"contexts": ("",)}, "context"),
        ({"contexts": ("a", "b c")}, "context"),
    ],
)
def test_a_user_that_makes_no_sense_is_refused_by_key_and_without_its_secret(
    changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=f": {named}: ") as refused:
        user(**changes)
    assert "Kur1er" not in str(refused.value)


def test_a_user_is_shown_without_its_secret() -> None:
    assert "Kur1er" not in repr(user())


def test_two_users_of_one_name_and_none_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="two users have the same name"):
        by_name([user(), user(secret="another")])
    with pytest.raises(ValueError, match="has no user"):
        by_name([])
    assert by_name([user()]) == {"measoft": user()}
