"""Asterisk's events without a connection."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.events import (
    TYPES,
    ApplicationReplaced,
    ChannelCreated,
    ChannelDestroyed,
    ChannelEnteredBridge,
    ChannelHangupRequest,
    ChannelLeftBridge,
    ChannelStateChange,
    Dial,
    Event,
    parse,
)

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
AT = datetime(2026, 11, 22, 5, 26, 35, 123000, tzinfo=UTC)
STAMP = "2026-11-22T08:26:35.123+0300"
CHANNEL = {"id": "wb-1", "name": "PJSIP/trunk-00000001", "state": "Up"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "channel",
    "peer",
    "caller",
    "bridge",
    "cause",
    "tech_cause",
    "timestamp",
    "soft",
    "dialstatus",
    "application",
)


def told(type_: str, **fields: Any) -> Event | None:
    """What an event of ``type_`` with ``fields`` is."""
    return parse(json.dumps({"type": type_, "timestamp": STAMP, **fields}), NOW)


def test_each_event_has_its_fields_and_its_time_in_utc() -> None:
    bridge = {"id": "b-1"}
    cases: list[tuple[Event | None, Event]] = [
        (told("ChannelCreated", channel=CHANNEL), ChannelCreated("wb-1", CHANNEL["name"], "Up", AT)),
        (told("ChannelStateChange", channel=CHANNEL), ChannelStateChange("wb-1", "Up", AT)),
        (
            told("Dial", caller={"id": "wb-0"}, peer=CHANNEL, dialstring="79@trunk", dialstatus="BUSY"),
            Dial("wb-0", "wb-1", CHANNEL["name"], "79@trunk", "BUSY", AT),
        ),
        (told("ChannelEnteredBridge", channel=CHANNEL, bridge=bridge), ChannelEnteredBridge("wb-1", "b-1", AT)),
        (told("ChannelLeftBridge", channel=CHANNEL, bridge=bridge), ChannelLeftBridge("wb-1", "b-1", AT)),
        (
            told("ChannelHangupRequest", channel=CHANNEL, cause=16, soft=True),
            ChannelHangupRequest("wb-1", 16, 0, True, AT),
        ),
        (
            told("ChannelDestroyed", channel=CHANNEL, cause=17, cause_txt="User busy", tech_cause=486),
            ChannelDestroyed("wb-1", 17, "User busy", 486, AT),
        ),
        (told("ApplicationReplaced", application="waybell"), ApplicationReplaced("waybell")),
    ]
    for found, meant in cases:
        assert found == meant
    assert {type(meant).__name__ for _, meant in cases} == set(TYPES)


def test_a_channel_that_we_originate_is_dialled_by_nobody() -> None:
    found = told("Dial", peer=CHANNEL, dialstatus="")
    assert isinstance(found, Dial)
    assert (found.caller_id, found.peer_id) == ("", "wb-1")


@pytest.mark.parametrize("stamp", [None, 7, "yesterday", "2026-11-22T05:26:35", "0001-01-01T00:00:00+2300", "9" * 5000])
def test_an_event_without_a_time_has_that_of_its_arrival(stamp: object) -> None:
    found = told("ChannelDestroyed", channel=CHANNEL, timestamp=stamp)
    assert isinstance(found, ChannelDestroyed)
    assert found.at == NOW


@pytest.mark.parametrize("channel", [None, [], "wb-1", {}, {"id": ""}, {"id": 5}, {"id": ["wb-1"]}, {"id": "x" * 151}])
@pytest.mark.parametrize("type_", [name for name in TYPES if name.startswith("Channel")])
def test_what_names_no_channel_is_no_event(type_: str, channel: object) -> None:
    assert told(type_, channel=channel, bridge={"id": "b"}) is None


@pytest.mark.parametrize("number", [None, "17", 17.0, True, -1, 1 << 40, [17]])
def test_a_cause_that_is_no_small_number_is_0(number: object) -> None:
    found = told("ChannelDestroyed", channel=CHANNEL, cause=number, tech_cause=number)
    assert isinstance(found, ChannelDestroyed)
    assert (found.cause, found.tech_cause) == (0, 0)


def test_long_text_is_cut() -> None:
    found = told("ChannelDestroyed", channel=CHANNEL, cause_txt="x" * 100_000)
    assert isinstance(found, ChannelDestroyed)
    assert len(found.cause_txt) == 400


@pytest.mark.parametrize(
    "message",
    [
        "",
        "null",
        "[]",
        "5",
        '"ChannelDestroyed"',
        "{",
        '{"type": "ChannelVarset"}',
        '{"type": ["Dial"]}',
        '{"type": {"a": 1}}',
        "[" * 200_000,
        '{"type":' * 100_000,
        '{"type": "ChannelDestroyed", "cause": ' + "9" * 10_000 + "}",
        b"\xff\xfe\x00",
        b"\xc8\xe2\xe0\xed",
        b'{"type": "Dial", "peer": {"id": "\xc8"}}',
    ],
)
def test_what_is_no_event_of_ours_is_passed_over(message: str | bytes) -> None:
    assert parse(message, NOW) is None


@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_fields_of_any_type_never_raise(type_: str, fields: dict[str, Any]) -> None:
    parse(json.dumps({"type": type_, **fields}), NOW)


@given(st.text() | st.binary())
def test_any_text_never_raises(message: str | bytes) -> None:
    parse(message, NOW)
