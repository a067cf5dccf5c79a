"""A receiver's own body: every value escaped for where it goes, and nothing run."""

from __future__ import annotations

import json
from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybell.webhooks.template import check, render

JSON, XML, FORM, PLAIN = "application/json", "application/xml", "application/x-www-form-urlencoded", "text/plain"
NASTY = """{{7*7}} ${x} {type} "'<&>;=%0a\r\n%s \u2028 Ж😀\x00 </order>"""


def event(value: object) -> dict[str, object]:
    return {"type": "call.ended", "data": {"call": {"parcel": value, "legs": [{"number": "79"}], "talk_seconds": 2.5}}}


@given(st.text() | st.none() | st.integers() | st.booleans())
def test_no_value_changes_what_is_around_it(value: object) -> None:
    body = render('{"order": {data.call.parcel}, "end": 1}', JSON, event(value))
    assert json.loads(body) == {"order": value, "end": 1}
    (root,) = [ElementTree.fromstring(render('<a b="{data.call.parcel}">{data.call.parcel}</a>', XML, event(value)))]
    assert len(root) == 0
    assert list(root.attrib) == ["b"]
    assert parse_qs(render("order={data.call.parcel}&end=1", FORM, event(value)))["end"] == ["1"]
    assert render("{data.call.parcel}", PLAIN, event(value)).splitlines() in (
        [],
        [render("{data.call.parcel}", PLAIN, event(value))],
    )


def test_what_looks_like_a_place_in_a_value_stays_as_it_is() -> None:
    assert json.loads(render("{data.call.parcel}", JSON, event(NASTY))) == NASTY
    assert parse_qs(render("a={data.call.parcel}", FORM, event("{type}"))) == {"a": ["{type}"]}


def test_lists_are_reached_by_number_and_what_is_not_there_is_empty() -> None:
    text = "{data.call.legs.0.number}|{data.call.legs.7.number}|{data.call.nothing.at.all}|{data.call.talk_seconds}"
    assert render(text, PLAIN, event(1)) == "79|||2.5"
    assert render("{data.nothing}", JSON, event(1)) == "null"


@pytest.mark.parametrize(
    ("text", "kind"),
    [("{call.parcel}", PLAIN), ("{__class__}{os.environ}", PLAIN), ('{"a": "{type}"}', JSON), ("{", JSON)],
)
def test_a_template_that_cannot_work_is_refused(text: str, kind: str) -> None:
    with pytest.raises(ValueError, match="template"):
        check(text, kind)


def test_a_template_that_can_work_is_not() -> None:
    check('{"order": {data.call.parcel}, "at": {time}}', JSON)
