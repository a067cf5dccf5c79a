"""How far a call has come, and what moves it on: one table, and one pure function over it.

Things are told late, twice and out of order: by ARI's events, by the dialplan's steps, by what a reconnect finds. So
whatever the table does not list for a status changes nothing, and nothing leaves a final status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from waybell.callbacks.causes import BY_DIALSTATUS, reason_of
from waybell.callbacks.happenings import (
    Cancelled,
    Confirmed,
    Event,
    FirstAnswered,
    FirstEnded,
    Happening,
    Lost,
    Placing,
    SecondAnswered,
    SecondFailed,
    SecondLine,
    event_of,
)
from waybell.callbacks.values import Callback, Reason, Side, Status

__all__ = [
    "TRANSITIONS",
    "Cancelled",
    "Confirmed",
    "Event",
    "FirstAnswered",
    "FirstEnded",
    "Happening",
    "Lost",
    "Placing",
    "SecondAnswered",
    "SecondFailed",
    "SecondLine",
    "advance",
    "event_of",
]


_REQUESTED, _CALLING_COURIER, _CONFIRMING = Status.REQUESTED, Status.CALLING_COURIER, Status.CONFIRMING
_CALLING_RECIPIENT, _TALKING = Status.CALLING_RECIPIENT, Status.TALKING
_DONE, _FAILED = Status.DONE, Status.FAILED
_NO_MORE = {Event.CANCELLED: _FAILED, Event.LOST: _FAILED, Event.RESTARTED: _FAILED}

TRANSITIONS: Mapping[Status, Mapping[Event, Status]] = MappingProxyType(
    {
        _REQUESTED: {Event.PLACING: _CALLING_COURIER, **_NO_MORE},
        _CALLING_COURIER: {
            Event.PLACING: _CALLING_COURIER,
            Event.FIRST_ANSWERED: _CONFIRMING,
            Event.CONFIRMED: _CALLING_RECIPIENT,  # the dialplan's word overtook the answer's
            Event.SECOND_ANSWERED: _TALKING,  # what was between was not heard
            Event.FIRST_ENDED: _FAILED,
            **_NO_MORE,
        },
        _CONFIRMING: {
            Event.CONFIRMED: _CALLING_RECIPIENT,
            Event.SECOND_ANSWERED: _TALKING,
            Event.FIRST_ENDED: _FAILED,
            **_NO_MORE,
        },
        _CALLING_RECIPIENT: {
            Event.SECOND_LINE: _CALLING_RECIPIENT,
            Event.SECOND_ANSWERED: _TALKING,
            Event.SECOND_FAILED: _FAILED,
            Event.FIRST_ENDED: _FAILED,
            **_NO_MORE,
        },
        _TALKING: {
            Event.FIRST_ENDED: _DONE,
            Event.CANCELLED: _DONE,  # they have talked: taking it back has only ended it
            Event.LOST: _DONE,
            Event.RESTARTED: _FAILED,
        },
        _DONE: {},
        _FAILED: {},
    }
)
"""The status after each event that may follow on a status. All that there is."""


def advance(callback: Callback, happened: Happening, at: datetime) -> Callback | None:
    """``callback`` after ``happened`` at ``at`` (with zone); ``None`` when that changes nothing: late, or a repeat.

    Times never go backwards, whatever the clock does: what happened "before" the last change happened with it.
    """
    status = TRANSITIONS[callback.status].get(event_of(happened))
    if status is None or _is_repeat(callback, happened):
        return None
    at = max(at, callback.changed_at)
    changed = replace(callback, status=status, changed_at=at, **_details(callback, happened, at))
    return replace(changed, ended_at=at, **_outcome(callback, happened)) if changed.is_final else changed


def _is_repeat(callback: Callback, happened: Happening) -> bool:
    match happened:
        case Placing(line):
            return callback.status is _CALLING_COURIER and line == callback.first_line
        case SecondLine(line):
            return line == callback.second_line
        case _:
            return False


def _details(callback: Callback, happened: Happening, at: datetime) -> dict[str, Any]:
    """What is known besides the status."""
    match happened:
        case Placing(line):
            return {"first_line": line, "tries": callback.tries + 1}
        case FirstAnswered():
            return {"first_answered_at": at}
        case Confirmed(line):
            answered = callback.first_answered_at or at
            return {"first_answered_at": answered, "second_line": line or callback.second_line, "second_rung_at": at}
        case SecondLine(line):
            return {"second_line": line, "second_rung_at": at}
        case SecondAnswered():
            return {
                "first_answered_at": callback.first_answered_at or at,
                "second_rung_at": callback.second_rung_at or at,
                "second_answered_at": at,
            }
        case _:
            return {}


def _outcome(callback: Callback, happened: Happening) -> dict[str, Any]:
    """Why it ended, on which side, with the causes; ``callback`` is as it was before. A talk needs no reason."""
    talking = callback.status is _TALKING
    match happened:
        case SecondFailed(told, cause, sip_cause):
            why = Reason.CANCELLED if callback.cancel_asked else told or reason_of(cause, sip_cause)
            return {"reason": why, "side": Side.SECOND, "cause": cause, "sip_cause": sip_cause}
        case FirstEnded(cause, sip_cause):
            reason, side = _after_first(callback, happened)
            return {"reason": reason, "side": side, "cause": cause, "sip_cause": sip_cause}
        case Lost(restarted=True):
            return {"reason": Reason.INTERRUPTED}
        case Lost() if not talking:
            return {"reason": Reason.CANCELLED if callback.cancel_asked else Reason.UNKNOWN}
        case Cancelled() if not talking:
            return {"reason": Reason.CANCELLED}
        case _:
            return {}


def _after_first(callback: Callback, ended: FirstEnded) -> tuple[Reason | None, Side | None]:
    by_whom = Side.FIRST if ended.hung_up else None
    if callback.status is _TALKING:
        return None, by_whom
    if callback.cancel_asked:
        return Reason.CANCELLED, None
    if callback.status is _CONFIRMING:
        return (Reason.HUNG_UP if ended.hung_up else Reason.NOT_CONFIRMED), Side.FIRST
    if callback.status is _CALLING_RECIPIENT:
        failed = BY_DIALSTATUS.get(ended.dialstatus)
        return (failed, Side.SECOND) if failed else (Reason.HUNG_UP, Side.FIRST)
    # Still ringing as far as we saw; a 2xx says that it was answered.
    answered = 200 <= ended.sip_cause < 300
    return (Reason.HUNG_UP if answered else reason_of(ended.cause, ended.sip_cause)), Side.FIRST
