"""The last good answer for a number, for when the CRM has none."""

from __future__ import annotations

import marshal
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter

from waybell.people.values import Identity, Lookup, People, PersonKind, Source

_NUMBERS = 20_000
_BYTES = 12_000_000
_DAY = 24 * 3600.0
_values = attrgetter("kind.value", *(field.name for field in fields(Identity) if field.name != "kind"))


class CachedPeople:
    """Asks ``people`` every time; when they fail, gives what they said last, marked as remembered.

    At most ``numbers`` answers and ``size`` bytes of them, the least recently heard forgotten first, and none older
    than ``max_age`` seconds of ``clock``. An answer takes some 400 bytes. That nobody is behind a number is not worth
    remembering.
    """

    def __init__(
        self,
        people: People,
        numbers: int = _NUMBERS,
        max_age: float = _DAY,
        clock: Callable[[], float] = time.monotonic,
        size: int = _BYTES,
    ) -> None:
        self._people, self._numbers, self._max_age, self._clock, self._room = people, numbers, max_age, clock, size
        self._answers: OrderedDict[str, tuple[int, bytes]] = OrderedDict()

    async def identify(self, number: str) -> Lookup:
        """Everybody behind ``number``; ``source`` and ``why`` say how fresh the answer is."""
        lookup = await self._people.identify(number)
        if lookup.source is not Source.CRM:
            return self._recall(number, lookup)
        self._remember(number, lookup.people)
        return lookup

    def _remember(self, number: str, people: tuple[Identity, ...]) -> None:
        self._forget(number)
        if people:
            packed = _pack(people)
            self._answers[number] = (int(self._clock()), packed)
            self._room -= len(packed)
            while self._room < 0 or len(self._answers) > self._numbers:
                self._room += len(self._answers.popitem(last=False)[1][1])

    def _forget(self, number: str) -> None:
        if (known := self._answers.pop(number, None)) is not None:
            self._room += len(known[1])

    def _recall(self, number: str, failure: Lookup) -> Lookup:
        if number not in self._answers:
            return failure
        since, packed = self._answers[number]
        age = self._clock() - since
        if age > self._max_age:
            self._forget(number)
            return failure
        return Lookup(_unpack(packed), Source.CACHE, f"{failure.why}; this is its answer of {_ago(age)} ago")


def _ago(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


# Packed, twenty thousand answers take 8 MB instead of 40. Only bytes that we packed ourselves are ever unpacked.
def _pack(people: tuple[Identity, ...]) -> bytes:
    return marshal.dumps([_values(person) for person in people])


def _unpack(packed: bytes) -> tuple[Identity, ...]:
    rows = marshal.loads(packed)  # noqa: S302
    return tuple(Identity(PersonKind(kind), *values) for kind, *values in rows)
