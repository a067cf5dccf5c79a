"""Attempts to reach the recipient of a parcel, as values. No I/O. Times are microseconds since 1970 (UTC)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from waybell.calls.values import Party


class Verdict(StrEnum):
    """What an attempt was worth."""

    REACHED = "reached"
    GENUINE = "genuine attempt"
    TOO_SHORT = "too short"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"


class Why(StrEnum):
    """What happened. The first group: the recipient's phone was dialled; the second: it was not."""

    TALKED = "talked"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"
    CALLER_GAVE_UP = "caller_gave_up"
    INTERRUPTED = "interrupted"

    CALLER_NOT_REACHED = "caller_not_reached"
    CALLER_NOT_CONFIRMED = "caller_not_confirmed"
    CANCELLED = "cancelled"
    NOT_PLACED = "not_placed"


class Source(StrEnum):
    """Who tells of an attempt: the journal; or Waybell's own note of the call, where the PBX's log lacks it."""

    JOURNAL = "journal"
    CALLBACKS = "callbacks"


@dataclass(frozen=True, slots=True)
class Rules:
    """``genuine_seconds``: who let it ring so long without an answer has tried."""

    genuine_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to reach the recipient. ``id`` is the journal's; ``by`` whoever tried; ``number`` what was dialled.

    ``rang_seconds`` are from the moment that the recipient's phone was dialled. ``cause`` is Q.850, ``sip_status`` the
    network's answer; ``None`` where nothing was told. ``rule``: which one stood against a call that was not placed.
    """

    id: str
    at: int
    by: Party
    number: str | None
    rang_seconds: float
    talk_seconds: float
    cause: int | None
    sip_status: int | None
    why: Why
    verdict: Verdict
    rule: str = ""
    source: Source = Source.JOURNAL


@dataclass(frozen=True, slots=True)
class Contact:
    """The recipient called by themselves: no attempt of ours, but it belongs to the story. ``by``: who answered."""

    id: str
    at: int
    number: str | None
    answered: bool
    by: Party | None
    talk_seconds: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """All there is about one parcel up to ``made_at``, oldest first. ``complete``: nothing had to be left out.

    ``checksum``: SHA-256 of what the sheet says (:mod:`waybell.attempts.checksum`).
    """

    parcel: str
    attempts: tuple[Attempt, ...]
    contacts: tuple[Contact, ...]
    rules: Rules
    made_at: int
    complete: bool
    checksum: str
