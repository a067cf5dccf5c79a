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
_NEVER = 1 << 62


@dataclass(slots=True)
class Open:
    """A conversation's events so far. ``place`` is at or before its first record in the log."""

    place: Place | None
    started_at: int
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
        self._deadline = _NEVER

    def add(self, records: Iterable[CelRecord], place: Place | None = None) -> list[Ended]:
        """Take ``records`` (of a chunk that began at ``place``); gives the conversations that they end."""
        ended: list[Ended] = []
        running = self._open
        for record in records:
            if record.at > self._deadline:
                ended += self._give_up(record.at)
            conversation = running.get(record.linkedid)
            if conversation is None:
                conversation = running[record.linkedid] = Open(place, record.at)
                self._deadline = min(self._deadline, record.at + LONGEST_CALL)
            conversation.records.append(record)
            if record.event == _END:
                del running[record.linkedid]
                ended.append(Ended(conversation.records, interrupted=False))
        return ended

    def oldest_place(self) -> Place | None:
        """From where the log must be read again to see every open conversation whole; ``None`` when none is open."""
        return next((conversation.place for conversation in self._open.values()), None)

    def running(self) -> Iterator[Open]:
        """The open conversations, oldest first."""
        return iter(self._open.values())

    def _give_up(self, now: int) -> list[Ended]:
        """End what is too old. ``now`` is the newest record's time, so a second reading does the same."""
        stale = [key for key, found in self._open.items() if found.started_at + LONGEST_CALL < now]
        ended = [Ended(self._open.pop(key).records, interrupted=True) for key in stale]
        starts = (found.started_at for found in self._open.values())
        self._deadline = min(starts, default=_NEVER - LONGEST_CALL) + LONGEST_CALL
        return ended
