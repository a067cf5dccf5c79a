"""Gathers the events of the log into conversations and says when one is over.

What it gives depends on the log alone, never on the clock or on how the log was cut into chunks: so following the log
and reading it again from the beginning give the same calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from waybell.calls.cel import CelRecord, Event
from waybell.calls.logs import Place

LONGEST_CALL = 24 * 3600 * 1_000_000
"""Microseconds after which a conversation without an end is taken as interrupted (the PBX crashed meanwhile)."""

_END = int(Event.LINKEDID_END)
_START = int(Event.CHAN_START)
_EVER, _NEVER = -(1 << 62), 1 << 62


@dataclass(slots=True)
class Open:
    """A conversation's events so far. ``place`` is at or before its first record in the log.

    ``given_up``: taken as interrupted, but kept for as long again. The PBX's clock may have been set meanwhile, and
    then the real end still comes.
    """

    place: Place | None
    started_at: int
    deadline: int
    given_up: bool = False
    records: list[CelRecord] = field(default_factory=list)
    saved_records: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """A finished conversation; ``interrupted`` when its end never came."""

    records: list[CelRecord]
    interrupted: bool

    @property
    def complete(self) -> bool:
        """Whether the log held it from its first channel's start to its end."""
        return not self.interrupted and any(
            record.event == _START and record.uniqueid == record.linkedid for record in self.records
        )


class Conversations:
    """The conversations that are under way."""

    def __init__(self) -> None:
        self._open: dict[str, Open] = {}  # in the order of their first records
        self._earliest, self._latest = _EVER, _NEVER  # times of a record that change nothing but its conversation

    def add(self, records: Iterable[CelRecord], place: Place | None = None) -> list[Ended]:
        """Take ``records`` (of a chunk that began at ``place``); gives the conversations that they end."""
        ended: list[Ended] = []
        running = self._open
        for record in records:
            at = record.at
            if not self._earliest <= at <= self._latest:
                ended += self._look_at_the_clock(at)
            conversation = running.get(record.linkedid)
            if conversation is None:
                deadline = at + LONGEST_CALL
                conversation = running[record.linkedid] = Open(place, at, deadline)
                self._earliest = max(self._earliest, deadline - 2 * LONGEST_CALL)
                self._latest = min(self._latest, deadline)
            conversation.records.append(record)
            if record.event == _END:
                del running[record.linkedid]
                ended.append(Ended(conversation.records, interrupted=False))
        return ended

    def oldest_place(self) -> Place | None:
        """From where the log must be read again to see every open conversation whole; ``None`` when none is open."""
        return next((conversation.place for conversation in self._open.values()), None)

    def running(self) -> Iterator[Open]:
        """The conversations that are under way, oldest first; without those that were given up."""
        return (conversation for conversation in self._open.values() if not conversation.given_up)

    def _look_at_the_clock(self, now: int) -> list[Ended]:
        """Give up what is too old. ``now`` is the newest record's time, so a second reading does the same.

        Each conversation is looked at by itself, so it does not matter with which others it was read.
        """
        ended: list[Ended] = []
        for key, found in list(self._open.items()):
            if now + 2 * LONGEST_CALL < found.deadline:  # the clock was set back by days
                found.deadline = now + LONGEST_CALL
            elif found.deadline < now:
                if found.given_up:
                    del self._open[key]
                    continue
                ended.append(Ended(list(found.records), interrupted=True))
                found.given_up, found.deadline = True, now + LONGEST_CALL
        deadlines = [found.deadline for found in self._open.values()]
        self._earliest = max(deadlines, default=_EVER) - 2 * LONGEST_CALL
        self._latest = min(deadlines, default=_NEVER)
        return ended
