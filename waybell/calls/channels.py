"""What each channel of one conversation did, read from its events.

A channel is one SIP dialogue of Asterisk's: the caller's, or one phone that is rung. The first is the one that gave the
conversation its ``linkedid``; every other is a leg.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from waybell.calls.bridges import Bridges
from waybell.calls.cel import CelRecord, Event
from waybell.calls.dialling import CALLING, ELSEWHERE, Attempt, Channel
from waybell.calls.event_extra import bridge_of, extra_of
from waybell.notes import Note, decode, is_second

_NOTE, _CHAN_START = int(Event.NOTE), int(Event.CHAN_START)
_ANSWER, _ENTER, _EXIT = int(Event.ANSWER), int(Event.BRIDGE_ENTER), int(Event.BRIDGE_EXIT)
_HANGUP, _END, _BLIND = int(Event.HANGUP), int(Event.LINKEDID_END), int(Event.BLINDTRANSFER)
# Parts of Asterisk itself, no phones.
_INNER = ("Local/", "Announcer/", "Recorder/", "Snoop/", "Surrogate/", "CBAnn/", "CBRec/")


_PLACED = re.compile(r"((?:.*-)?c([blt])[0-9a-f]{16})(?:\.([2-9]))?")


def placed_kind(linkedid: str) -> str | None:
    """The sort of call that Waybell placed under this id: ``b`` callback, ``l`` click to call, ``t`` test."""
    match = _PLACED.fullmatch(linkedid)
    return match[2] if match else None


def without_try(linkedid: str) -> tuple[str, int]:
    """A placed call's id without its try's number, and that number.

    A first phone that is tried over another line is a new channel to Asterisk, ``….2``, and still the same call.
    """
    match = _PLACED.fullmatch(linkedid)
    return (match[1], int(match[3] or 1)) if match else (linkedid, 1)


class Conversation:
    """Everything the events of one conversation say, before anything is concluded from it."""

    def __init__(self, records: Sequence[CelRecord], until: int = 0, *, over: bool = False) -> None:
        """``records`` are in order and hold no record twice; the first one's ``linkedid`` is the conversation's.

        ``until``: at least so long it went on (microseconds); ``over``: it has ended, whatever they say.
        """
        self.first, self.linkedid = records[0].at, records[0].linkedid
        self.caller: Channel | None = None
        self.rung: list[Channel] = []
        self.room_at: int | None = None
        self.notes: list[tuple[int, Note]] = []
        self.attempts: list[Attempt] = []
        self.contexts: list[str] = []
        self.dialed = ""
        self.kind: str | None = None
        self.placed: Note | None = None
        self.last = 0
        self._links = {self.linkedid}
        self._up = 0
        self._all_are_legs = True
        self._ended: set[str] = set()
        self._channels: dict[str, Channel] = {}
        self._first = ""
        self._bridges = Bridges()
        for record in records:
            self._read(record)
        self.last = max(self.last, until)
        # Under another linkedid a channel may go on though its first one has ended.
        self.closed = over or (not self._up and self._links <= self._ended)
        self._bridges.stop(self.last)
        self.talked = self._bridges.talked
        self.legs = self.rung if self._all_are_legs else [channel for channel in self.rung if channel.is_leg]
        self._begin()

    @property
    def is_placed(self) -> bool:
        """Whether Waybell rang its first channel: nobody called in."""
        return self.kind is not None

    def _begin(self) -> None:
        """The first phone was rung before the dialplan had a say: what was to be noted then, the channel carried."""
        if self.caller is None or self.placed is None:
            if self.caller is not None and self.is_placed and self.notes:
                self.caller.num = self.notes[0][1].number
            return
        self.caller.num = self.placed.number
        self.notes.insert(0, (self.caller.started, self.placed))
        for attempt in self.attempts:
            attempt.note += 1

    def _read(self, record: CelRecord) -> None:
        at, event, uniqueid, linkedid, _, context, num, exten, _, _ = record
        self.last = at
        if linkedid != self.linkedid:
            self._links.add(linkedid)
        if event == _END:
            self._ended.add(linkedid)
            return
        channel = self._channels.get(uniqueid) or self._new_channel(record)
        if channel is self.caller and context not in self.contexts:
            self.contexts.append(context)
        if event == _CHAN_START:
            self._on_start(channel, num, exten)
        elif event == _ANSWER:
            channel.answered = channel.answered or at
        elif event == _ENTER:
            self._enter(record)
        elif event == _EXIT:
            self._leave(record, channel)
        elif event == _HANGUP:
            self._on_hangup(record, channel)
        elif event == _NOTE:
            self._on_note(record)
        else:
            self._on_dial(record)

    def _on_start(self, channel: Channel, num: str, exten: str) -> None:
        channel.begun = True
        channel.num = num
        if channel is self.caller:
            self.dialed = exten

    def _on_note(self, record: CelRecord) -> None:
        text = str(extra_of(record).get("extra", ""))
        if record.linkedid != self.linkedid:
            return  # of a call that was linked to this one later: it is about somebody else
        if is_second(text):
            self._complete(text)
            return
        note = decode(text)
        if note is None:
            return
        self._first = text
        self.notes.append((record.at, note))
        if note.verb == "dial":
            self.attempts.append(Attempt(len(self.notes) - 1, []))

    def _complete(self, second: str) -> None:
        """The second part of the note before it."""
        if self.notes and (note := decode(self._first, second)):
            self.notes[-1] = (self.notes[-1][0], note)

    def _on_dial(self, record: CelRecord) -> None:
        if record.event == _BLIND:
            self.attempts.append(Attempt(ELSEWHERE, [], to=str(extra_of(record).get("extension", ""))))
        if not record.dialled:
            return
        parts = record.dialled.split(",", 1)[0].split("&")
        latest = self.attempts[-1] if self.attempts else None
        pipe = self._bridges.pipes.get(record.uniqueid, "")
        of_the_caller = pipe or record.uniqueid == self.linkedid
        if latest and not pipe and not latest.parts and latest.note == len(self.notes) - 1:
            latest.parts = parts
        else:
            self.attempts.append(Attempt(len(self.notes) - 1 if of_the_caller else ELSEWHERE, parts, pipe))

    def _new_channel(self, record: CelRecord) -> Channel:
        """The channel of ``record``, which is the first of it; its start may be missing in a damaged log."""
        uniqueid, name = record.uniqueid, record.channel
        channel = Channel(name, record.at, len(self.attempts) - 1)
        self._channels[uniqueid] = channel
        self._up += 1
        if uniqueid == self.linkedid:
            self.caller = channel
            self.kind = placed_kind(uniqueid)
            if self.is_placed:
                self.rung.append(channel)
            return channel
        if name.startswith(_INNER):
            channel.pipe = self._bridges.pipes[uniqueid] = name.rpartition(";")[0] or name
            self._all_are_legs = False
            if name.endswith(";2"):
                return channel
        elif uniqueid == record.linkedid:
            channel.attempt = CALLING
            self._all_are_legs = False
        self.rung.append(channel)
        return channel

    def _on_hangup(self, record: CelRecord, channel: Channel) -> None:
        extra = extra_of(record)
        cause = extra.get("hangupcause")
        self._up -= channel.ended is None
        channel.ended = record.at
        channel.cause = cause if isinstance(cause, int) else None
        channel.dialstatus = str(extra.get("dialstatus", ""))
        channel.hung_up = extra.get("hangupsource") == channel.name
        if channel is self.caller and self.is_placed and record.dialled:
            self.placed = decode(record.dialled)
        self._bridges.gone(record.uniqueid, record.at)

    def _leave(self, record: CelRecord, channel: Channel) -> None:
        was_in_it = self._bridges.leave(bridge_of(record), record.uniqueid, record.at)
        if not channel.begun and not was_in_it:
            # The log begins within the call: whoever leaves a bridge had entered it.
            channel.answered = channel.answered or self.first
            channel.joined = channel.joined or self.first
            self._bridges.talked = self._bridges.talked or record.at - self.first

    def _enter(self, record: CelRecord) -> None:
        extra, at = record.extra, record.at
        mixed = False
        if "simple_bridge" not in extra:
            if "holding_bridge" in extra:
                return
            mixed = '"softmix"' in extra
        group = self._bridges.enter(bridge_of(record), record.uniqueid, at, mixed=mixed)
        if self.caller is None or self.linkedid in group:
            for uniqueid in group:
                member = self._channels[uniqueid]
                member.joined = member.joined or at
            if len(group) == 1:
                self.room_at = self.room_at or at
