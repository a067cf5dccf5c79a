"""Slows down who guesses: after some wrong tries each further one closes the door for longer."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

_LONGEST_SECONDS = 60.0
_MEMORY_SECONDS = 900.0
_KEYS = 10_000
_DOUBLINGS = 16


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    under_way: int = 0
    closed_until: float = 0.0
    last_wrong_at: float = 0.0


class Guesses:
    """Wrong tries by key. ``free`` of them cost nothing; the next waits 1 s, then 2, 4, … up to ``longest`` seconds.

    ``at_once`` may be under way, fewer the more were wrong, but always one: many at once are no way around the waiting.
    A key that did nothing wrong for ``memory`` seconds is forgotten; of more than ``keys`` the longest quiet one is.
    ``clock`` gives seconds and only goes forward.
    """

    def __init__(
        self,
        free: int,
        at_once: int,
        *,
        longest: float = _LONGEST_SECONDS,
        memory: float = _MEMORY_SECONDS,
        keys: int = _KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._free, self._at_once = free, at_once
        self._longest, self._memory, self._keys, self._clock = longest, memory, keys, clock
        self._tries: OrderedDict[Hashable, _Tries] = OrderedDict()

    def begin(self, key: Hashable) -> int:
        """0 when ``key`` may try, and then :meth:`end` must follow; else how many seconds it has to wait."""
        tries, now = self._of(key), self._clock()
        if now < tries.closed_until:
            return math.ceil(tries.closed_until - now)
        if tries.under_way >= max(1, self._at_once * (self._free - tries.wrong) // self._free):
            return 1
        tries.under_way += 1
        return 0

    def end(self, key: Hashable, *, wrong: bool) -> int:
        """The try is over; returns how many of ``key``'s were wrong so far."""
        tries, now = self._tries[key], self._clock()
        tries.under_way -= 1
        if wrong:
            tries.wrong += 1
            tries.last_wrong_at = now
            self._tries.move_to_end(key)
            if tries.wrong >= self._free:
                delay = 2.0 ** min(tries.wrong - self._free, _DOUBLINGS)
                tries.closed_until = now + min(delay, self._longest)
        if not tries.wrong and not tries.under_way:
            del self._tries[key]
        return tries.wrong

    def _of(self, key: Hashable) -> _Tries:
        tries = self._tries.get(key)
        if tries is None:
            self._make_room()
            tries = self._tries[key] = _Tries()
        elif tries.wrong and self._clock() - tries.last_wrong_at >= self._memory:
            tries.wrong = 0
        return tries

    def _make_room(self) -> None:
        if len(self._tries) >= self._keys:
            quiet = next((key for key, tries in self._tries.items() if not tries.under_way), None)
            self._tries.pop(quiet, None)
