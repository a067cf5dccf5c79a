"""What an AMI connection tells, and what it is answered: typed values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from waybell.printable import printable

BANNER = b"Asterisk Call Manager/9.0.0\r\n"
"""What Asterisk says first; clients look at it."""

_LONGEST_VALUE = 500


@dataclass(frozen=True, slots=True)
class Action:
    """A message that could be read. ``name`` is in lower case; ``headers`` are the others as written, each name once.

    Values are printable text without blanks around. Never shown in a log: a ``Secret`` may be among them.
    """

    name: str
    action_id: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def value(self, name: str) -> str:
        """The value of the header ``name`` (lower case), empty without it."""
        return next((value for written, value in self.headers if written.lower() == name), "")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that means nothing, or two things; ``why`` holds none of its values. The next one may be well."""

    why: str
    action_id: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """The peer went over a limit: where its next message begins is not known, so nothing more is read."""

    why: str


Event = Action | Unreadable | Broken


class Response(StrEnum):
    """The first line of an answer."""

    SUCCESS = "Success"
    ERROR = "Error"
    GOODBYE = "Goodbye"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a message is answered. ``fields`` follow the message; ``ends``: the connection is closed after it."""

    response: Response
    message: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    ends: bool = False


def encode(answer: Answer, action_id: str = "") -> bytes:
    """``answer`` as Asterisk writes one. Each value is one line of printable text, whatever it was."""
    lines = [("Response", answer.response.value), ("ActionID", action_id), ("Message", answer.message)]
    text = "".join(f"{name}: {_line(value)}\r\n" for name, value in (*lines, *answer.fields) if value)
    return text.encode("utf-8", "replace") + b"\r\n"


def _line(value: str) -> str:
    return printable(value[:_LONGEST_VALUE])
