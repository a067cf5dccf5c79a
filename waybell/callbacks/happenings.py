"""What happens to a call that Waybell placed, as values; :mod:`waybell.callbacks.states` says what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from waybell.callbacks.values import Reason


class Event(StrEnum):
    """What moves a call, as the table knows it."""

    PLACING = "placing"
    FIRST_ANSWERED = "first_answered"
    CONFIRMED = "confirmed"
    SECOND_LINE = "second_line"
    SECOND_ANSWERED = "second_answered"
    SECOND_FAILED = "second_failed"
    FIRST_ENDED = "first_ended"
    CANCELLED = "cancelled"
    LOST = "lost"
    RESTARTED = "restarted"


@dataclass(frozen=True, slots=True)
class Placing:
    """The first phone is about to be rung over ``line``; again with another one when that line failed."""

    line: str = ""


@dataclass(frozen=True, slots=True)
class FirstAnswered:
    """Somebody, or something, picked up the first phone."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A key was pressed, or none is asked for: the second phone is dialled over ``line``."""

    line: str = ""


@dataclass(frozen=True, slots=True)
class SecondLine:
    """The second phone is dialled over another line, the one before having failed."""

    line: str


@dataclass(frozen=True, slots=True)
class SecondAnswered:
    """The two are talking."""


@dataclass(frozen=True, slots=True)
class SecondFailed:
    """The second phone was not reached; without ``reason`` the causes (Q.850, SIP status) tell why."""

    reason: Reason | None = None
    cause: int = 0
    sip_cause: int = 0


@dataclass(frozen=True, slots=True)
class FirstEnded:
    """The first channel is gone. ``hung_up``: whoever has that phone ended it, not the dialplan.

    ``dialstatus`` is Asterisk's word on the second phone whose line failed, empty when it did not or was not dialled.
    """

    cause: int = 0
    sip_cause: int = 0
    dialstatus: str = ""
    hung_up: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Whoever asked for the call took it back, and its channel is gone or was never made."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Its channel is gone and nobody saw the end. ``restarted``: the PBX was started anew meanwhile."""

    restarted: bool = False


Happening = (
    Placing | FirstAnswered | Confirmed | SecondLine | SecondAnswered | SecondFailed | FirstEnded | Cancelled | Lost
)

_EVENTS: Mapping[type, Event] = MappingProxyType(
    {
        Placing: Event.PLACING,
        FirstAnswered: Event.FIRST_ANSWERED,
        Confirmed: Event.CONFIRMED,
        SecondLine: Event.SECOND_LINE,
        SecondAnswered: Event.SECOND_ANSWERED,
        SecondFailed: Event.SECOND_FAILED,
        FirstEnded: Event.FIRST_ENDED,
        Cancelled: Event.CANCELLED,
        Lost: Event.LOST,
    }
)


def event_of(happened: Happening) -> Event:
    """The table's word for what happened."""
    if isinstance(happened, Lost) and happened.restarted:
        return Event.RESTARTED
    return _EVENTS[type(happened)]
