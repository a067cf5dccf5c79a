"""Figures of many calls: how many, what came of them, how long people waited and talked. Pure."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from waybell.calls.search_terms import managers_of
from waybell.calls.values import Direction, Status

_MILLISECONDS = 1000
# Every zone's clocks have differed from UTC by whole quarters of an hour since before there were telephone numbers.


class By(StrEnum):
    """What calls are put together by."""

    HOUR = "hour"
    DAY = "day"
    COURIER = "courier"
    MANAGER = "manager"
    CLIENT = "client"
    LINE = "line"


COLUMNS: Final = (
    *("id", "started_at", "status", "direction", "dialed", "courier", "manager", "client", "wait_seconds"),
    "talk_seconds",
)
"""What of a call's row is needed."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds, by nearest rank: half of all, and 95 of 100, are not longer. ``None`` where there are none."""

    median: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Some calls. ``statuses``: how many of each; ``wait`` and ``talk``: of those that were answered."""

    calls: int
    statuses: Mapping[str, int]
    wait: Spread
    talk: Spread


class Tally:
    """Counts calls, in eight bytes for each that was answered."""

    def __init__(self, by: By, zone: ZoneInfo) -> None:
        self._keys = _keys(by, zone)
        self._total = _Group()
        self._groups: dict[str | None, _Group] = {}

    def add(self, rows: Iterable[Mapping[Any, Any]]) -> None:
        """Rows of the journal with :data:`COLUMNS`."""
        for row in rows:
            self._total.add(row)
            for key in self._keys(row):
                group = self._groups.get(key)
                if group is None:
                    group = self._groups[key] = _Group()
                group.add(row)

    def total(self) -> Figures:
        """Of all calls, each counted once."""
        return self._total.figures()

    def groups(self) -> list[tuple[str | None, Figures]]:
        """By key; ``None`` is that of calls without one. One for which several managers were to be rung is in each."""
        found = sorted(self._groups.items(), key=lambda item: (item[0] is None, item[0] or ""))
        return [(key, group.figures()) for key, group in found]


class _Group:
    """One group: counts, and the milliseconds of every answered call."""

    def __init__(self) -> None:
        self._statuses = dict.fromkeys((status.value for status in Status), 0)
        self._wait, self._talk = array("I"), array("I")

    def add(self, row: Mapping[Any, Any]) -> None:
        self._statuses[row["status"]] += 1
        if row["status"] == Status.ANSWERED.value:
            self._wait.append(_milliseconds(row["wait_seconds"]))
            self._talk.append(_milliseconds(row["talk_seconds"]))

    def figures(self) -> Figures:
        return Figures(sum(self._statuses.values()), self._statuses, _spread(self._wait), _spread(self._talk))


def _spread(values: array[int]) -> Spread:
    if not values:
        return Spread(None, None)
    ordered = sorted(values)
    median, p95 = (ordered[math.ceil(len(ordered) * part) - 1] / _MILLISECONDS for part in (0.5, 0.95))
    return Spread(median, p95)


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * _MILLISECONDS))


def _keys(by: By, zone: ZoneInfo) -> Callable[[Mapping[Any, Any]], Iterable[str | None]]:
    if by is By.MANAGER:
        return lambda row: managers_of(row["manager"]) or (None,)
    if by is By.LINE:  # the company's number that was called; of other calls the journal does not know it
        return lambda row: (row["dialed"] if row["direction"] == Direction.INBOUND.value else None,)
    if by in (By.HOUR, By.DAY):
        local, form = _local(zone), "%H" if by is By.HOUR else "%Y-%m-%d"
        return lambda row: (local(_quarter(row["started_at"]), form),)
    return lambda row: (row[by.value] or None,)


def _quarter(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)


def _local(zone: ZoneInfo) -> Callable[[datetime, str], str]:
    @lru_cache(maxsize=1024)  # calls come in the order of time
    def local(quarter: datetime, form: str) -> str:
        return quarter.replace(tzinfo=UTC).astimezone(zone).strftime(form)

    return local
