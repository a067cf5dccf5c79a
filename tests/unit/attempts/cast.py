"""Calls to Anna about parcel 10, as journal and callbacks tell of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.unit.missed.cast import ANNA, AT, BORIS, BORIS_PARTY, call
from waybell.callbacks import values as placed
from waybell.callbacks.values import Callback, Kind, Plan, Reason, Side
from waybell.calls.values import Call, Direction, Leg, Party, RouteStep, Status, utc

ANNA_PARTY = Party(ANNA, "Анна", "recipient", "10")
SECOND = 1_000_000


def leg(number: str, begin: float, end: float, *, answered: float | None = None, cause: int | None = None) -> Leg:
    """A phone that was rung from ``begin`` to ``end`` seconds after the call began."""
    answer = None if answered is None else AT + int(answered * SECOND)
    return Leg(number, "PJSIP/trunk-1", AT + int(begin * SECOND), answer, AT + int(end * SECOND), cause)


def tried(seconds: float, cause: int | None = 19, *, answered: bool = False, **changes: object) -> Call:
    """Boris is called and presses a key, then Anna's phone rings so long."""
    legs = (
        leg(BORIS, 0, 4 + seconds, answered=2, cause=16),
        leg(ANNA, 4, 4 + seconds + 30 * answered, answered=4 + seconds if answered else None, cause=cause),
    )
    made = call(
        0,
        id="pbx1-cb0123456789abcdef",
        direction=Direction.CALLBACK,
        caller=BORIS_PARTY,
        dialed=ANNA,
        parcel="10",
        courier="11",
        legs=legs,
        ended_at=AT + int((4 + seconds + 30 * answered) * SECOND),
        route=(RouteStep(AT, "callback", "dial", "ring recipient 10", "NOANSWER", "crm"),),
    )
    if answered:
        talk = {"status": Status.ANSWERED, "answered_at": AT + int((4 + seconds) * SECOND), "talk_seconds": 30.0}
        made = replace(made, answered_by=ANNA_PARTY, **talk)  # type: ignore[arg-type]
    return replace(made, **changes)  # type: ignore[arg-type]


def nobody_dialled(status: Status = Status.MISSED, **changes: object) -> Call:
    """Boris himself was not reached."""
    return tried(0, **{"legs": (leg(BORIS, 0, 20, cause=19),), "status": status, "route": ()} | changes)  # type: ignore[arg-type]


def note(
    reason: Reason | None, side: Side | None = Side.SECOND, sip_cause: int = 0, cause: int = 0, **changes: object
) -> Callback:
    """Waybell's own note of that call."""
    began = utc(AT).replace(tzinfo=UTC)
    plan = Plan(
        Kind.CALLBACK,
        placed.Party(BORIS, "courier", "11", "Борис"),
        placed.Party(ANNA, "recipient", "10", "Анна"),
        "11",
        "10",
        "101",
    )
    made = Callback(
        id="cb0123456789abcdef",
        plan=plan,
        status=placed.Status.FAILED if reason else placed.Status.DONE,
        created_at=began,
        changed_at=began,
        reason=reason,
        side=side,
        cause=cause,
        sip_cause=sip_cause,
        first_answered_at=began + timedelta(seconds=2),
        second_rung_at=began + timedelta(seconds=4),
        ended_at=began + timedelta(seconds=24),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def refused(rule: str = "outside-hours") -> Call:
    """A call that a rule stood against."""
    why = "It is 22:10 where this number is, and people are called from 08:00 to 21:00: try again then."
    step = RouteStep(AT, "rules", "refuse", why, rule, "crm")
    return nobody_dialled(Status.REJECTED, id="pbx1-cr00", legs=(), route=(step,), dialed=None, ended_at=AT)


def moment(seconds: float = 0) -> datetime:
    """So many seconds after the first call."""
    return utc(AT + int(seconds * SECOND)).replace(tzinfo=UTC)
