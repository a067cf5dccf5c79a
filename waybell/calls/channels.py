"""What each channel of one conversation did, read from its events.

A channel is one SIP dialogue of Asterisk's: the caller's, or one phone that is rung. The first is the one that gave the
conversation its ``linkedid``; every other is a leg.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from waybell.calls.cel import CelRecord, Event
from waybell.notes import Note, decode, is_second

_NOTE, _CHAN_START = int(Event.NOTE), int(Event.CHAN_START)
_ANSWER, _ENTER, _EXIT = int(Event.ANSWER), int(Event.BRIDGE_ENTER), int(Event.BRIDGE_EXIT)
_HANGUP, _END = int(Event.HANGUP), int(Event.LINKEDID_END)
_UUID = 36
_decode = json.JSONDecoder().raw_decode


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


class Channel:
    """One channel; ``attempt`` is the number of the attempt (from 0) whose dialling made it, -1 for none."""

    __slots__ = ("answered", "attempt", "cause", "dialstatus", "ended", "hung_up", "joined", "name", "num", "started")

    def __init__(self, name: str, started: int, attempt: int) -> None:
        self.name = name
        self.num = ""
        self.started = started
        self.attempt = attempt
        self.answered: int | None = None
        self.ended: int | None = None
        self.joined: int | None = None
        self.cause: int | None = None
        self.dialstatus = ""
        self.hung_up = False


class Attempt:
    """One try to reach somebody: a step that dials, and the dial strings it dialled."""

    __slots__ = ("note", "parts")

    def __init__(self, note: int, parts: list[str]) -> None:
        self.note = note
        self.parts = parts


class Conversation:
    """Everything the events of one conversation say, before anything is concluded from it."""

    def __init__(self, records: Iterable[CelRecord]) -> None:
        """``records`` are in order and hold no record twice."""
        self.caller: Channel | None = None
        self.legs: list[Channel] = []
        self.notes: list[tuple[int, Note]] = []
        self.attempts: list[Attempt] = []
        self.contexts: list[str] = []
        self.dialed = ""
        self.kind: str | None = None
        self.placed: Note | None = None
        self.closed = False
        self.last = 0
        self.talked = 0
        self._channels: dict[str, Channel] = {}
        self._first = ""
        self._bridges: dict[str, set[str]] = {}
        self._talking_since: int | None = None
        for record in records:
            self._read(record)
        self._talk_until(self.last)
        self._begin()

    @property
    def is_placed(self) -> bool:
        """Whether Waybell rang its first channel: nobody called in."""
        return self.kind is not None

    def _begin(self) -> None:
        """The first phone was rung before the dialplan had a say: what was to be noted then, the channel carried."""
        if self.caller is None or self.placed is None:
            return
        self.caller.num = self.placed.number
        self.notes.insert(0, (self.caller.started, self.placed))
        for attempt in self.attempts:
            attempt.note += 1

    def _read(self, record: CelRecord) -> None:
        at, event, uniqueid, _, _, context, num, exten, dialled, _ = record
        self.last = at
        if event == _END:
            self.closed = True
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
            self._leave(_bridge(record), uniqueid, at)
        elif event == _HANGUP:
            self._on_hangup(record, channel)
        elif event == _NOTE:
            self._on_note(record)
        elif dialled:
            self._on_dial(dialled)

    def _on_start(self, channel: Channel, num: str, exten: str) -> None:
        channel.num = num
        if channel is self.caller:
            self.dialed = exten

    def _on_note(self, record: CelRecord) -> None:
        text = str(_extra(record).get("extra", ""))
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

    def _on_dial(self, dialled: str) -> None:
        parts = dialled.split(",", 1)[0].split("&")
        latest = self.attempts[-1] if self.attempts else None
        if latest and not latest.parts and latest.note == len(self.notes) - 1:
            latest.parts = parts
        else:
            self.attempts.append(Attempt(len(self.notes) - 1, parts))

    def _new_channel(self, record: CelRecord) -> Channel:
        """The channel of ``record``, which is the first of it; its start may be missing in a damaged log."""
        channel = Channel(record.channel, record.at, len(self.attempts) - 1)
        self._channels[record.uniqueid] = channel
        if record.uniqueid == record.linkedid:
            self.caller = channel
            self.kind = placed_kind(record.linkedid)
            if self.is_placed:
                self.legs.append(channel)
        else:
            self.legs.append(channel)
        return channel

    def _on_hangup(self, record: CelRecord, channel: Channel) -> None:
        extra = _extra(record)
        cause = extra.get("hangupcause")
        channel.ended = record.at
        channel.cause = cause if isinstance(cause, int) else None
        channel.dialstatus = str(extra.get("dialstatus", ""))
        channel.hung_up = extra.get("hangupsource") == channel.name
        if channel is self.caller and self.is_placed and record.dialled:
            self.placed = decode(record.dialled)
        for bridge in list(self._bridges):
            self._leave(bridge, record.uniqueid, record.at)

    def _enter(self, record: CelRecord) -> None:
        members = self._bridges.setdefault(_bridge(record), set())
        members.add(record.uniqueid)
        if len(members) < 2:
            return
        if self._talking_since is None:
            self._talking_since = record.at
        if self.caller is None or record.linkedid in members:
            for uniqueid in members:
                member = self._channels[uniqueid]
                member.joined = member.joined or record.at

    def _leave(self, bridge: str, uniqueid: str, at: int) -> None:
        members = self._bridges.get(bridge)
        if not members or uniqueid not in members:
            return
        members.discard(uniqueid)
        if not any(len(others) > 1 for others in self._bridges.values()):
            self._talk_until(at)

    def _talk_until(self, at: int) -> None:
        if self._talking_since is not None:
            self.talked += at - self._talking_since
            self._talking_since = None


def _bridge(record: CelRecord) -> str:
    """The bridge that a channel enters or leaves."""
    # As Asterisk writes it, with an id that needs no JSON to be read: ten times as quick.
    begin, _, rest = record.extra.partition('{"bridge_id":"')
    if not begin and rest[_UUID : _UUID + 1] == '"' and "\\" not in rest[:_UUID]:
        return rest[:_UUID]
    return str(_extra(record).get("bridge_id"))


def _extra(record: CelRecord) -> dict[str, Any]:
    text = record.extra
    try:
        value, end = _decode(text) if text else (None, 0)
        if end != len(text):
            return {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
