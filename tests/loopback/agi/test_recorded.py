"""What a real Asterisk sent, replayed."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi_app.commands import Command, command, get_variable, set_variable
from agi_app.limits import Limits
from agi_app.protocol import AgiConnection, Environment, Event, Hangup, RemoteProtocolError, Reply, State, Trying
from tests.loopback.agi.transcript import Direction, Piece, read

RECORDED = Path(__file__).parent / "recorded"
FORGED = ("caller_ends_the_environment", "caller_forges_a_variable")
# A command that is two for Asterisk, which ours refuses to build.
TWO_IN_ONE = "line_too_long"
SESSIONS = sorted(path.stem for path in RECORDED.glob("*.txt") if path.stem not in (*FORGED, TWO_IN_ONE))


def pieces(name: str) -> list[Piece]:
    """The recording ``name``."""
    return read(RECORDED / f"{name}.txt")


def replay(session: list[Piece], cuts: list[int]) -> list[Event]:
    """All events of a recorded session; every piece from Asterisk is cut at ``cuts``."""
    connection = AgiConnection(Limits())
    events: list[Event] = []
    for piece in session:
        if piece.direction is Direction.SERVER:
            assert connection.send(Command(piece.data, piece.data.startswith(b"GET "))) == piece.data
        elif piece.direction is Direction.ASTERISK_CLOSES:
            events += connection.receive_eof()
        elif piece.direction is Direction.ASTERISK:
            ends = sorted({cut % len(piece.data) for cut in cuts} | {0, len(piece.data)})
            for start, end in pairwise(ends):
                events += connection.receive_data(piece.data[start:end])
    assert connection.state is not State.WAITING
    return events


def events_of(name: str) -> list[Event]:
    """All events of the recording ``name``."""
    return replay(pieces(name), [])


def replies_of(name: str) -> list[Reply]:
    """The replies in the recording ``name``."""
    return [event for event in events_of(name) if isinstance(event, Reply)]


def environment_of(name: str) -> Environment:
    """The environment in the recording ``name``."""
    first = events_of(name)[0]
    assert isinstance(first, Environment)
    return first


@pytest.mark.parametrize("name", SESSIONS)
def test_a_recorded_session_means_the_same_byte_by_byte(name: str) -> None:
    session = pieces(name)
    longest = max(len(piece.data) for piece in session)
    assert replay(session, list(range(longest))) == replay(session, [])


@given(st.sampled_from(SESSIONS), st.lists(st.integers(0, 10_000), max_size=20))
def test_a_recorded_session_means_the_same_however_it_is_cut(name: str, cuts: list[int]) -> None:
    session = pieces(name)
    assert replay(session, cuts) == replay(session, [])


@pytest.mark.parametrize("name", FORGED)
def test_a_callers_line_feed_is_refused_before_anything_is_believed(name: str) -> None:
    connection = AgiConnection(Limits())
    with pytest.raises(RemoteProtocolError):
        connection.receive_data(pieces(name)[0].data)


def test_a_step_has_its_arguments_in_order() -> None:
    environment = environment_of("step")
    assert (environment.path, environment.query, environment.args) == ("step", "", ("s0", "RESULT"))
    assert environment.variables["agi_version"].startswith("22.")
    assert replies_of("step") == [Reply(200, "1")]


def test_routes_and_arguments_may_be_unusual() -> None:
    assert environment_of("route_with_query").query == "pbx=1&v=2"
    assert environment_of("no_script").path == ""
    assert environment_of("empty_arguments").args == ("", "a", "", "")


def test_a_callers_name_survives_in_any_encoding() -> None:
    assert environment_of("caller_utf8").variables["agi_calleridname"] == "Иван 📦"
    name = environment_of("caller_cp1251").variables["agi_calleridname"]
    assert name.encode("utf-8", "surrogateescape").decode("cp1251") == "Иван"


@pytest.mark.parametrize("name", ["hangup_idle", "hangup_before_reply"])
def test_a_command_works_after_the_callers_hangup(name: str) -> None:
    events = events_of(name)
    assert Hangup() in events
    assert events[-1] == Reply(200, "1")


def test_asterisk_leaving_at_a_hangup_is_a_clean_end() -> None:
    assert [type(event).__name__ for event in events_of("exit_on_hangup")] == [
        "Environment",
        "Reply",
        "Hangup",
        "Hangup",
        "Closed",
    ]


def test_hangup_also_comes_at_a_normal_end() -> None:
    assert [type(event).__name__ for event in events_of("half_close")] == ["Environment", "Reply", "Hangup", "Closed"]


def test_a_dead_channel_refuses_what_needs_a_live_one() -> None:
    assert [reply.code for reply in replies_of("dead_channel")] == [511, 200]


def test_errors_are_replies_and_the_next_command_works() -> None:
    replies = replies_of("errors")
    assert [reply.code for reply in replies] == [510, 520, 520, 200]
    assert replies[1].text.endswith("\n520 End of proper usage.")


def test_values_come_back_as_they_were_set() -> None:
    session = pieces("odd_values")
    values = [reply.value for reply in replies_of("odd_values")]
    sent = [piece.data for piece in session if piece.direction is Direction.SERVER]
    pairs = zip(sent[:-1:2], values[1::2], strict=True)
    for line, value in pairs:
        name = line.split(b'"')[1].decode()
        assert value is not None
        assert set_variable(name, value).line == line
    assert values[-1] is None


def test_values_may_have_line_feeds() -> None:
    values = [reply.value for reply in replies_of("values_with_lines")]
    assert values == ["one\ntwo=2\n\n(three)", "one\r\ntwo\r", "one\nHANGUP\ntwo"]


def test_results_below_zero_are_no_hangup() -> None:
    events = events_of("results")
    assert Hangup() not in events
    assert [reply.result for reply in replies_of("results")[:4]] == ["-2", "-1", "-1", "-1"]
    assert sum(isinstance(event, Trying) for event in events) == 1
    assert [(reply.value, reply.endpos) for reply in replies_of("results") if reply.value] == [("timeout", 0)]


def test_the_longest_line_and_the_most_words_are_one_command_each() -> None:
    replies = replies_of("most_arguments")
    assert [reply.result for reply in replies] == ["0", "1", "1", "1", "1", "1"]
    assert len(replies[3].value or "") == 8190 - len('SET VARIABLE "LONG" ""')
    assert replies[5].value == "short"


def test_get_variable_gives_no_more_than_1023_bytes() -> None:
    assert len(replies_of("most_arguments")[2].value or "") == 1023


def test_a_longer_line_would_have_been_two_commands() -> None:
    session = pieces(TWO_IN_ONE)
    assert len(session[1].data) > 8191
    assert session[2].data == b"200 result=0\n" * 2


def test_our_commands_are_the_ones_that_were_recorded() -> None:
    assert pieces("step")[1].data == set_variable("WAYBELL_NEXT", "s1,dial,79010000011").line
    assert pieces("values_with_lines")[1].data == get_variable("LINES").line
    assert pieces("most_arguments")[1].data == command("NOOP", *["x"] * 126).line
