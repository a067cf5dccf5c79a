"""Settings of what is kept of a call's sound, and of asking callers how it was."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from waybell.people.values import PersonKind
from waybell.routing.extras import ALL, UNKNOWN, Rule
from waybell.setting_values import Section

_WORDS = (ALL, *PersonKind, UNKNOWN, "callback", "click")
_NUMBER = re.compile(r"\+?([0-9]{1,15})")
_LINE = re.compile(r"line:[^\s,]{1,40}")
_CALLERS = (ALL, *PersonKind, UNKNOWN)


def _marks(words: tuple[str, ...]) -> AfterValidator:
    def check(value: str) -> str:
        if number := _NUMBER.fullmatch(value):
            return number[1]
        if value not in words and not ("callback" in words and _LINE.fullmatch(value)):
            named = " line:<name of a line>," if "callback" in words else ""
            raise ValueError(f"{', '.join(words)},{named} and the company's own numbers are allowed")
        return value

    return AfterValidator(check)


Marks = tuple[Annotated[str, _marks(_WORDS)], ...]
CallerMarks = tuple[Annotated[str, _marks(_CALLERS)], ...]


class Recordings(Section):
    """Which calls are recorded, and where recordings are. None, unless set: many laws want a reason and consent."""

    url: str = Field(
        "file:///var/spool/asterisk/monitor",
        pattern=r"^(file|sftp|ftp|s3)://",
        description="the folder that holds the years, as we read it: file://, sftp://, ftp:// or s3://",
    )
    record: Marks = Field(
        (),
        description="calls that are recorded: all; by who calls: recipient, courier, client, employee, unknown; by the "
        "company's number they called; of those that Waybell places: callback, click, line:<name>; empty: none",
    )
    not_recorded: Marks = Field((), description="calls that are not, whatever record says")
    announce: bool = Field(True, description="tell who is recorded, before; where that cannot be, nothing is recorded")
    seconds: float = Field(
        5.0, gt=0, le=60, allow_inf_nan=False, description="how long the place in url may take for an answer"
    )
    at_once: int = Field(8, ge=1, le=100, description="recordings listened to at once")
    options: tuple[Annotated[str, Field(pattern=r"^[a-z_]{1,40}=.*$")], ...] = Field(
        (), description='what the place needs besides, as fsspec calls it: "client_keys=/etc/waybell/id_ed25519"'
    )

    def rule(self) -> Rule:
        """As routing has it."""
        return Rule(frozenset(self.record), frozenset(self.not_recorded))


class Feedback(Section):
    """Which callers are asked how a call was, when the other side has hung up and they have not. Nobody, unless set."""

    ask: CallerMarks = Field(
        (),
        description="who is asked: all; recipient, courier, client, employee, unknown; who called one of the company's "
        "numbers; empty: nobody",
    )
    not_asked: CallerMarks = Field((), description="who is not, whatever ask says")
    days: float = Field(30.0, ge=0, le=3650, description="nobody is asked twice in so many days; 0: after every call")
    seconds: int = Field(6, ge=2, le=30, description="how long a key is waited for")
    comment_seconds: int = Field(60, ge=0, le=600, description="longest spoken comment after the rating; 0: none")

    def rule(self) -> Rule:
        """As routing has it."""
        return Rule(frozenset(self.ask), frozenset(self.not_asked))
