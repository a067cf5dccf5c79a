"""FastAGI without sockets, against raw bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi_app.commands import LONGEST_LINE, MOST_WORDS, Command, command, get_variable, set_variable, verbose
from agi_app.grammar import parse_environment
from agi_app.limits import Limits
from agi_app.protocol import (
    TRANSITIONS,
    AgiConnection,
    Closed,
    Environment,
    Event,
    Hangup,
    LocalProtocolError,
    RemoteProtocolError,
    Reply,
    State,
    Trying,
)

LIMITS = Limits(max_environment_bytes=4096, max_line_bytes=1000, max_variables=40, max_reply_bytes=2000)
LINES = (
    b"agi_network: yes",
    b"agi_network_script: step?pbx=1&v=2",
    b"agi_request: agi://127.0.0.1/step?pbx=1&v=2",
    b"agi_channel: PJSIP/trunk-00000001",
    b"agi_uniqueid: 1795310921.0",
    b"agi_callerid: 79161234567",
    b"agi_accountcode: ",
    b"agi_threadid: 140307626190528",
)
ARGS = (b"agi_arg_1: s0", b"agi_arg_2: RESULT", b"agi_arg_3: ")
SET = set_variable("WAYBELL_NEXT", "s1,dial,100")
GET = get_variable("X")
MEDIA = command("RECORD FILE", "x")


def environment(*lines: bytes) -> bytes:
    """The bytes of an environment with these lines."""
    return b"".join(line + b"\n" for line in lines) + b"\n"


REQUEST = environment(*LINES, *ARGS)


def ready() -> AgiConnection:
    """A connection that has read its environment."""
    connection = AgiConnection(LIMITS)
    connection.receive_data(REQUEST)
    return connection


def waiting(sent: Command = SET) -> AgiConnection:
    """A connection that waits for the reply to ``sent``."""
    connection = ready()
    connection.send(sent)
    return connection


def replies(sent: Command, data: bytes) -> list[Event]:
    """What ``data`` means after ``sent``, however it is cut."""
    whole = waiting(sent).receive_data(data)
    connection = waiting(sent)
    cut = [event for byte in data for event in connection.receive_data(bytes([byte]))]
    assert cut == whole
    return whole


# --- environment


def test_an_environment_gives_its_variables_arguments_path_and_query() -> None:
    (event,) = AgiConnection(LIMITS).receive_data(REQUEST)
    assert isinstance(event, Environment)
    assert event.variables["agi_callerid"] == "79161234567"
    assert event.variables["agi_accountcode"] == ""
    assert event.args == ("s0", "RESULT", "")
    assert (event.path, event.query) == ("step", "pbx=1&v=2")


def test_an_environment_may_come_byte_by_byte() -> None:
    connection = AgiConnection(LIMITS)
    events = [event for byte in REQUEST for event in connection.receive_data(bytes([byte]))]
    assert events == AgiConnection(LIMITS).receive_data(REQUEST)


def test_a_route_without_a_path_has_an_empty_one() -> None:
    (event,) = AgiConnection(LIMITS).receive_data(environment(LINES[0], b"agi_request: agi://127.0.0.1"))
    assert isinstance(event, Environment)
    assert (event.path, event.query, event.args) == ("", "", ())


def test_bytes_that_are_not_utf8_come_back_unchanged() -> None:
    name = "Иван".encode("cp1251")
    (event,) = AgiConnection(LIMITS).receive_data(environment(*LINES[:5], b"agi_calleridname: " + name, *LINES[5:]))
    assert isinstance(event, Environment)
    value = event.variables["agi_calleridname"]
    assert set_variable("NAME", value).line == b'SET VARIABLE "NAME" "' + name + b'"\n'


def test_values_keep_colons_spaces_and_carriage_returns() -> None:
    value = b" sip:a@b: c \r\x85\xe2\x80\xa8 "
    (event,) = AgiConnection(LIMITS).receive_data(environment(*LINES[:5], b"agi_dnid: " + value, *LINES[5:]))
    assert isinstance(event, Environment)
    assert event.variables["agi_dnid"].encode("utf-8", "surrogateescape") == value


BROKEN_ENVIRONMENTS = {
    "a line that is no variable": environment(*LINES[:5], b"200 result=1", *LINES[5:]),
    "a line with spaces before it": environment(*LINES[:5], b" agi_x: 1", *LINES[5:]),
    "a line without a colon": environment(*LINES[:5], b"agi_x", *LINES[5:]),
    "a line without a space after the colon": environment(*LINES[:5], b"agi_x:1", *LINES[5:]),
    "a foreign prefix": environment(*LINES[:5], b"x_agi_x: 1", *LINES[5:]),
    "capital letters in a name": environment(*LINES[:5], b"agi_X: 1", *LINES[5:]),
    "a NUL": environment(*LINES[:5], b"agi_x: \0", *LINES[5:]),
    "the same line twice": environment(*LINES, LINES[-1]),
    "a variable twice": environment(*LINES[:5], b"agi_callerid: 1", *LINES[5:]),
    "an argument twice": environment(*LINES, *ARGS, ARGS[0]),
    "an argument among the variables": environment(*LINES[:5], b"agi_arg_1: owned", *LINES[5:]),
    "one more argument among the variables": environment(*LINES[:5], b"agi_arg_4: owned", *LINES[5:], *ARGS),
    "arguments out of order": environment(*LINES, ARGS[1], ARGS[0]),
    "a missing argument": environment(*LINES, ARGS[0], ARGS[2]),
    "argument zero": environment(*LINES, b"agi_arg_0: x", *ARGS),
    "HANGUP inside": environment(*LINES[:5], b"HANGUP", *LINES[5:]),
    "an early end": environment(*LINES[:6]) + environment(*LINES[6:]),
    "nothing but its first line": environment(LINES[0]),
    "a first line that is no variable": b"asterisk: 22\n" + environment(*LINES[1:]),
    "nothing at all": b"\n",
    "too many lines": environment(*LINES[:5], *(b"agi_x%d: 1" % n for n in range(40)), *LINES[5:]),
    "too long a line": environment(*LINES[:5], b"agi_x: " + b"x" * 1000, *LINES[5:]),
    "too many bytes": environment(*LINES[:5], *(b"agi_x%d: " % n + b"x" * 900 for n in range(5)), *LINES[5:]),
    "a browser": b"GET / HTTP/1.1\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00",
}


@pytest.mark.parametrize("data", BROKEN_ENVIRONMENTS.values(), ids=BROKEN_ENVIRONMENTS.keys())
def test_an_environment_is_refused_for(data: bytes) -> None:
    connection = AgiConnection(LIMITS)
    with pytest.raises(RemoteProtocolError):
        connection.receive_data(data)
    assert connection.state is State.FAILED


def test_a_client_that_gives_no_script_is_understood_by_its_request() -> None:
    lines = (b"agi_request: agi://127.0.0.1:4573/step?v=2", b"agi_callerid: 79161234567", b"agi_arg_1: s0")
    (event,) = AgiConnection(LIMITS).receive_data(environment(*lines))
    assert isinstance(event, Environment)
    assert (event.path, event.query, event.args) == ("step", "v=2", ("s0",))


def test_an_environment_that_never_ends_is_refused_at_its_limit() -> None:
    connection = AgiConnection(LIMITS)
    connection.receive_data(b"agi_network: yes\nagi_x: " + b"x" * 4000)
    with pytest.raises(RemoteProtocolError, match="4096 bytes"):
        connection.receive_data(b"x" * 100)


def test_a_line_limit_is_the_lines_own_length() -> None:
    lines = environment(*LINES[:5], b"agi_x: " + b"x" * 993, *LINES[5:])
    assert len(lines) > LIMITS.max_line_bytes
    assert AgiConnection(LIMITS).receive_data(lines)


def test_a_foreign_peer_is_refused_at_its_first_byte() -> None:
    with pytest.raises(RemoteProtocolError, match="does not speak FastAGI"):
        AgiConnection(LIMITS).receive_data(b"G")


# --- between environment and command


@pytest.mark.parametrize(
    "forged", [b"200 result=1\n", b"agi_calleridname: x\n", b"\n", b"HANGUP", b"H\n", b"HANGUPS\n"]
)
def test_bytes_after_the_environment_are_not_believed(forged: bytes) -> None:
    together, apart = AgiConnection(LIMITS), ready()
    if forged == b"HANGUP":
        assert apart.receive_data(forged) == []
        forged += b" now\n"
    with pytest.raises(RemoteProtocolError):
        together.receive_data(REQUEST + forged)
    with pytest.raises(RemoteProtocolError):
        apart.receive_data(forged)
    with pytest.raises(LocalProtocolError):
        apart.send(SET)


def test_a_hangup_while_idle_is_remembered_and_the_command_still_answered() -> None:
    connection = AgiConnection(LIMITS)
    assert [type(event) for event in connection.receive_data(REQUEST + b"HANGUP\n")] == [Environment, Hangup]
    assert connection.hung_up
    connection.send(SET)
    assert connection.receive_data(b"200 result=1\n") == [Reply(200, "1")]


def test_a_hangup_in_pieces_is_one_hangup() -> None:
    connection = ready()
    assert connection.receive_data(b"HAN") == []
    assert connection.receive_data(b"GUP\nHANGUP\n") == [Hangup(), Hangup()]


def test_a_hangup_before_the_reply_is_not_the_reply() -> None:
    assert replies(SET, b"HANGUP\n200 result=1\n") == [Hangup(), Reply(200, "1")]


def test_a_hangup_after_the_reply_is_heard() -> None:
    assert replies(SET, b"200 result=-1\nHANGUP\nHANGUP\n") == [Reply(200, "-1"), Hangup(), Hangup()]


# --- replies

USAGE = "Invalid command syntax.\n Usage: X\n\n520-more\n200 result=1\n520 End of proper usage."
REPLIES = {
    b"200 result=1\n": Reply(200, "1"),
    b"200 result=0\n": Reply(200, "0"),
    b"200 result=-1\n": Reply(200, "-1"),
    b"200 result=-1 endpos=0\n": Reply(200, "-1", None, "endpos=0"),
    b"200 result= (timeout)\n": Reply(200, "", "timeout"),
    b"200 result=0 (timeout) endpos=1234\n": Reply(200, "0", "timeout", "endpos=1234"),
    b"200 result=-1 (hangup) endpos=5\n": Reply(200, "-1", "hangup", "endpos=5"),
    b"200 result=0 Gosub complete (a (b) c)\n": Reply(200, "0", "a (b) c", "Gosub complete"),
    b"200 result=1 (a=b (c) ))\n": Reply(200, "1", "a=b (c) )"),
    b"510 Invalid or unknown command\n": Reply(510, "", None, "Invalid or unknown command"),
    b"511 Command Not Permitted on a dead channel or intercept routine\n": Reply(
        511, "", None, "Command Not Permitted on a dead channel or intercept routine"
    ),
    b"520 Invalid command syntax.  Proper usage not available.\n": Reply(
        520, "", None, "Invalid command syntax.  Proper usage not available."
    ),
    b"520-" + USAGE.encode() + b"\n": Reply(520, "", None, USAGE),
    b"503 result=-2 Memory allocation failure\n": Reply(503, "", None, "result=-2 Memory allocation failure"),
}


@pytest.mark.parametrize(("data", "reply"), REPLIES.items(), ids=[str(data[:30]) for data in REPLIES])
def test_a_reply_is_read(data: bytes, reply: Reply) -> None:
    assert replies(MEDIA, data) == [reply]


@pytest.mark.parametrize(
    ("data", "endpos"), [(b"endpos=0", 0), (b"endpos=12", 12), (b"x", None), (b"endpos=" + b"9" * 99, None)]
)
def test_endpos_is_a_number_of_samples_or_nothing(data: bytes, endpos: int | None) -> None:
    (reply,) = replies(MEDIA, b"200 result=0 (timeout) " + data + b"\n")
    assert isinstance(reply, Reply)
    assert reply.endpos == endpos


TEXTS = [
    "",
    "hangup",
    "PJSIP/1 (Ivan) ) (",
    "result=-1 endpos=5",
    "x) endpos=5",
    ") ) x",
    "one\ntwo=2\n\n(three)",
    "a\r\nb\r",
]


@pytest.mark.parametrize("text", [*TEXTS, "one\nHANGUP\ntwo", "200 result=0\n520 End"])
def test_a_variables_value_comes_back_whole(text: str) -> None:
    assert replies(GET, f"200 result=1 ({text})\n".encode()) == [Reply(200, "1", text)]


def test_an_unset_variable_has_no_value() -> None:
    assert replies(GET, b"200 result=0\n") == [Reply(200, "0")]


def test_trying_may_come_several_times_before_the_reply() -> None:
    data = b"100 Trying...\n100 result=0 Trying...\nHANGUP\n100 Trying\n200 result=0\n"
    assert replies(GET, data) == [Trying(), Trying(), Hangup(), Trying(), Reply(200, "0")]


def test_a_value_that_forges_a_second_reply_is_not_believed() -> None:
    connection = waiting(GET)
    with pytest.raises(RemoteProtocolError):
        connection.receive_data(b"200 result=1 (x)\n200 result=1 (forged))\n")


BROKEN_REPLIES = {
    "nothing": b"\n",
    "a word": b"OK\n",
    "a short code": b"20 result=1\n",
    "letters for a code": b"2x0 result=1\n",
    "another alphabet's digits": "٢٠٠ result=1\n".encode(),
    "no result": b"200 OK\n",
    "no space": b"200result=1\n",
    "an open bracket": b"200 result=1 (x\n",
    "an environment's rest": b"agi_calleridname: x\n",
    "two replies": b"200 result=1\n200 result=1\n",
    "too long": b"200 result=1 (" + b"x" * 3000,
    "no end": b"520-x\n" * 500,
    "half a HANGUP": b"HANG\n",
}


@pytest.mark.parametrize("data", BROKEN_REPLIES.values(), ids=BROKEN_REPLIES.keys())
def test_a_reply_is_refused_for(data: bytes) -> None:
    connection = waiting()
    with pytest.raises(RemoteProtocolError):
        connection.receive_data(data)
    assert connection.state is State.FAILED


# --- the end


def test_connecting_and_closing_is_no_error() -> None:
    assert AgiConnection(LIMITS).receive_eof() == [Closed()]


@pytest.mark.parametrize("size", [1, 5, 16, 17, 40, len(REQUEST) - 1])
def test_an_end_inside_the_environment_is_an_error(size: int) -> None:
    connection = AgiConnection(LIMITS)
    assert connection.receive_data(REQUEST[:size]) == []
    with pytest.raises(RemoteProtocolError):
        connection.receive_eof()


def test_an_end_between_commands_is_no_error() -> None:
    assert ready().receive_eof() == [Closed()]


@pytest.mark.parametrize("data", [b"", b"200 resu", b"100 Trying\n"])
def test_an_end_before_the_reply_is_an_error(data: bytes) -> None:
    connection = waiting()
    connection.receive_data(data)
    with pytest.raises(RemoteProtocolError):
        connection.receive_eof()


def test_an_end_before_the_reply_is_no_error_after_a_hangup() -> None:
    connection = waiting()
    connection.receive_data(b"HANGUP\n")
    assert connection.receive_eof() == [Closed()]


# --- the table of states


def connections() -> dict[State, AgiConnection]:
    """One connection in each state."""
    closed, failed = ready(), ready()
    closed.receive_eof()
    with pytest.raises(RemoteProtocolError):
        failed.receive_data(b"x")
    return {
        State.ENVIRONMENT: AgiConnection(LIMITS),
        State.READY: ready(),
        State.WAITING: waiting(),
        State.CLOSED: closed,
        State.FAILED: failed,
    }


def happen(connection: AgiConnection, what: type) -> bool:
    """Makes ``what`` happen from outside; tells whether it did."""
    data = {Environment: REQUEST, Reply: b"200 result=1\n", Trying: b"100 Trying\n", Hangup: b"HANGUP\n"}
    try:
        if what is Command:
            connection.send(SET)
            return True
        events = connection.receive_eof() if what is Closed else connection.receive_data(data.get(what, b"\0\n"))
    except RemoteProtocolError:
        return what is RemoteProtocolError
    except LocalProtocolError:
        return False
    return [type(event) for event in events] == [what]


EVENTS = (Environment, Command, Reply, Trying, Hangup, Closed, RemoteProtocolError)
# A peer that closes before its reply broke the protocol, unless it hung up before: tested above.
EDGES = [(state, what) for state in State for what in EVENTS if (state, what) != (State.WAITING, Closed)]


@pytest.mark.parametrize(("state", "what"), EDGES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_every_edge_of_the_table_exists_and_no_other(state: State, what: type) -> None:
    connection = connections()[state]
    assert connection.state is state
    assert happen(connection, what) == (what in TRANSITIONS[state])
    if what in TRANSITIONS[state]:
        assert connection.state is TRANSITIONS[state][what]


def test_a_command_sent_out_of_turn_changes_nothing() -> None:
    connection = waiting()
    with pytest.raises(LocalProtocolError):
        connection.send(SET)
    assert connection.receive_data(b"200 result=1\n") == [Reply(200, "1")]


# --- commands


def test_commands_are_lines_with_quoted_arguments() -> None:
    assert set_variable("__A_1", "x y").line == b'SET VARIABLE "__A_1" "x y"\n'
    assert get_variable("A").line == b'GET VARIABLE "A"\n'
    assert verbose("hello", 3).line == b'VERBOSE "hello" "3"\n'
    assert command("NOOP").line == b"NOOP\n"
    assert command("EXEC", "NoOp", "").line == b'EXEC "NoOp" ""\n'


def words(line: bytes) -> list[bytes]:
    """How Asterisk splits a command (``parse_args`` in ``res_agi.c``)."""
    out: list[bytes] = []
    quoted = escaped = False
    blank = True
    for byte in line:
        letter = bytes([byte])
        if letter == b'"' and not escaped:
            quoted = not quoted
            if quoted and blank:
                out.append(b"")
                blank = False
        elif letter in b" \t" and not quoted and not escaped:
            blank = True
        elif letter == b"\\" and not escaped:
            escaped = True
        else:
            out = [*out, letter] if blank else [*out[:-1], out[-1] + letter]
            blank = escaped = False
    return out


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=20), max_size=5)
)
def test_asterisk_reads_the_words_that_were_meant(arguments: list[str]) -> None:
    line = command("NOOP", *arguments).line
    assert line.count(b"\n") == 1
    assert words(line[:-1]) == [b"NOOP", *(argument.encode() for argument in arguments)]


@pytest.mark.parametrize("bad", ["\n", "\r", "\0", "x\nNOOP", chr(0xD800), chr(0xDC0A)])
def test_an_argument_that_would_be_more_than_one_is_refused(bad: str) -> None:
    with pytest.raises(LocalProtocolError):
        set_variable("A", bad)


@pytest.mark.parametrize("name", ["", "A B", "A\n", "SHELL(id)", "${A}", "1A", "CALLERID(num)", "___A", "Ж"])
def test_only_plain_variables_are_set_and_read(name: str) -> None:
    with pytest.raises(LocalProtocolError):
        set_variable(name, "x")
    with pytest.raises(LocalProtocolError):
        get_variable(name)


@pytest.mark.parametrize("name", ["", "noop", "NO  OP", "NOOP\n", ' NOOP "x"', "EXEC System"])
def test_a_command_name_is_words_of_capital_letters(name: str) -> None:
    with pytest.raises(LocalProtocolError):
        command(name)


def test_a_line_is_as_long_as_asterisk_reads_and_no_longer() -> None:
    room = LONGEST_LINE - len(set_variable("A", "").line) + 1
    assert len(set_variable("A", "x" * room).line) == 8191
    with pytest.raises(LocalProtocolError, match="8191 bytes"):
        set_variable("A", "x" * (room + 1))
    with pytest.raises(LocalProtocolError):
        set_variable("A", "я" * (room // 2 + 1))


def test_a_command_has_as_many_words_as_asterisk_takes() -> None:
    assert command("NOOP", *["x"] * (MOST_WORDS - 1))
    with pytest.raises(LocalProtocolError):
        command("NOOP", *["x"] * MOST_WORDS)


# --- properties

_PIECES = st.sampled_from(
    [
        REQUEST,
        REQUEST[:-1],
        b"\n",
        b"HANGUP\n",
        b"200 result=1\n",
        b"200 result=1 (",
        b")\n",
        b"100 x\n",
        b"520-x\n",
        b"520 x\n",
    ]
)


@given(st.lists(st.one_of(_PIECES, st.binary(max_size=30)), max_size=12), st.sampled_from([SET, GET]))
def test_whatever_comes_raises_nothing_but_the_peers_error(pieces: list[bytes], sent: Command) -> None:
    connection = AgiConnection(LIMITS)
    try:
        for piece in pieces:
            connection.receive_data(piece)
            if connection.state is State.READY:
                connection.send(sent)
        connection.receive_eof()
    except RemoteProtocolError:
        assert connection.state is State.FAILED


@given(st.lists(st.binary(max_size=200).map(lambda value: b"agi_x: " + value), max_size=5))
def test_an_environment_parses_or_is_the_peers_error(lines: list[bytes]) -> None:
    data = environment(*LINES[:5], *lines, *LINES[5:])[:-1]
    try:
        parsed = parse_environment(data, LIMITS)
    except RemoteProtocolError:
        return
    assert parsed.variables["agi_callerid"] == "79161234567"
    assert parsed.args == ()


@pytest.mark.parametrize("field", ["max_connections", "environment_seconds", "max_line_bytes"])
def test_a_limit_of_nothing_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Limits(**{field: 0})
