"""What the journal knows of a call: frozen values, no I/O.

Every time is an integer of microseconds since 1970 (UTC); durations are seconds, exact to the millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- naive on purpose: isoformat then adds no offset
_AWARE_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Direction(StrEnum):
    """Which way a call went, seen from the company."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    CALLBACK = "callback"
    INTERNAL = "internal"


class Status(StrEnum):
    """How a call ended."""

    IN_PROGRESS = "in_progress"
    ANSWERED = "answered"
    MISSED = "missed"
    BUSY = "busy"
    FAILED = "failed"
    REJECTED = "rejected"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody on a call. ``number`` is E.164 digits or an extension; ``None`` stands for "not known"."""

    number: str | None = None
    name: str | None = None
    kind: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """One phone that was rung. ``hangup_cause`` is a Q.850 cause; Asterisk writes 0 where there was none. ``hung_up``:
    it was this phone that ended the call.
    """

    number: str | None
    channel: str
    started_at: int
    answered_at: int | None
    ended_at: int | None
    hangup_cause: int | None
    hung_up: bool = False


@dataclass(frozen=True, slots=True)
class RouteStep:
    """One decision on a call's way. ``result`` is what came of it: ``ANSWER``, ``BUSY``, a menu's key, …"""

    at: int
    step: str
    verb: str
    why: str
    result: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded of a call: the recording's id, and when it began."""

    id: str
    at: int


@dataclass(frozen=True, slots=True)
class Feedback:
    """The caller was asked for a rating ``asked_at``. ``rating``: 1 to 5, given ``at``; ``comment``: the id of the
    recording in which they said more.
    """

    asked_at: int
    rating: int | None = None
    at: int | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One conversation, however many legs and steps it had."""

    id: str
    direction: Direction
    status: Status
    started_at: int
    answered_at: int | None
    ended_at: int | None
    caller: Party
    dialed: str | None
    answered_by: Party | None
    parcel: str | None
    courier: str | None
    client: str | None
    manager: str | None
    wait_seconds: float
    ring_seconds: float
    talk_seconds: float
    legs: tuple[Leg, ...]
    route: tuple[RouteStep, ...]
    recordings: tuple[Recording, ...] = ()
    feedback: Feedback | None = None

    def as_json(self) -> dict[str, Any]:
        """The call as the API and the exports show it."""
        return {
            "id": self.id,
            "direction": self.direction.value,
            "status": self.status.value,
            "started_at": iso(self.started_at),
            "answered_at": iso(self.answered_at),
            "ended_at": iso(self.ended_at),
            "caller": _party_json(self.caller),
            "dialed": self.dialed,
            "answered_by": _party_json(self.answered_by) if self.answered_by else None,
            "parcel": self.parcel,
            "courier": self.courier,
            "client": self.client,
            "manager": self.manager,
            "wait_seconds": self.wait_seconds,
            "ring_seconds": self.ring_seconds,
            "talk_seconds": self.talk_seconds,
            "legs": [leg_json(leg) for leg in self.legs],
            "route": [step_json(step) for step in self.route],
            "recordings": [recording_json(recording) for recording in self.recordings],
            "feedback": feedback_json(self.feedback),
        }


def _party_json(party: Party) -> dict[str, str | None]:
    return {"number": party.number, "name": party.name, "kind": party.kind, "id": party.id}


def leg_json(leg: Leg) -> dict[str, Any]:
    """A leg as it stands in a call's JSON."""
    return {
        "number": leg.number,
        "channel": leg.channel,
        "started_at": iso(leg.started_at),
        "answered_at": iso(leg.answered_at),
        "ended_at": iso(leg.ended_at),
        "hangup_cause": leg.hangup_cause,
        "hung_up": leg.hung_up,
    }


def step_json(step: RouteStep) -> dict[str, Any]:
    """A step of the route as it stands in a call's JSON."""
    return {
        "at": iso(step.at),
        "step": step.step,
        "verb": step.verb,
        "why": step.why,
        "result": step.result,
        "source": step.source,
    }


def recording_json(recording: Recording) -> dict[str, Any]:
    """A recording as it stands in a call's JSON: whether it is there, and how long, is for whoever looks to tell."""
    return {"id": recording.id, "started_at": iso(recording.at), "seconds": None, "available": None}


def feedback_json(feedback: Feedback | None) -> dict[str, Any] | None:
    """What the caller said as it stands in a call's JSON; nothing where they gave no rating."""
    if feedback is None or feedback.rating is None:
        return None
    return {"rating": feedback.rating, "comment": feedback.comment, "at": iso(feedback.at)}


def iso(at: int | None) -> str | None:
    """``at`` in RFC 3339, UTC, always with six decimals: ``2026-11-21T23:36:44.854863Z``."""
    return None if at is None else f"{_second(at // 1_000_000)}.{at % 1_000_000:06d}Z"


def sql_time(at: int | None) -> str | None:
    """``at`` as every database reads a UTC time: ``2026-11-21 23:36:44.854863``."""
    return None if at is None else f"{_second(at // 1_000_000).replace('T', ' ')}.{at % 1_000_000:06d}"


@lru_cache(maxsize=4096)  # the times of a call, and of those beside it, share their seconds
def _second(seconds: int) -> str:
    return utc(seconds * 1_000_000).isoformat()


def utc(at: int) -> datetime:
    """``at`` as a naive UTC time, as databases keep it."""
    return _EPOCH + timedelta(0, 0, at)


def micros(moment: datetime | str | None) -> int | None:
    """The opposite of :func:`iso` and :func:`utc`; a time without a zone is taken as UTC."""
    if moment is None:
        return None
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return (parsed - _AWARE_EPOCH) // _MICROSECOND
