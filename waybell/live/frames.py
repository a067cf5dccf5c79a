"""What goes over the stream, and where in the log each event belongs. Pure.

Frames are Server-Sent Events (WHATWG HTML, 9.2). An event's id is its place: ``<log>.<offset>.<n>.<log>.<offset>``, a
log being named by the time of its first record; the second place is where reading must begin to see whole the calls
that were under way. Clients send it back as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from waybell.calls.changes import Change
from waybell.calls.feed import Happening
from waybell.calls.logs import Place
from waybell.calls.values import Call, iso

BEFORE_ALL = "0.0.0.0.0"
"""The place of a client that came before there was any log."""

LAST_NUMBER = 9999
"""Behind everything that one record can tell."""

_ID = re.compile(r"([0-9]{1,16})\.([0-9]{1,15})\.([0-9]{1,4})\.([0-9]{1,16})\.([0-9]{1,15})", re.ASCII)

HEARTBEAT = b": waybell is here\n\n"
"""A comment, so that nobody on the way takes a quiet stream for a dead one."""


class Stamp(NamedTuple):
    """An event's place among all: its log's first time, the byte behind its record, its number there."""

    log_first_at: int
    offset: int
    number: int


NOWHERE = Stamp(0, 0, 0)
"""Before everything."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What an event's id tells: its own place, and where to read from to go on behind it."""

    stamp: Stamp
    low_first_at: int
    low_offset: int


@dataclass(frozen=True, slots=True)
class Frame:
    """An event as it goes to every client alike."""

    stamp: Stamp
    wire: bytes


def parse_id(text: str) -> Mark | None:
    """The place that a ``Last-Event-ID`` tells; ``None`` when no event of ours has such an id."""
    match = _ID.fullmatch(text)
    if match is None:
        return None
    log, offset, number, low_log, low_offset = map(int, match.groups())
    return Mark(Stamp(log, offset, number), low_log, low_offset)


def stamp_at(place: Place, number: int = LAST_NUMBER) -> Stamp:
    """Of the events at ``place`` the ``number``-th, or behind all of them."""
    return Stamp(place.log.first_at, place.offset, number)


def call_frame(told: Happening) -> Frame:
    """A call's event."""
    stamp = stamp_at(told.place, told.number)
    return Frame(stamp, _wire(told.change.type.value, document_of(told), event_id(stamp, told.low)))


def document_of(told: Happening) -> dict[str, Any]:
    """What an event holds. ``complete`` is false where the call's beginning was not read: its row is in the journal.
    ``into``: of a call that was joined, the call that it is part of from now on.
    """
    change: Change = told.change
    document = {
        "id": change.id,
        "type": change.type.value,
        "time": iso(change.at),
        "complete": told.complete,
        "call": told.call.as_json(),
    }
    return document | ({"into": told.into} if told.into else {})


def snapshot_frame(stamp: Stamp, low: Place | None, calls: Iterable[Call]) -> Frame:
    """All calls that are under way at ``stamp``: what a client shows that has just come."""
    known_as = event_id(stamp, low) if low else BEFORE_ALL
    return Frame(stamp, _wire("snapshot", {"calls": [call.as_json() for call in calls]}, known_as))


def reset_wire(why: str) -> bytes:
    """The client's place is lost: it is to load the journal again. A snapshot follows."""
    return _wire("reset", {"why": why}, "")


def event_id(stamp: Stamp, low: Place) -> str:
    """What a client sends back to go on behind ``stamp``."""
    return ".".join(map(str, (*stamp, low.log.first_at, low.offset)))


def _wire(type_: str, document: dict[str, Any], known_as: str) -> bytes:
    # The JSON text holds no line end; half characters (lone surrogates), which a log may hold, are no UTF-8.
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    head = f"event: {type_}\n" + (f"id: {known_as}\n" if known_as else "")
    return f"{head}data: {text}\n\n".encode("utf-8", "replace")
