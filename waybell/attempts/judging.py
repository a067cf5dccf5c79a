"""What a call was worth as an attempt to reach the recipient. Pure: docs/decisions/0014 tells the rules and why.

The journal is the truth for who, when and how long: it is Asterisk's own log. The callback's row tells what that log
cannot: the network's SIP answer, and which of the two sides it was about.
"""

from __future__ import annotations

from collections.abc import Sequence

from waybell.attempts.values import Attempt, Contact, Rules, Source, Verdict, Why
from waybell.callbacks.causes import reason_of
from waybell.callbacks.values import Callback, Reason, Side
from waybell.calls.values import Call, Direction, Leg, Party, Status, micros

_OURS = (Direction.CALLBACK, Direction.OUTBOUND)
# The network itself said that nobody can be rung: no user responding, timer expired; request timeout, temporarily
# unavailable, server time-out.
_SILENT_CAUSES = frozenset((18, 102))
_SILENT_STATUSES = frozenset((408, 480, 504))
_BEFORE = {
    Reason.NOT_CONFIRMED: Why.CALLER_NOT_CONFIRMED,
    Reason.HUNG_UP: Why.CALLER_NOT_CONFIRMED,
    Reason.CANCELLED: Why.CANCELLED,
    Reason.INTERRUPTED: Why.INTERRUPTED,
    Reason.UNKNOWN: Why.INTERRUPTED,
}
_AFTER = {
    Reason.BUSY: Why.BUSY,
    Reason.REFUSED: Why.DECLINED,
    Reason.UNREACHABLE: Why.UNREACHABLE,
    Reason.HUNG_UP: Why.CALLER_GAVE_UP,
    Reason.CANCELLED: Why.CALLER_GAVE_UP,
    Reason.INTERRUPTED: Why.INTERRUPTED,
}


def attempt_of(call: Call, placed: Callback | None, rules: Rules) -> Attempt | None:
    """``call`` as an attempt; ``None`` for one that is under way, or that the company did not make."""
    if call.direction not in _OURS or call.status is Status.IN_PROGRESS:
        return None
    number = placed.plan.second.number if placed else call.dialed
    legs = _legs_to(number, call.legs)
    rang = round(sum(_rang(leg, call) for leg in legs), 3)
    cause, sip_status = _causes(legs, placed)
    why = _why(call, placed, legs, cause, sip_status)
    if why is Why.NO_ANSWER and rang < rules.genuine_seconds and _is_silent(cause, sip_status):
        why = Why.UNREACHABLE
    return Attempt(
        id=call.id,
        at=call.started_at,
        by=call.caller,
        number=number,
        rang_seconds=rang,
        talk_seconds=call.talk_seconds if why is Why.TALKED else 0.0,
        cause=cause,
        sip_status=sip_status,
        why=why,
        verdict=verdict_of(why, rang, rules),
        rule=call.route[-1].result or "" if why is Why.NOT_PLACED else "",
    )


def attempt_without_call(placed: Callback, pbx: str, rules: Rules) -> Attempt | None:
    """A call that ended and of which the PBX's log has nothing, by Waybell's own note alone."""
    if not placed.is_final:
        return None
    first, rang = placed.plan.first, round(placed.ring_seconds, 3)
    dialled = placed.second_rung_at is not None
    cause, sip_status = _of_second(placed)
    why = Why.TALKED if placed.second_answered_at else _by_callback(placed, dialled=dialled)
    return Attempt(
        id=f"{pbx}-{placed.id}",
        at=micros(placed.created_at) or 0,
        by=Party(first.number or None, first.name or None, first.kind or None, first.id or None),
        number=placed.plan.second.number,
        rang_seconds=rang,
        talk_seconds=0.0,
        cause=cause,
        sip_status=sip_status,
        why=why,
        verdict=verdict_of(why, rang, rules),
        source=Source.CALLBACKS,
    )


def contact_of(call: Call) -> Contact | None:
    """``call`` as one that the recipient made; ``None`` for every other, and for one that is under way."""
    is_theirs = call.direction is Direction.INBOUND and call.caller.kind == "recipient"
    if not is_theirs or call.status is Status.IN_PROGRESS:
        return None
    answered = call.answered_at is not None
    by = call.answered_by if answered else None
    return Contact(call.id, call.started_at, call.caller.number, answered, by, call.talk_seconds)


def verdict_of(why: Why, rang_seconds: float, rules: Rules) -> Verdict:
    """What it was worth: who let it ring long enough has tried, whatever ended it."""
    match why:
        case Why.TALKED:
            return Verdict.REACHED
        case Why.DECLINED | Why.NOT_PLACED:
            return Verdict.REFUSED
        case Why.UNREACHABLE:
            return Verdict.UNREACHABLE
        case Why.BUSY:
            return Verdict.GENUINE
        case _:
            return Verdict.GENUINE if rang_seconds >= rules.genuine_seconds else Verdict.TOO_SHORT


def _legs_to(number: str | None, legs: Sequence[Leg]) -> list[Leg]:
    return [leg for leg in legs if number and leg.number == number]


def _rang(leg: Leg, call: Call) -> float:
    until = leg.answered_at or leg.ended_at or call.ended_at or leg.started_at
    return max(0, until - leg.started_at) / 1_000_000


def _causes(legs: Sequence[Leg], placed: Callback | None) -> tuple[int | None, int | None]:
    """Of the recipient's side only: a courier who was busy says nothing about it."""
    told, sip_status = _of_second(placed) if placed else (None, None)
    logged = legs[-1].hangup_cause if legs else None
    return logged or told, sip_status


def _of_second(placed: Callback) -> tuple[int | None, int | None]:
    if placed.side is not Side.SECOND:
        return None, None
    return placed.cause or None, placed.sip_cause or None


def _why(call: Call, placed: Callback | None, legs: Sequence[Leg], cause: int | None, sip_status: int | None) -> Why:
    if call.answered_at is not None:
        return Why.TALKED
    if _is_refused(call):
        return Why.NOT_PLACED
    if placed is not None and placed.reason not in (None, Reason.UNKNOWN):
        return _by_callback(placed, dialled=bool(legs) or placed.side is Side.SECOND)
    if call.status is Status.INTERRUPTED:
        return Why.INTERRUPTED
    if not legs:
        return Why.CALLER_NOT_REACHED
    dialstatus = next((step.result or "" for step in reversed(call.route) if step.verb == "dial"), "")
    if dialstatus == "CANCEL":
        return Why.CALLER_GAVE_UP
    return _AFTER.get(reason_of(cause or 0, sip_status or 0, dialstatus), Why.NO_ANSWER)


def _by_callback(placed: Callback, *, dialled: bool) -> Why:
    reason = placed.reason or Reason.UNKNOWN
    if dialled:
        return Why.INTERRUPTED if reason is Reason.UNKNOWN else _AFTER.get(reason, Why.NO_ANSWER)
    return _BEFORE.get(reason, Why.CALLER_NOT_REACHED)


def _is_refused(call: Call) -> bool:
    return call.status is Status.REJECTED and bool(call.route) and call.route[-1].verb == "refuse"


def _is_silent(cause: int | None, sip_status: int | None) -> bool:
    return sip_status in _SILENT_STATUSES or cause in _SILENT_CAUSES
