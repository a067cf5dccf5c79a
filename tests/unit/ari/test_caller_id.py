"""What a phone shows, from any text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.caller_id import caller_id

SAFE = re.compile(r'("[^"<>\\${}\[\]`;|\x00-\x1f\x7f]{0,60}" <[0-9+*#]{0,32}>)?')


@pytest.mark.parametrize(
    ("name", "number", "shown"),
    [
        ("Waybell", "74951234567", '"Waybell" <74951234567>'),
        ("Курьер: Иван", "+74951234567", '"Курьер: Иван" <+74951234567>'),
        ("", "74951234567", '"" <74951234567>'),
        ("Waybell", "", '"Waybell" <>'),
        ("", "", ""),
        ("\r\n", "abc", ""),
        ('A" <666>', "7495<1>", '"A 666" <74951>'),
        ("a\r\nP-Asserted-Identity: <tel:1>", "1\r\n2", '"a P-Asserted-Identity: tel:1" <12>'),
        ("${SHELL(id)}\\", "7${EXTEN}", '"SHELL(id)" <7>'),
        ("\u202e7654\u0000", "٧٨", '"7654" <>'),
        ("x" * 500, "1" * 500, '"' + "x" * 60 + '" <' + "1" * 32 + ">"),
    ],
)
def test_what_could_be_syntax_is_left_out(name: str, number: str, shown: str) -> None:
    assert caller_id(name, number) == shown


@given(st.text(), st.text())
def test_any_text_is_safe(name: str, number: str) -> None:
    assert SAFE.fullmatch(caller_id(name, number))
