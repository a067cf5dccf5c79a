"""Asterisk's event log (CEL), from bytes to records.

The log is what ``dialplan/cel_custom.conf`` makes ``cel_custom`` write: 20 fields, all in double quotes, quotes
doubled, separated by commas, one line feed after each record. A value may hold line feeds and any bytes at all. The
parser never awaits and reads no file: bytes go in, records come out.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import pairwise
from typing import NamedTuple

FIELDS = 20
_LONGEST_RECORD = 256 * 1024
_MOST_TRIES = 200
_LATEST = 4_102_444_800_000_000  # the year 2100: a later time is garbage, and dates must not overflow

# Inside a value every quote is doubled. So a line that begins with one quote, holds a name without quotes or commas and
# goes on with `","` can only be the beginning of a record: no caller's name can forge it.
_RECORD_START = re.compile(rb'^"[^",\n]+","[A-Z_]+","', re.MULTILINE)
_RECORD_INSIDE = re.compile(rb'"[^",\n]+","[A-Z_]+","[^",\n]*","[0-9]+\.[0-9]{6}","')


# eventenum, userdeftype, EventTime, Num, Exten, Context, ChanName, AppName, AppData, UniqueID, LinkedID, UserField,
# EventExtra
_TAKEN = (1, 2, 3, 5, 9, 10, 11, 12, 13, 15, 16, 18, 19)
_VALUES = ['([^"]*)' if number in _TAKEN else '[^"]*' for number in range(FIELDS - 1)]
# Nearly every record is one line that holds quotes in its last field only: found so, it costs half of what csv takes.
_LINE = re.compile('^"' + '","'.join([*_VALUES, '([^"]*(?:""[^"]*)*)']) + '"\\n', re.MULTILINE)


class Event(IntEnum):
    """The events that the fold reads, in the order they are taken when they carry the same time."""

    NOTE = 0
    APP_START = 1
    CHAN_START = 2
    ANSWER = 3
    BRIDGE_ENTER = 4
    BRIDGE_EXIT = 5
    HANGUP = 6
    LINKEDID_END = 7
    BLINDTRANSFER = 8
    ATTENDEDTRANSFER = 9
    PICKUP = 10


class CelRecord(NamedTuple):
    """One event of the log; a tuple, because tuples are made, compared and hashed at C speed.

    ``at`` is in microseconds since 1970 (UTC). ``event`` is an :class:`Event` as a plain integer. ``num`` and ``exten``
    are kept of a channel's start only, ``dialled`` (the dial string and options) of ``Dial`` only (of ``Queue``:
    ``Queue/``, its name and options), where a hang-up has the channel's user field: thousands of calls may be under way
    at once. ``extra`` is the JSON text of
    ``EventExtra``. Bytes that are no UTF-8 stand as ``\\xcf``.
    """

    at: int
    event: int
    uniqueid: str
    linkedid: str
    channel: str
    context: str
    num: str
    exten: str
    dialled: str
    extra: str


# Plain integers: comparing them is several times cheaper than comparing members of an enumeration.
_EVENTS = {event.name: int(event) for event in Event if event is not Event.NOTE}
_NOTE, _APP_START, _CHAN_START = int(Event.NOTE), int(Event.APP_START), int(Event.CHAN_START)
_HANGUP = int(Event.HANGUP)


class CelParser:
    """Cuts one file's bytes into records, whatever the chunks they arrive in.

    ``offset`` is the place in the file of the first byte that is not part of a finished record. ``skipped`` counts the
    records that could not be read. A half-written last record waits for its end.
    """

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset
        self.skipped = 0
        self._rest = b""

    @property
    def position(self) -> int:
        """The place in the file of the byte that :meth:`feed` expects next."""
        return self.offset + len(self._rest)

    def feed(self, data: bytes) -> list[CelRecord]:
        """The records that ``data`` completes, in the file's order; events the fold has no use for are left out."""
        buffer = self._rest + data if self._rest else data
        end = buffer.rfind(b"\n") + 1
        records = _clean_records(buffer[:end])
        if records is None:
            records, end = self._salvage(buffer)
        if len(buffer) - end > _LONGEST_RECORD:
            self.skipped += 1
            end = len(buffer)
        self.offset += end
        self._rest = buffer[end:]
        return records

    def finish(self) -> list[CelRecord]:
        """The file is over: what still waits is given if it can be read, and counted as skipped if not."""
        records = self._whole(self._rest)
        self.offset += len(self._rest)
        self._rest = b""
        return records

    def _salvage(self, buffer: bytes) -> tuple[list[CelRecord], int]:
        """Something in ``buffer`` is broken: take every record by itself. Also how many bytes that used up."""
        starts = [match.start() for match in _RECORD_START.finditer(buffer)]
        edges = sorted({0, *starts, len(buffer)})
        if not _is_complete(buffer[edges[-2] :] if len(edges) > 1 else b""):
            edges.pop()
        records: list[CelRecord] = []
        for begin, end in pairwise(edges):
            records += self._whole(buffer[begin:end])
        return records, edges[-1]

    def _whole(self, part: bytes) -> list[CelRecord]:
        """The one record that ``part`` should be; if it is more or less than that, the whole ones in it."""
        if not part.strip(b"\r\n"):
            return []
        records = _clean_records(part)
        if records is None:
            self.skipped += 1
            records = _rescued(part)
        return records


