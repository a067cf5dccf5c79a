"""FastAGI without sockets: bytes in, typed events out. The server's side of one connection.

Asterisk connects, sends an *environment* (``agi_name: value`` lines up to an empty line), then answers our commands
one by one. ``HANGUP`` may come before a reply or between two; the commands after it are still answered.

Nothing here waits, logs or reads a clock. Two errors say whose fault it was: :class:`LocalProtocolError` is ours (a
command that must not be sent, or not now), :class:`RemoteProtocolError` is the peer's, and nothing more is read from
that peer. Bytes are UTF-8; what is not (cp1251 names) survives as surrogate escapes, both ways.

What Asterisk sends is in its ``res/res_agi.c`` and, byte for byte, in ``tests/loopback/agi/recorded``.
"""

from __future__ import annotations

from enum import StrEnum

from agi_app.commands import Command, command, get_variable, set_variable, verbose
from agi_app.events import (
    Closed,
    Environment,
    Event,
    Hangup,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
    Reply,
    Trying,
)
from agi_app.grammar import START, parse_environment, parse_reply
from agi_app.limits import Limits

__all__ = [
    "TRANSITIONS",
    "AgiConnection",
    "Closed",
    "Command",
    "Environment",
    "Event",
    "Hangup",
    "LocalProtocolError",
    "ProtocolError",
    "RemoteProtocolError",
    "Reply",
    "State",
    "Trying",
    "command",
    "get_variable",
    "set_variable",
    "verbose",
]


class State(StrEnum):
    """Whose turn it is."""

    ENVIRONMENT = "environment"
    READY = "ready"
    WAITING = "waiting"
    CLOSED = "closed"
    FAILED = "failed"


TRANSITIONS: dict[State, dict[type, State]] = {
    State.ENVIRONMENT: {
        Environment: State.READY,
        Closed: State.CLOSED,
        RemoteProtocolError: State.FAILED,
    },
    State.READY: {
        Command: State.WAITING,
        Hangup: State.READY,
        Closed: State.CLOSED,
        RemoteProtocolError: State.FAILED,
    },
    State.WAITING: {
        Reply: State.READY,
        Trying: State.WAITING,
        Hangup: State.WAITING,
        Closed: State.CLOSED,
        RemoteProtocolError: State.FAILED,
    },
    State.CLOSED: {RemoteProtocolError: State.FAILED},
    State.FAILED: {RemoteProtocolError: State.FAILED},
}
"""Every edge there is: what happens in a state, and the state it leads to."""

_HANGUP = b"HANGUP\n"
_SHOWN = 60
_PLAIN_SUCCESS = b"200 result=1\n"
_SUCCESS = Reply(200, "1")
_HANGUP_EVENT = Hangup()


