"""One conversation while it is under way, once it has ended, and the last ones that did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from waybell.calls.cel import CelRecord, Event
from waybell.calls.places import Mark

_DONE = 1000
_START, _HANGUP = int(Event.CHAN_START), int(Event.HANGUP)


@dataclass(slots=True, eq=False)
class Open:
    """A conversation's events so far. ``mark`` is at or before its first record in the log.

    ``linkedid``: its only one, and empty once it needs more than a look at that. ``links``: all of them; ``ended``:
    those that are over. ``beheaded``: the log begins within it. ``channels``: its channels' uniqueids. ``given_up``:
    taken as interrupted, but kept for as long again. The PBX's clock may have been set meanwhile, and then the real end
    still comes. ``doubted``: the PBX was started anew at that time, and it is not sure whether this conversation is
    older. ``numbered``: whether it began with a channel that Asterisk numbered.
    """

    mark: Mark
    started_at: int
    deadline: int
    linkedid: str
    numbered: bool
    links: tuple[str, ...]
    beheaded: bool = False
    ended: tuple[str, ...] = ()
    channels: list[str] = field(default_factory=list)
    given_up: bool = False
    doubted: int = 0
    records: list[CelRecord] = field(default_factory=list)
    saved_records: int = 0

    def last_at(self) -> int:
        """The time of its latest event."""
        return max(self.records).at

    def is_over(self) -> bool:
        """Whether each ``linkedid`` has ended and no channel goes on, perhaps under another one."""
        if len(self.ended) < len(self.links):
            return False
        return len(self._hung_up()) >= len(self.channels)

    def has_left(self) -> bool:
        """Whether all that was seen has hung up, of a conversation that the log begins within.

        For a call that was up when its event log was switched on, Asterisk never writes an end.
        """
        if not self.beheaded:
            return False
        hung_up = self._hung_up()
        return len(hung_up) >= len(self.channels) and not hung_up.isdisjoint(self.links)

    def _hung_up(self) -> set[str]:
        return {record.uniqueid for record in self.records if record.event == _HANGUP}


class Ended(NamedTuple):
    """A finished conversation; ``interrupted`` when its end never came. ``until``: the PBX was still seen alive then
    (microseconds; 0: not known)."""

    records: list[CelRecord]
    interrupted: bool
    until: int = 0
    links: int = 1

    @property
    def complete(self) -> bool:
        """Whether the log held it from its first channel's start to its end."""
        if self.interrupted:
            return False
        if self.links == 1:
            return any(record.event == _START and record.uniqueid == record.linkedid for record in self.records)
        begun = {record.uniqueid for record in self.records if record.event == _START}
        return all(record.linkedid in begun for record in self.records)


class Done:
    """The conversations that ended last: a record of them may come late, or once more."""

    def __init__(self) -> None:
        self._ended: set[str] = set()
        self._before: set[str] = set()
        self._last: dict[str, Open] = {}
        self._last_at = 0

    def __contains__(self, linkedid: str) -> bool:
        return linkedid in self._ended or linkedid in self._before

    def add(self, conversation: Open, at: int) -> None:
        """``conversation`` ended with a record of the time ``at``."""
        if at != self._last_at:
            self._last.clear()
            self._last_at = at
        for linkedid in conversation.links:
            self._ended.add(linkedid)
            self._last[linkedid] = conversation
        if len(self._ended) > _DONE:
            self._ended, self._before = set(), self._ended

    def late(self, record: CelRecord) -> list[Ended]:
        """A record of a conversation that has ended: of the same moment as its end, or nothing new."""
        conversation = self._last.get(record.linkedid)
        if conversation is None or record.at != self._last_at or record in conversation.records:
            return []
        conversation.records.append(record)
        return [Ended(conversation.records, interrupted=False, links=len(conversation.links))]
