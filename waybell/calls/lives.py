"""When the PBX was started anew, told by the numbers that it gives its channels.

A channel's uniqueid is ``[name-]<second>.<number>``, and Asterisk counts the numbers from 0 at each start. So a channel
that begins later than another, but with a lower number, is of another run of Asterisk. Nothing but the log is needed.
"""

from __future__ import annotations

from typing import NamedTuple

# Two threads may write the starts of their channels in the other order than they took the numbers.
RACE = 20_000
_LATE_ZERO = 1_000_000
_SURE = 5_000_000
_DIGITS = 12
_EVER = -(1 << 62)


class Restart(NamedTuple):
    """The PBX was started anew before ``at`` (microseconds); ``unseen``: how many of its channels the log misses."""

    at: int
    unseen: int


def number_of(uniqueid: str) -> int:
    """The channel's number within one run of Asterisk; -1 for an id that Waybell chose."""
    begin, _, number = uniqueid.rpartition(".")
    if number.isdecimal() and len(number) < _DIGITS and begin.rpartition("-")[2].isdecimal():
        return int(number)
    return -1


class Life:
    """The run of Asterisk that the log is at. ``number``: the highest seen in it, at the time ``at``."""

    def __init__(self) -> None:
        self.number = -1
        self.at = _EVER
        self._began = _EVER
        self._zero = False
        self._first = 0
        self._since = 0

    def begin(self, number: int, at: int) -> Restart | None:
        """A channel with ``number`` (not negative) began at ``at``; tells if that is proof of a new start.

        A record that stands in the log twice is no proof, and a clock that was set back hides it.
        """
        later = at - self.at
        if number > self.number:
            if later >= -RACE:
                if self.number < 0:
                    self._began, self._zero = at, not number
                self.number, self.at, self._first = number, at, 0
            return None
        if later <= RACE:
            return None
        if not self._first:
            self._first, self._since = at, 0
        else:
            self._since += 1
        return self._anew(number, at) if self._is_proof(number, at) else None

    def _is_proof(self, number: int, at: int) -> bool:
        """A thread may be kept waiting between taking its number and telling that its channel begins: not for long."""
        if number == 0:
            return self._zero or at > self._began + _LATE_ZERO
        return at >= self.at + _SURE

    def _anew(self, number: int, at: int) -> Restart:
        restart = Restart(self._first, number - self._since)
        self.number, self.at, self._began, self._first = number, at, self._first, 0
        self._zero = not number
        return restart
