"""Asterisk's own call records (CDR), to the microsecond: a second opinion on what the journal says.

One conversation has many: one for each pair of channels that were in a bridge, one for each phone that rang in vain. So
seconds are compared as time that at least one of its records covers, not as a sum.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.asterisk import Asterisk

Span = tuple[float, float]
_FIELDS = 8


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One of them; times in seconds since 1970, ``answer`` is 0 where nobody did."""

    linkedid: str
    channel: str
    dstchannel: str
    start: float
    answer: float
    end: float

    @property
    def rings_a_phone(self) -> bool:
        """Whether it is of a phone, and not of a Local channel: what that one rings has records of its own."""
        return bool(self.dstchannel) and not self.dstchannel.startswith("Local/")


def records_path(pbx: Asterisk) -> Path:
    """Where :func:`lab.shapes_pbx.shapes_pbx` has them written."""
    return pbx.directory / "log" / "cdr-custom" / "waybell-shapes.csv"


def read_records(text: str) -> list[CallRecord]:
    """The finished lines of ``text``."""
    rows = [row for row in csv.reader(text.splitlines(keepends=True)) if len(row) == _FIELDS]
    return [
        CallRecord(linkedid, channel, to, float(start), float(answer or 0), float(end))
        for linkedid, _, channel, to, start, answer, end, _ in rows
    ]


def talked(records: Iterable[CallRecord]) -> float:
    """Seconds in which at least two phones were in one bridge."""
    return covered([(found.answer, found.end) for found in records if found.answer and found.dstchannel])


def rang(records: Iterable[CallRecord]) -> float:
    """Seconds in which at least one phone rang. Of a phone that rings a caller who was answered before, it has none."""
    return covered([(found.start, found.answer or found.end) for found in records if found.rings_a_phone])


def waited(records: Iterable[CallRecord]) -> float:
    """Seconds from the first start to the first answer by a phone, else to the last end."""
    every = list(records)
    answers = [found.answer for found in every if found.answer and found.dstchannel]
    return min(answers, default=max(found.end for found in every)) - min(found.start for found in every)


def covered(spans: Iterable[Span]) -> float:
    """Seconds that at least one of ``spans`` covers."""
    total, until = 0.0, 0.0
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total
