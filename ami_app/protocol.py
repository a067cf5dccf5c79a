"""AMI without sockets: bytes in, typed messages out. The server's side of one connection.

A message is lines of ``Name: value`` up to an empty line, each ended by CR LF or LF. Names are read without regard to
case, in any order. Nothing here waits, logs, reads a clock or raises: what a peer did wrong is an event too, and
however its bytes are cut, the events are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ami_app.limits import Limits
from ami_app.messages import Action, Broken, Event, Unreadable

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)
_ACTION_ID = "actionid"


class AmiCodec:
    """The messages of one peer, one at a time."""

    __slots__ = ("_buffer", "_failed", "_limits", "_lines", "_scanned", "_size")

    def __init__(self, limits: Limits) -> None:
        """``limits``: sizes of what the peer may send; its times and counts of others are not looked at here."""
        self._limits = limits
        self._buffer = bytearray()
        self._scanned = 0
        self._lines: list[bytes] = []
        self._size = 0
        self._failed = False

    @property
    def unread(self) -> int:
        """Bytes that have not been looked at; once :meth:`next_event` gives nothing, less than a line."""
        return len(self._buffer)

    def receive_data(self, data: bytes) -> None:
        """Takes bytes of the peer; after :class:`Broken` they are dropped."""
        if not self._failed:
            self._buffer += data

    def next_event(self) -> Event | None:
        """The next message or error, ``None`` while it is not complete. After :class:`Broken` there is none."""
        while not self._failed and (line := self._next_line()) is not None:
            wrong = self._wrong(line)
            if wrong:
                return self._break(wrong)
            if line:
                self._lines.append(line)
            elif self._lines:
                lines, self._lines, self._size = self._lines, [], 0
                return read(lines)
        return None

    def _next_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._buffer)
            # An unfinished line that is too long already is told as it stands.
            line = bytes(self._buffer.removesuffix(b"\r"))
            return line if len(line) > self._limits.max_line_bytes else None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._scanned = 0
        return line.removesuffix(b"\r")

    def _wrong(self, line: bytes) -> str:
        limits = self._limits
        self._size += len(line)
        if len(line) > limits.max_line_bytes:
            return f"a line has over {limits.max_line_bytes} bytes"
        if self._size > limits.max_message_bytes:
            return f"a message has over {limits.max_message_bytes} bytes"
        if len(self._lines) >= limits.max_headers and line:
            return f"a message has over {limits.max_headers} headers"
        return ""

    def _break(self, why: str) -> Broken:
        self._failed = True
        self._buffer.clear()
        self._lines = []
        self._size = 0
        return Broken(why)


def read(lines: Iterable[bytes]) -> Action | Unreadable:
    """The message that ``lines`` (without their ends) are."""
    headers: list[tuple[str, str]] = []
    wrong = ""
    for line in lines:
        name, value, problem = _header(line)
        if problem:
            wrong = wrong or problem
        else:
            headers.append((name, value))
    by_name = {name.lower(): value for name, value in headers}
    wrong = wrong or _repeated(headers) or ("" if by_name.get("action") else "a message has no header Action")
    action_id = by_name.get(_ACTION_ID, "")
    if wrong:
        return Unreadable(wrong, action_id)
    rest = tuple(header for header in headers if header[0].lower() not in ("action", _ACTION_ID))
    return Action(by_name["action"].lower(), action_id, rest)


def _header(line: bytes) -> tuple[str, str, str]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return "", "", "a line is not UTF-8"
    name, colon, value = text.partition(":")
    name, value = name.strip(" "), value.strip(" \t")
    if not colon or not _NAME.fullmatch(name):
        return "", "", "a line is not 'Name: value'"
    return name, value, "" if value.isprintable() else f"header {name} holds control characters"


def _repeated(headers: list[tuple[str, str]]) -> str:
    seen: set[str] = set()
    for name, _ in headers:
        if name.lower() in seen:
            return f"header {name} is given twice"
        seen.add(name.lower())
    return ""
