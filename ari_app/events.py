"""Asterisk's events, as its REST interface sends them: one JSON text in, one typed value out. No I/O.

What supervising calls of two legs needs: a channel comes, changes, is dialled, joins a bridge, is asked to end, ends.
Names and fields are ARI's. A text from outside may be anything: what is no event, or lacks what makes it one, is
``None``; a field of the wrong type is empty or 0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_LONGEST_ID = 150  # Asterisk's own bound (AST_MAX_PUBLIC_UNIQUEID)
_LONGEST_TEXT = 400
_LARGEST_NUMBER = 1 << 31


@dataclass(frozen=True, slots=True)
class ChannelCreated:
    """A channel has come; ``state`` is mostly ``Down`` or ``Ring``."""

    channel_id: str
    name: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelStateChange:
    """``state``: ``Down`` ``Reserved`` ``OffHook`` ``Dialing`` ``Ring`` ``Ringing`` ``Up`` ``Busy`` ``Unknown``."""

    channel_id: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Dial:
    """Something was dialled, or what became of it. ``caller_id`` is empty when we originated ``peer_id``.

    ``dialstatus`` is empty at first, then ``RINGING`` or ``PROGRESS``, last of all ``ANSWER`` ``BUSY`` ``NOANSWER``
    ``CANCEL`` ``CONGESTION`` ``CHANUNAVAIL``.
    """

    caller_id: str
    peer_id: str
    peer_name: str
    dialstring: str
    dialstatus: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelEnteredBridge:
    """The channel hears others in the bridge."""

    channel_id: str
    bridge_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelLeftBridge:
    """The channel hears nobody of the bridge any more."""

    channel_id: str
    bridge_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelHangupRequest:
    """Somebody wants the channel ended. ``cause`` is Q.850, ``tech_cause`` the SIP status, 0 where not told.

    ``soft``: asked by Asterisk or by us rather than by the channel's other end.
    """

    channel_id: str
    cause: int
    tech_cause: int
    soft: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelDestroyed:
    """The channel is gone. ``cause`` is Q.850, ``tech_cause`` the SIP status of a refusal, 0 where there was none."""

    channel_id: str
    cause: int
    cause_txt: str
    tech_cause: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ApplicationReplaced:
    """Another connection took our application's name; nothing comes here any more."""

    application: str


Event = (
    ChannelCreated
    | ChannelStateChange
    | Dial
    | ChannelEnteredBridge
    | ChannelLeftBridge
    | ChannelHangupRequest
    | ChannelDestroyed
    | ApplicationReplaced
)


def parse(message: str | bytes, received_at: datetime) -> Event | None:
    """The event in one message, or ``None`` for all that we have no use for. Times are UTC.

    ``received_at`` (with zone) stands in for a time that the event does not tell.
    """
    try:
        raw = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict):
        return None
    make = _MAKERS.get(_text(raw, "type"))
    return make(raw, _time(raw, received_at)) if make else None


def _created(raw: Mapping[str, Any], at: datetime) -> Event | None:
    channel = _part(raw, "channel")
    found = _id(channel)
    return ChannelCreated(found, _text(channel, "name"), _text(channel, "state"), at) if found else None


def _state_change(raw: Mapping[str, Any], at: datetime) -> Event | None:
    channel = _part(raw, "channel")
    found, state = _id(channel), _text(channel, "state")
    return ChannelStateChange(found, state, at) if found and state else None


def _dial(raw: Mapping[str, Any], at: datetime) -> Event | None:
    peer = _part(raw, "peer")
    found = _id(peer)
    if not found:
        return None
    caller = _id(_part(raw, "caller"))
    return Dial(caller, found, _text(peer, "name"), _text(raw, "dialstring"), _text(raw, "dialstatus"), at)


def _entered(raw: Mapping[str, Any], at: datetime) -> Event | None:
    channel, bridge = _id(_part(raw, "channel")), _id(_part(raw, "bridge"))
    return ChannelEnteredBridge(channel, bridge, at) if channel and bridge else None


def _left(raw: Mapping[str, Any], at: datetime) -> Event | None:
    channel, bridge = _id(_part(raw, "channel")), _id(_part(raw, "bridge"))
    return ChannelLeftBridge(channel, bridge, at) if channel and bridge else None


def _hangup_request(raw: Mapping[str, Any], at: datetime) -> Event | None:
    found = _id(_part(raw, "channel"))
    if not found:
        return None
    return ChannelHangupRequest(found, _number(raw, "cause"), _number(raw, "tech_cause"), raw.get("soft") is True, at)


def _destroyed(raw: Mapping[str, Any], at: datetime) -> Event | None:
    found = _id(_part(raw, "channel"))
    if not found:
        return None
    return ChannelDestroyed(found, _number(raw, "cause"), _text(raw, "cause_txt"), _number(raw, "tech_cause"), at)


def _replaced(raw: Mapping[str, Any], _at: datetime) -> Event | None:
    return ApplicationReplaced(_text(raw, "application"))


_MAKERS: Mapping[str, Callable[[Mapping[str, Any], datetime], Event | None]] = {
    "ChannelCreated": _created,
    "ChannelStateChange": _state_change,
    "Dial": _dial,
    "ChannelEnteredBridge": _entered,
    "ChannelLeftBridge": _left,
    "ChannelHangupRequest": _hangup_request,
    "ChannelDestroyed": _destroyed,
    "ApplicationReplaced": _replaced,
}
TYPES = tuple(_MAKERS)
"""The types of event that :func:`parse` has a use for."""


def _part(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _id(part: Mapping[str, Any]) -> str:
    value = part.get("id")
    return value if isinstance(value, str) and len(value) <= _LONGEST_ID else ""


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    return value[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _number(raw: Mapping[str, Any], key: str) -> int:
    value = raw.get(key)
    return value if type(value) is int and 0 <= value < _LARGEST_NUMBER else 0


def _time(raw: Mapping[str, Any], otherwise: datetime) -> datetime:
    """ARI writes ``2026-11-22T05:26:35.123+0000``."""
    try:
        told = datetime.fromisoformat(_text(raw, "timestamp"))
        return told.astimezone(UTC) if told.tzinfo else otherwise
    except (ValueError, OverflowError):
        return otherwise
