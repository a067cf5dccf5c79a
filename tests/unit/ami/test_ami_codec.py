"""AMI without sockets, against raw bytes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ami_app.limits import Limits
from ami_app.messages import Action, Answer, Broken, Event, Response, Unreadable, encode
from ami_app.protocol import AmiCodec
from tests.unit.ami.company import COURIER, CUSTOMER, LOGIN, LOGOFF, ORIGINATE, SECRET

LIMITS = Limits(max_line_bytes=100, max_headers=8, max_message_bytes=300)


def told(*pieces: bytes, limits: Limits = LIMITS) -> list[Event]:
    """What these bytes mean, piece by piece."""
    codec = AmiCodec(limits)
    events: list[Event] = []
    for piece in pieces:
        codec.receive_data(piece)
        while (event := codec.next_event()) is not None:
            events.append(event)
    return events


def bytewise(data: bytes) -> list[Event]:
    """What these bytes mean, one by one."""
    return told(*(bytes([byte]) for byte in data))


def test_the_three_messages_of_the_manual_are_read_in_one_packet() -> None:
    login, originate, logoff = told(LOGIN + ORIGINATE + LOGOFF)
    assert login == Action("login", "", (("Username", "measoft"), ("Secret", SECRET)))
    assert isinstance(originate, Action)
    assert originate.value("channel") == f"SIP/trunk/{COURIER}"
    assert originate.value("exten") == CUSTOMER
    assert originate.value("callerid") == "0"
    assert logoff == Action("logoff")


def test_the_messages_of_the_manual_are_the_same_byte_by_byte_and_with_bare_line_feeds() -> None:
    data = LOGIN + ORIGINATE + LOGOFF
    assert bytewise(data) == told(data)
    assert bytewise(data.replace(b"\r\n", b"\n")) == told(data)


def test_names_are_read_in_any_case_and_order_and_values_lose_their_blanks() -> None:
    (action,) = told(b"aCtIoNiD:7\r\nX-Key :  a b \t\r\nACTION: PING\r\n\r\n")
    assert action == Action("ping", "7", (("X-Key", "a b"),))


def test_empty_lines_between_messages_are_nobodys_message() -> None:
    assert told(b"\r\n\n\r\nAction: ping\n\n\n\n\nAction: ping\n\n") == [Action("ping"), Action("ping")]


def test_a_secret_is_not_in_what_a_log_would_show() -> None:
    (action,) = told(LOGIN)
    assert SECRET not in repr(action)


UNREADABLE = {
    "no colon": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "a line is not 'Name: value'"),
    "no action": (b"Channel: x\r\n\r\n", "a message has no header Action"),
    "empty action": (b"Action:\r\n\r\n", "a message has no header Action"),
    "twice": (b"Action: ping\r\nAction: originate\r\n\r\n", "header Action is given twice"),
    "twice in another case": (b"Action: a\r\nExten: 1\r\nEXTEN: 2\r\n\r\n", "header EXTEN is given twice"),
    "NUL": (b"Action: a\r\nExten: 1\x002\r\n\r\n", "header Exten holds control characters"),
    "bare carriage return": (b"Action: a\r\nExten: 1\rContext: x\r\n\r\n", "header Exten holds control characters"),
    "escape": (b"Action: \x1b[2J\r\n\r\n", "header Action holds control characters"),
    "line separator": ("Action: a\r\nExten: 1\u2028X: y\r\n\r\n".encode(), "header Exten holds control characters"),
    "right to left": ("Action: a\u202eb\r\n\r\n".encode(), "header Action holds control characters"),
    "not UTF-8": ("Action: Пинг\r\n\r\n".encode("cp1251"), "a line is not UTF-8"),
    "overlong UTF-8": (b"Action: a\xc0\x8ab\r\n\r\n", "a line is not UTF-8"),
    "a name with a blank": (b"Action: a\r\nMy Name: x\r\n\r\n", "a line is not 'Name: value'"),
    "a name of other letters": ("Action: a\r\nЕxten: 1\r\n\r\n".encode(), "a line is not 'Name: value'"),
    "no name": (b": x\r\n\r\n", "a line is not 'Name: value'"),
    "long name": (b"A" * 41 + b": x\r\n\r\n", "a line is not 'Name: value'"),
}


@pytest.mark.parametrize(("data", "why"), UNREADABLE.values(), ids=list(UNREADABLE))
def test_a_message_that_means_nothing_or_two_things_is_told_and_the_next_one_is_read(data: bytes, why: str) -> None:
    assert bytewise(data + LOGOFF) == told(data + LOGOFF) == [Unreadable(why), Action("logoff")]


def test_an_unreadable_message_keeps_its_action_id_unless_that_is_what_cannot_be_read() -> None:
    assert told(b"ActionID: 7\r\nx\r\n\r\n") == [Unreadable("a line is not 'Name: value'", "7")]
    assert told(b"ActionID: 7\x00\r\nAction: a\r\n\r\n") == [Unreadable("header ActionID holds control characters")]


BROKEN = {
    "line": (b"A" * 101 + b"\r\n", "a line has over 100 bytes"),
    "line without end": (b"Action: a\r\n" + b"A" * 200, "a line has over 100 bytes"),
    "headers": (b"".join(b"H%d: x\r\n" % number for number in range(9)), "a message has over 8 headers"),
    "message": (b"".join(b"H%d: %s\r\n" % (number, b"x" * 90) for number in range(8)), "a message has over 300 bytes"),
}


@pytest.mark.parametrize(("data", "why"), BROKEN.values(), ids=list(BROKEN))
def test_a_peer_over_a_limit_is_not_read_any_more(data: bytes, why: str) -> None:
    whole = LOGIN + data + b"\r\n\r\n" + LOGOFF
    assert bytewise(whole) == told(whole)
    assert told(whole)[1:] == [Broken(why)]


def test_a_line_as_long_as_the_limit_is_read_however_it_ends() -> None:
    line = b"Action: " + b"a" * 92
    for end in (b"\n", b"\r\n"):
        assert bytewise(line + end + end) == [Action("a" * 92)]
    assert bytewise(line + b"\r\r\n\r\n") == told(line + b"\r\r\n\r\n") == [Broken("a line has over 100 bytes")]


def test_a_peer_that_never_ends_a_line_is_held_in_little_memory() -> None:
    codec = AmiCodec(LIMITS)
    for _ in range(1000):
        codec.receive_data(b"A" * 1000)
        codec.next_event()
    assert codec.unread == 0


PARTS = st.sampled_from(
    (
        LOGIN,
        ORIGINATE,
        LOGOFF,
        b"Action: ping",
        b"ActionID: 1",
        b"Action",
        b": ",
        b"\r\n",
        b"\n",
        b"\r",
        b"\x00",
        b"\xff",
        b"x" * 60,
        "ж".encode(),
    )
)
STREAMS = st.one_of(st.binary(max_size=400), st.lists(PARTS, max_size=30).map(b"".join))


@given(STREAMS, st.lists(st.integers(0, 400), max_size=8))
def test_however_bytes_are_cut_they_mean_the_same(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    assert told(*pieces) == bytewise(data) == told(data)


@given(STREAMS)
def test_whatever_comes_every_action_is_clean_and_every_answer_to_it_is_one_message(data: bytes) -> None:
    for event in told(data):
        if isinstance(event, Broken):
            continue
        answer = encode(Answer(Response.ERROR, "no"), event.action_id)
        assert answer.count(b"\r\n\r\n") == 1
        assert answer.count(b"\n") == 3 + bool(event.action_id)
        if isinstance(event, Action):
            names = [name.lower() for name, _ in event.headers]
            assert len(set(names)) == len(names)
            assert event.name
            assert all(value.isprintable() for _, value in event.headers)


def test_an_answer_is_written_as_asterisk_writes_it() -> None:
    answer = Answer(Response.SUCCESS, fields=(("Ping", "Pong"), ("Timestamp", "1795310921.000001")))
    expected = b"Response: Success\r\nActionID: 7\r\nPing: Pong\r\nTimestamp: 1795310921.000001\r\n\r\n"
    assert encode(answer, "7") == expected


@pytest.mark.parametrize("text", ["a\r\nEvent: x", "a\nb", "a\x00b", "a\u2028b", "x" * 9999, "\ud800"])
def test_no_text_makes_an_answer_more_than_one_message(text: str) -> None:
    answer = encode(Answer(Response.ERROR, text))
    assert answer.count(b"\n") == 3
    assert len(answer) < 2100


@given(st.text(), st.text())
def test_any_texts_make_one_answer(message: str, action_id: str) -> None:
    written = encode(Answer(Response.ERROR, message), action_id)
    assert written.startswith(b"Response: Error\r\n")
    assert written.index(b"\r\n\r\n") == len(written) - 4
