"""The fold: the events of one conversation become one call. Pure; the same events always give the same call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import eq

from waybell.calls.cel import CelRecord
from waybell.calls.channels import Conversation, without_try
from waybell.calls.dialling import Channel
from waybell.calls.legs import extension_of, legs_of
from waybell.calls.outcome import route_of, status_of
from waybell.calls.spoken import feedback_of, recordings_of
from waybell.calls.values import Call, Direction, Leg, Party
from waybell.notes import Target

_DIGITS = frozenset("+0123456789")
_DIALABLE = frozenset("+0123456789*#")

Normalise = Callable[[str], str]
"""A number as the PBX wrote it → E.164 digits or an extension; empty when it is no number."""


def plain(number: str) -> str:
    """``number`` without its plus; empty when it holds anything but digits, as the dialplan treats it too."""
    return number.removeprefix("+") if _DIGITS.issuperset(number) else ""


def call_id(pbx: str, linkedid: str) -> str:
    """The journal's id of a conversation. With ``systemname`` set, Asterisk itself puts a name and ``-`` in front.

    A later try of a call that Waybell placed has the id of the first: its row takes the place of that one's.
    """
    linkedid, _ = without_try(linkedid)
    return linkedid if "-" in linkedid else f"{pbx}-{linkedid}"


def fold(
    records: Iterable[CelRecord],
    *,
    pbx: str = "pbx1",
    normalise: Normalise = plain,
    interrupted: bool = False,
    until: int = 0,
    over: bool = False,
) -> Call:
    """The call that ``records`` tell of: all events of one conversation, in any order, some perhaps twice.

    ``interrupted``: no more will come though the conversation's end is missing; ``until``: the PBX was last seen alive
    then (microseconds); ``over``: it has ended, even if Asterisk did not write so. Raises :class:`ValueError` when
    there is no record at all.
    """
    ordered = _in_order(records)
    if not ordered:
        raise ValueError("a call needs at least one event")
    talk = Conversation(ordered, until, over=over)
    legs = legs_of(talk)
    answerer = _answerer(talk, legs)
    answered_at = answerer[0].answered_at if answerer else talk.room_at
    answered = answered_at is not None
    started = talk.caller.started if talk.caller else ordered[0].at
    ended = talk.last if talk.closed or interrupted else None
    dialed = _latest(talk, "dialed") or _dialable(talk.dialed) or None
    return Call(
        id=call_id(pbx, ordered[0].linkedid),
        direction=_direction(talk, legs),
        status=status_of(talk, answered=answered, interrupted=interrupted and not talk.closed),
        started_at=started,
        answered_at=answered_at,
        ended_at=ended,
        caller=_caller(talk, normalise),
        dialed=dialed,
        answered_by=_person(answerer) if answerer else Party(dialed) if answered else None,
        parcel=_latest(talk, "parcel"),
        courier=_latest(talk, "courier"),
        client=_latest(talk, "client"),
        manager=_latest(talk, "manager"),
        wait_seconds=_seconds((answered_at or talk.last) - started),
        ring_seconds=_seconds(_rang([leg for leg, _ in legs], talk.last)),
        talk_seconds=_seconds(talk.talked),
        legs=tuple(leg for leg, _ in legs),
        route=route_of(talk, answered=answered),
        recordings=recordings_of(talk, answered_at),
        feedback=feedback_of(talk),
    )


def _in_order(records: Iterable[CelRecord]) -> list[CelRecord]:
    ordered = sorted(records)
    return sorted(set(ordered)) if any(map(eq, ordered, ordered[1:])) else ordered


def _answerer(talk: Conversation, legs: Sequence[tuple[Leg, Target | None]]) -> tuple[Leg, Target | None] | None:
    """The first leg that answered and shared a bridge with the caller. The menu answers too, but rings nobody."""
    found: tuple[Leg, Target | None] | None = None
    first: Channel | None = None
    for channel, leg in zip(talk.legs, legs, strict=True):
        if channel is talk.caller or channel.answered is None or channel.joined is None:
            continue
        if first is None or channel.joined < (first.joined or 0):
            found, first = leg, channel
    return found


def _direction(talk: Conversation, legs: Sequence[tuple[Leg, Target | None]]) -> Direction:
    """By the id of a call that Waybell placed, else by the context that the first channel came through.

    An employee's phone that rang extensions only stayed inside.
    """
    if talk.is_placed:
        return Direction.OUTBOUND if talk.kind == "l" else Direction.CALLBACK
    for context in talk.contexts:
        if context == "waybell-outgoing":
            inside = legs and all(extension_of(leg.channel) for leg, _ in legs)
            return Direction.INTERNAL if inside else Direction.OUTBOUND
        if context == "waybell" or context.startswith("waybell-"):
            return Direction.INBOUND
    return Direction.INTERNAL


def _caller(talk: Conversation, normalise: Normalise) -> Party:
    """Who called. The display name that came with the call is anybody's to choose, so it is not taken."""
    raw = talk.caller.num if talk.caller else ""
    return Party(
        number=_latest(talk, "number") or normalise(raw) or None,
        name=_latest(talk, "name"),
        kind=_latest(talk, "kind"),
        id=_latest(talk, "id"),
    )


def _latest(talk: Conversation, field: str) -> str | None:
    """What the notes say of ``field``; a later step may know better than an earlier one."""
    for _, note in reversed(talk.notes):
        value: str = getattr(note, field)
        if value:
            return value
    return None


def _person(leg: tuple[Leg, Target | None]) -> Party:
    target = leg[1]
    if target is None:
        return Party(number=leg[0].number)
    return Party(leg[0].number, target.name or None, target.kind or None, target.id or None)


def _dialable(exten: str) -> str:
    return exten.removeprefix("+") if _DIALABLE.issuperset(exten) else ""


def _rang(legs: Iterable[Leg], last: int) -> int:
    """Microseconds during which at least one phone rang."""
    total, until = 0, 0
    for leg in legs:  # in the order in which they started
        end, begin = min(leg.answered_at or last, leg.ended_at or last), max(leg.started_at, until)
        if end > begin:  # a log that begins in the middle tells of the answer first
            total += end - begin
            until = end
    return total


def _seconds(microseconds: int) -> float:
    return round(microseconds / 1_000_000, 3)
