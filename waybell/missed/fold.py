"""Missed calls are folded from the journal's calls. Pure: the same calls, in whatever order they come, give the same.

A missed call is one from outside that is over and that nobody answered. Those of one person about one parcel belong
together until the two sides have talked: then what they were missed for is settled, and a later one begins anew.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from waybell.calls.values import Call, Direction, Leg, Party, Status
from waybell.missed.values import Missed, Reach, Rung
from waybell.people.values import PersonKind

_RECIPIENT = PersonKind.RECIPIENT.value
_MISSED, _REACHED = 0, 1  # what happened at the same microsecond: the talk came last

Key = tuple[str, ...]


def is_missed(call: Call) -> bool:
    """Whether it came from outside, is over, and was answered by nobody."""
    over = call.status is not Status.IN_PROGRESS
    return call.direction is Direction.INBOUND and over and call.answered_at is None


def missed(calls: Iterable[Call], until: int | None = None) -> list[Missed]:
    """Everybody whom nobody answered, that with the latest call first.

    ``until``: calls that began then or later are not looked at as missed ones; they close all the same.
    """
    book = _Book()
    for _, what, _, call in sorted(_happenings(calls, until), key=lambda happening: happening[:3]):
        if what == _MISSED:
            book.add(call)
        else:
            book.close(call)
    return sorted(book.all(), key=lambda entry: (entry.last_at, entry.calls[-1]), reverse=True)


def with_rung(entry: Missed, legs: Mapping[str, tuple[Leg, ...]]) -> Missed:
    """``entry`` with the phones that rang for it; ``legs`` are by the call's id."""
    times = Counter(leg.number for call in entry.calls for leg in legs.get(call, ()) if leg.number)
    return replace(entry, rung=tuple(Rung(number, count) for number, count in times.items()))


def _happenings(calls: Iterable[Call], until: int | None) -> Iterable[tuple[int, int, str, Call]]:
    for call in {call.id: call for call in calls}.values():
        if is_missed(call) and (until is None or call.started_at < until):
            yield call.started_at, _MISSED, call.id, call
        if call.answered_at is not None:
            yield call.answered_at, _REACHED, call.id, call


def numbers_of(call: Call) -> set[str]:
    """Of whoever is outside: the caller's number, or that of whoever was called."""
    if call.direction is Direction.INBOUND:
        return {call.caller.number} if call.caller.number else set()
    answerer = call.answered_by.number if call.answered_by else None
    return {number for number in (answerer, call.dialed) if number}


def parcel_of(call: Call) -> str:
    """The parcel whose recipient is outside; empty for anybody else."""
    outside = call.caller if call.direction is Direction.INBOUND else call.answered_by
    is_theirs = outside is not None and outside.kind == _RECIPIENT
    return call.parcel or "" if is_theirs else ""


def _key(call: Call) -> Key:
    """A recipient may call about their parcel from any number; of everybody else only the number is known for sure."""
    if parcel := parcel_of(call):
        return "recipient", call.caller.id or "", parcel
    if call.caller.number:
        return "number", call.caller.number, call.parcel or ""
    return "withheld", call.id


class _Book:
    """Who waits, and by what they may be reached."""

    def __init__(self) -> None:
        self._open: dict[Key, list[Call]] = {}
        self._by_mark: defaultdict[Key, set[Key]] = defaultdict(set)
        self._closed: list[Missed] = []

    def add(self, call: Call) -> None:
        """One more call that was missed."""
        key = _key(call)
        self._open.setdefault(key, []).append(call)
        for mark in _marks(call):
            self._by_mark[mark].add(key)

    def close(self, call: Call) -> None:
        """Two have talked: nobody of those who waited for that does any more."""
        by = call.caller if call.direction is not Direction.INBOUND else call.answered_by or Party()
        reach = Reach(call.answered_at or call.started_at, call.id, call.direction, by)
        for key in [key for mark in _marks(call) for key in sorted(self._by_mark[mark])]:
            if key in self._open:
                self._closed.append(_entry(self._forget(key), reach))

    def _forget(self, key: Key) -> list[Call]:
        calls = self._open.pop(key)
        for mark in {mark for call in calls for mark in _marks(call)}:
            self._by_mark[mark].discard(key)
        return calls

    def all(self) -> list[Missed]:
        """Those who were reached, and those who wait."""
        return self._closed + [_entry(calls, None) for calls in self._open.values()]


def _marks(call: Call) -> list[Key]:
    parcel = parcel_of(call)
    marks: list[Key] = [("number", number) for number in sorted(numbers_of(call))]
    return [*marks, ("parcel", parcel)] if parcel else marks


def _entry(calls: list[Call], reach: Reach | None) -> Missed:
    first, last = calls[0], calls[-1]
    numbers = tuple(dict.fromkeys(call.caller.number for call in calls if call.caller.number))
    return Missed(
        id=first.id,
        caller=last.caller,
        numbers=numbers,
        parcel=last.parcel,
        courier=last.courier,
        client=last.client,
        manager=last.manager,
        calls=tuple(call.id for call in calls),
        first_at=first.started_at,
        last_at=last.started_at,
        closed=reach,
    )