class AgiConnection:
    """One FastAGI connection, seen by the server.

    ``hung_up`` tells whether ``HANGUP`` came. Bytes that make an error make all events of the same
    :meth:`receive_data` void: what a peer that breaks the protocol said last is not believed.
    """

    __slots__ = ("_buffer", "_limits", "_scanned", "_text", "hung_up", "state")

    def __init__(self, limits: Limits) -> None:
        """``limits``: sizes of what the peer may send; its times and counts are not looked at here."""
        self._limits = limits
        self._buffer = b""
        self._scanned = 0
        self._text = False
        self.hung_up = False
        self.state = State.ENVIRONMENT

    def receive_data(self, data: bytes) -> list[Event]:
        """The events that ``data`` completes, in order. Raises :class:`RemoteProtocolError`."""
        self._buffer = self._buffer + data if self._buffer else data
        events: list[Event] = []
        while self._buffer:
            event = self._next_event()
            if event is None:
                break
            self._move(type(event))
            events.append(event)
        return events

    def receive_eof(self) -> list[Event]:
        """The peer will send no more: ``[Closed()]`` where it may end, else :class:`RemoteProtocolError`."""
        if self._buffer:
            raise self._failed(f"the peer closed inside {self._buffer[-_SHOWN:]!r}")
        if self.state is State.WAITING and not self.hung_up:
            raise self._failed("the peer closed without replying to our command")
        if Closed not in TRANSITIONS[self.state]:
            raise self._failed(f"the peer closed in state {self.state}")
        self._move(Closed)
        return [Closed()]

    def send(self, command: Command) -> bytes:
        """The bytes of ``command``. :class:`LocalProtocolError` unless the peer waits for one."""
        if self.state is not State.READY:
            raise LocalProtocolError(f"no AGI command can be sent in state {self.state}")
        self._move(Command)
        self._text = command.returns_text
        return command.line

    def _next_event(self) -> Event | None:
        state = self.state
        if state is State.ENVIRONMENT:
            return self._environment()
        if state is State.WAITING:
            return self._hangup_or_reply()
        if state is State.READY:
            return self._hangup()
        raise self._failed(f"bytes after the end: {self._buffer[:_SHOWN]!r}")

    def _environment(self) -> Environment | None:
        buffer = self._buffer
        if not buffer.startswith(START) and not START.startswith(buffer):
            raise self._failed(f"the peer does not speak FastAGI: it started with {buffer[:_SHOWN]!r}")
        end = buffer.find(b"\n\n", self._scanned)
        size = len(buffer) if end < 0 else end + 2
        if size > self._limits.max_environment_bytes:
            raise self._failed(f"the AGI environment has over {self._limits.max_environment_bytes} bytes")
        if end < 0:
            self._scanned = size - 1
            return None
        try:
            return parse_environment(self._take(size)[:-1], self._limits)
        except RemoteProtocolError as error:
            raise self._failed(str(error)) from None

    def _hangup(self) -> Hangup | None:
        if self._buffer.startswith(_HANGUP):
            self._take(len(_HANGUP))
            self.hung_up = True
            return _HANGUP_EVENT
        # Whatever else comes before we asked anything is a forged reply, or the rest of an environment ended early.
        if not _HANGUP.startswith(self._buffer):
            raise self._failed(f"bytes that nobody asked for: {self._buffer[:_SHOWN]!r}")
        return None

    def _hangup_or_reply(self) -> Hangup | Reply | Trying | None:
        if self._buffer == _PLAIN_SUCCESS:
            self._take(len(_PLAIN_SUCCESS))
            return _SUCCESS
        if self._buffer[:1] == b"H":
            return self._hangup()
        return self._reply()

    def _reply(self) -> Reply | Trying | None:
        end = self._end_of_reply()
        if (len(self._buffer) if end < 0 else end) > self._limits.max_reply_bytes:
            raise self._failed(f"an AGI reply has over {self._limits.max_reply_bytes} bytes")
        if end < 0:
            return None
        try:
            return parse_reply(self._take(end + 1)[:-1])
        except RemoteProtocolError as error:
            raise self._failed(str(error)) from None

    def _end_of_reply(self) -> int:
        """Where the line feed that ends the reply is; -1 while it has not come."""
        buffer = self._buffer
        first = buffer.find(b"\n")
        if first < 0:
            return -1
        if buffer[3:4] == b"-":
            last = buffer.find(b"\n" + buffer[:3] + b" ", max(first, self._scanned))
            self._scanned = max(first, len(buffer) - 4) if last < 0 else last
            return buffer.find(b"\n", last + 1) if last >= 0 else -1
        if self._text and buffer.startswith(b"200 ") and b"(" in buffer[:first]:
            closing = buffer.find(b")\n", max(first - 1, self._scanned))
            self._scanned = len(buffer) - 1
            return closing + 1 if closing >= 0 else -1
        return first

    def _take(self, size: int) -> bytes:
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        self._scanned = 0
        return taken

    def _move(self, what: type) -> None:
        self.state = TRANSITIONS[self.state][what]

    def _failed(self, why: str) -> RemoteProtocolError:
        self._move(RemoteProtocolError)
        self._buffer = b""
        return RemoteProtocolError(why)