def _rescued(part: bytes) -> list[CelRecord]:
    """The whole records in ``part``, which is broken somewhere: cut short, with more behind it on the same line."""
    found: list[CelRecord] = []
    at = 0
    for _ in range(_MOST_TRIES):
        end = _end_of_record(part, at)
        records = _clean_records(part[at:end])
        if records is not None:
            found += records
            at = end - 1
        match = _RECORD_INSIDE.search(part, at + 1)
        if match is None:
            break
        at = match.start()
    return found


def _end_of_record(part: bytes, begin: int) -> int:
    """Behind the first line end after ``begin`` that is not within quotes."""
    quotes, at = 0, begin
    while (line_end := part.find(b"\n", at)) >= 0:
        quotes += part.count(b'"', at, line_end)
        at = line_end + 1
        if quotes % 2 == 0:
            return at
    return len(part)


def _is_complete(part: bytes) -> bool:
    return part.endswith(b"\n") and part.count(b'"') % 2 == 0


def _clean_records(data: bytes) -> list[CelRecord] | None:
    """All records of ``data``, or ``None`` when anything in it is not as ``cel_custom`` writes it."""
    text = data.decode("latin-1")  # a byte a letter: what cuts records is ASCII, and few values need more than that
    rows = _LINE.findall(text)
    try:
        # As many as there are lines: then each is a record, and no value holds a line feed.
        return _records(rows if len(rows) == text.count("\n") and text.endswith("\n") else _quoted(text))
    except (csv.Error, ValueError):
        return None


def _quoted(text: str) -> Iterator[Sequence[str]]:
    """What :data:`_LINE` finds, also where values hold line feeds and quotes. Raises as :func:`_records` does."""
    for row in csv.reader(text.splitlines(keepends=True), strict=True):
        if len(row) != FIELDS:
            raise ValueError(row)
        *taken, extra = (row[number] for number in _TAKEN)
        yield *taken, extra.replace('"', '""')


def _records(rows: Iterable[Sequence[str]]) -> list[CelRecord]:
    """Those of ``rows`` that the fold reads. Raises :class:`ValueError` when a time is none, :class:`csv.Error`."""
    records: list[CelRecord] = []
    one = _One()
    for kind, user, time, num, exten, context, channel, app, data, unique, linked, user_field, extra in rows:
        event = _EVENTS.get(kind)
        if event is None:
            if kind != "USER_DEFINED" or user != "WAYBELL":
                continue
            event = _NOTE
        at = int(time[:-7] + time[-6:])
        if time[-7:-6] != "." or not 0 <= at < _LATEST:
            raise ValueError(time)
        begun = event == _CHAN_START
        records.append(
            CelRecord(
                at,
                event,
                one[unique],
                one[linked],
                one[channel],
                one[context],
                _text(num) if begun else "",
                _text(exten) if begun else "",
                _dialled(app, data) if event == _APP_START else _text(user_field) if event == _HANGUP else "",
                _text(extra).replace('""', '"') if extra else "",
            )
        )
    return records


def _dialled(app: str, data: str) -> str:
    return _text(data) if app == "Dial" else f"Queue/{_text(data)}" if app == "Queue" else ""


class _One(dict[str, str]):
    """The text of a field, once for all records that hold the same: thousands of calls may be under way."""

    def __missing__(self, field: str) -> str:
        self[field] = text = _text(field)
        return text


def _text(field: str) -> str:
    """The UTF-8 whose bytes ``field`` holds one a letter."""
    return field if field.isascii() else field.encode("latin-1").decode("utf-8", "backslashreplace")
