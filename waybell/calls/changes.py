"""What happened to a call between two looks at it. Pure: the same two looks always tell the same."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum

from waybell.calls.values import Call, Direction, Status


class Happened(StrEnum):
    """The kinds of changes, named as live view and webhooks have them."""

    STARTED = "call.started"
    ROUTED = "call.routed"
    ANSWERED = "call.answered"
    ENDED = "call.ended"
    MISSED = "call.missed"
    JOINED = "call.joined"
    FEEDBACK = "feedback.received"


@dataclass(frozen=True, slots=True)
class Change:
    """``at``: microseconds since 1970, by the PBX's clock. ``id`` is the same whenever the log is read again, and no
    other change of any call has it.
    """

    type: Happened
    at: int
    id: str


def changes(before: Call | None, after: Call) -> tuple[Change, ...]:
    """What became of a call since it was ``before`` (``None``: nothing was known of it), in order.

    ``call.routed`` comes with every step of the route, and again where a step's second note tells more of who is
    calling and about what. ``call.missed``: a call from outside is over and nobody answered it. ``feedback.received``
    comes with the rating; what was said after it is in the call's end.
    """
    found: list[Change] = []
    if before is None:
        found.append(_change(after, Happened.STARTED, after.started_at))
    over = after.status is not Status.IN_PROGRESS
    # What only the end of a placed call tells of its first step is no way that it goes.
    if after.route and not over and (before is None or _way(before) != _way(after)):
        found.append(_change(after, Happened.ROUTED, after.route[-1].at, _way_id(after)))
    if after.answered_at is not None and (before is None or before.answered_at is None):
        found.append(_change(after, Happened.ANSWERED, after.answered_at))
    if (said := after.feedback) and said.rating and not (before and before.feedback and before.feedback.rating):
        found.append(_change(after, Happened.FEEDBACK, said.at or after.started_at))
    if over and (before is None or before.status is not after.status):
        found += _ends(after)
    return tuple(found)


def joined(call: Call, at: int) -> Change:
    """``call`` turned out to be part of another one, which goes on for both: a transfer, a pick-up."""
    return _change(call, Happened.JOINED, at)


def _ends(call: Call) -> list[Change]:
    at = call.ended_at or call.started_at
    # The end of a call that was taken as interrupted may still come: that is another change.
    which = Status.INTERRUPTED.value if call.status is Status.INTERRUPTED else ""
    found = [_change(call, Happened.ENDED, at, which)]
    if call.direction is Direction.INBOUND and call.answered_at is None:
        found.append(_change(call, Happened.MISSED, at, which))
    return found


def _change(call: Call, type_: Happened, at: int, which: str = "") -> Change:
    # A placed call that is tried over another line begins again under its id: so the id alone does not tell it apart.
    parts = (call.id, str(call.started_at), type_.value.partition(".")[2], which)
    return Change(type_, at, "/".join(filter(None, parts)))


def _way(call: Call) -> tuple[object, ...]:
    return (len(call.route), call.caller, call.dialed, call.parcel, call.courier, call.client, call.manager)


def _way_id(call: Call) -> str:
    known = zlib.crc32(repr(_way(call)).encode("utf-8", "backslashreplace"))
    return f"{len(call.route)}-{known:08x}"
