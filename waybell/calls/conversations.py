"""Gathers the events of the log into conversations and says when one is over.

What it gives depends on the log alone, never on the clock or on how the log was cut into chunks: so following the log
and reading it again from the beginning give the same calls.

A conversation has one ``linkedid``, or several that Asterisk linked on its way: an attended transfer, a pick-up, a
parked call that is fetched. It is over when each of them has ended and every channel of it has hung up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from waybell.calls.cel import CelRecord, Event
from waybell.calls.event_extra import linked_channels
from waybell.calls.lives import RACE, Life, Restart, number_of
from waybell.calls.logs import Place
from waybell.calls.open_calls import Done, Ended, Open
from waybell.calls.places import Places

__all__ = ["LONGEST_CALL", "Conversations", "Ended", "Open"]

LONGEST_CALL = 24 * 3600 * 1_000_000
"""Microseconds after which a conversation without an end is taken as interrupted, if nothing told so before."""

_DOUBT = 180 * 1_000_000
_GONE = 3 * 1_000_000
_RECENT = 64
_START, _END = int(Event.CHAN_START), int(Event.LINKEDID_END)
_NOTHING: Sequence[Ended] = ()
_EVER, _NEVER = -(1 << 62), 1 << 62


class Conversations:
    """The conversations that are under way. ``joined``: those that took in another one, until somebody empties it."""

    def __init__(self) -> None:
        self.joined: list[Open] = []
        self._open: dict[str, Open] = {}  # by linkedid, in the order of their first records
        self._homes: dict[str, Open] = {}  # by uniqueid
        self._done = Done()
        self._places = Places()
        self._life = Life()
        self._before: list[CelRecord] = []
        self._chunk: list[CelRecord] = []
        self._earliest, self._latest = _EVER, _NEVER  # times of a record that change nothing but its conversation

    def add(self, records: Iterable[CelRecord], place: Place | None = None) -> list[Ended]:
        """Take ``records`` (of a chunk that began at ``place``); gives the conversations that they end."""
        ended: list[Ended] = []
        self._places.begin(place)
        chunk = self._chunk = list(records)
        homes = self._homes
        for record in chunk:
            if not self._earliest <= record.at <= self._latest:
                ended += self._look_at_the_clock(record.at)
            conversation = homes.get(record.uniqueid)
            if conversation is None:
                ended += self._take_new(record)
            elif conversation.linkedid != record.linkedid:
                ended += self._take_moved(record, conversation)
            else:
                conversation.records.append(record)
                if record.event >= _END:
                    ended += self._on_event(conversation, record)
        self._before, self._chunk = (self._before + chunk)[-_RECENT:], []
        return ended

    def oldest_place(self) -> Place | None:
        """From where the log must be read again to see every open conversation whole; ``None`` when none is open."""
        oldest = next(iter(self._open.values()), None)
        if oldest is None:
            self._places.forget_before(self._places.now)
            return None
        return self._places.reread(oldest.mark).place

    def running(self) -> Iterator[Open]:
        """The conversations that are under way, oldest first; without those that were given up."""
        return (found for found in dict.fromkeys(self._open.values()) if not found.given_up)

    def _take_moved(self, record: CelRecord, known: Open) -> Sequence[Ended]:
        """A record of a channel that is under another linkedid than before, or of a conversation with several."""
        other = self._open.get(record.linkedid)
        if other is None:
            known.linkedid = ""
            known.links += (record.linkedid,)
            self._open[record.linkedid] = known
        elif other is not known:
            known = self._join(known, other)
        known.records.append(record)
        return self._on_event(known, record)

    def _take_new(self, record: CelRecord) -> Sequence[Ended]:
        """The first record of a channel."""
        event, uniqueid, linkedid = record.event, record.uniqueid, record.linkedid
        number = number_of(uniqueid) if event == _START else -1
        ended = self._look_for_a_restart(number, record) if number >= 0 else _NOTHING
        conversation = self._open.get(linkedid)
        if conversation is None:
            if linkedid in self._done or event == _END:
                # An end of which nothing is known tells nothing.
                return [*ended, *self._done.late(record)]
            conversation = self._begin(linkedid, record.at, number if uniqueid == linkedid else number_of(linkedid))
            if event != _START:
                conversation.beheaded, conversation.linkedid = True, ""
        conversation.records.append(record)
        if event != _END:
            self._homes[uniqueid] = conversation
            conversation.channels.append(uniqueid)
        return ended if event == _START else [*ended, *self._on_event(conversation, record)]

    def _begin(self, linkedid: str, at: int, number: int) -> Open:
        # It takes others to prove that a conversation without a number is of an earlier run: they must be read again.
        mark = self._places.now if number >= 0 else self._places.numbered or self._places.now
        deadline = at + LONGEST_CALL
        made = self._open[linkedid] = Open(mark, at, deadline, linkedid, number >= 0, (linkedid,))
        if deadline - 2 * LONGEST_CALL > self._earliest:
            self._earliest = deadline - 2 * LONGEST_CALL
        if deadline < self._latest:
            self._latest = deadline
        return made

    def _on_event(self, conversation: Open, record: CelRecord) -> Sequence[Ended]:
        """What follows from an event, which is in ``conversation`` already."""
        if record.event == _END:
            if record.linkedid not in conversation.ended:
                conversation.ended += (record.linkedid,)
            conversation.linkedid = ""
        elif record.event > _END:
            for uniqueid in linked_channels(record):
                other = self._homes.get(uniqueid)
                if other is not None and other is not conversation:
                    conversation = self._join(conversation, other)
        if conversation.linkedid or not conversation.is_over():
            if conversation.beheaded:
                conversation.deadline = record.at + (_GONE if conversation.has_left() else LONGEST_CALL)
                self._latest = min(self._latest, conversation.deadline)
            return _NOTHING
        self._forget(conversation)
        self._done.add(conversation, record.at)
        return [Ended(conversation.records, interrupted=False, links=len(conversation.links))]

    def _join(self, one: Open, two: Open) -> Open:
        """The two are one: the older takes in the other."""
        order = {found: number for number, found in enumerate(dict.fromkeys(self._open.values()))}
        older, younger = sorted((one, two), key=order.__getitem__)
        older.linkedid = ""
        older.mark = min(older.mark, younger.mark, key=lambda mark: mark.chunk)
        older.started_at = min(older.started_at, younger.started_at)
        older.numbered = older.numbered or younger.numbered
        older.given_up = older.given_up and younger.given_up
        older.links += younger.links
        older.ended += younger.ended
        older.channels += younger.channels
        older.records += younger.records
        for linkedid in younger.links:
            self._open[linkedid] = older
        for uniqueid in younger.channels:
            self._homes[uniqueid] = older
        self.joined.append(older)
        return older

    def _forget(self, conversation: Open) -> None:
        for linkedid in conversation.links:
            del self._open[linkedid]
        for uniqueid in conversation.channels:
            del self._homes[uniqueid]
        if len(conversation.links) > 1:
            self._places.finished(conversation.mark)
            self.oldest_place()  # forgets what will not be read again

    def _look_for_a_restart(self, number: int, record: CelRecord) -> Sequence[Ended]:
        restart = self._life.begin(number, record.at)
        if self._life.number == number:
            self._places.numbered = self._places.now
        return self._interrupt(restart, record) if restart else _NOTHING

    def _interrupt(self, restart: Restart, proof: CelRecord) -> list[Ended]:
        """End what was under way before ``restart``."""
        running = [
            found
            for found in dict.fromkeys(self._open.values())
            if found is not self._open.get(proof.linkedid) and found.last_at() < restart.at - RACE
        ]
        unsure = [found for found in running if not found.numbered][::-1][: restart.unseen]
        for found in unsure:
            found.doubted, found.deadline = proof.at, min(found.deadline, proof.at + _DOUBT)
            self._latest = min(self._latest, found.deadline)
        alive = self._alive_before(proof)
        ended = []
        for found in running:
            if found in unsure:
                continue
            self._forget(found)
            if not found.given_up:
                ended.append(Ended(found.records, interrupted=not found.has_left(), until=alive))
        return ended

    def _alive_before(self, proof: CelRecord) -> int:
        """When the PBX was last seen alive before ``proof``."""
        number = next(number for number, record in enumerate(self._chunk) if record is proof)
        times = [record.at for record in (self._before + self._chunk[:number])[-_RECENT:]]
        latest = max(times, default=0)
        return latest if latest < proof.at else 0

    def _look_at_the_clock(self, now: int) -> list[Ended]:
        """Give up what is too old. ``now`` is the newest record's time, so a second reading does the same.

        Each conversation is looked at by itself, so it does not matter with which others it was read.
        """
        ended: list[Ended] = []
        for found in list(dict.fromkeys(self._open.values())):
            if now + 2 * LONGEST_CALL < found.deadline:  # the clock was set back by days
                found.deadline = now + LONGEST_CALL
            elif found.deadline < now:
                ended += self._too_old(found, now)
        deadlines = [found.deadline for found in self._open.values()]
        self._earliest = max(deadlines, default=_EVER) - 2 * LONGEST_CALL
        self._latest = min(deadlines, default=_NEVER)
        return ended

    def _too_old(self, found: Open, now: int) -> list[Ended]:
        if found.doubted and found.last_at() > found.doubted:  # it lives
            found.deadline, found.doubted = found.last_at() + LONGEST_CALL, 0
            return []
        if found.given_up or found.has_left():
            self._forget(found)
            return [] if found.given_up else [Ended(found.records, interrupted=False)]
        found.given_up, found.deadline = True, now + LONGEST_CALL
        return [Ended(list(found.records), interrupted=True)]
