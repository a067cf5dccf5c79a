"""Whose phone a leg is.

Asterisk does not say which number a called channel stands for: its own caller id holds the dialplan's extension, and
all calls over one trunk are called ``PJSIP/trunk-…``. So the channels that one ``Dial`` made are matched, in order,
with the parts of its dial string and with the targets that the step's note named.
"""

from __future__ import annotations

from dataclasses import dataclass

from waybell.calls.channels import Channel, Conversation
from waybell.calls.values import Leg
from waybell.notes import Target

_NUMBER = frozenset("+0123456789*#")


@dataclass(slots=True)
class _Part:
    """One piece of a dial string: ``PJSIP/79010000011@trunk``, ``PJSIP/199``, ``Local/5@office``."""

    user: str
    endpoints: tuple[str, ...]
    used: bool = False


def legs_of(conversation: Conversation) -> list[tuple[Leg, Target | None]]:
    """Every leg with the target it rang, in the order in which they were started."""
    parts = [[_part(text) for text in attempt.parts] for attempt in conversation.attempts]
    free = [_targets(conversation, attempt.note) for attempt in conversation.attempts]
    return [_leg(channel, parts, free) for channel in conversation.legs]


def _targets(conversation: Conversation, note: int) -> list[Target]:
    return list(conversation.notes[note][1].to) if note >= 0 else []


def _leg(channel: Channel, parts: list[list[_Part]], free: list[list[Target]]) -> tuple[Leg, Target | None]:
    part, target = None, None
    if channel.attempt >= 0:
        part = _part_of(channel.name, parts[channel.attempt])
        target = _target_of(channel, part, free[channel.attempt])
    number = target.number if target else (part and part.user) or _plain(channel.num)
    leg = Leg(
        number or None,
        channel.name,
        channel.started,
        channel.answered,
        channel.ended,
        channel.cause,
        channel.hung_up,
    )
    return leg, target


def _part_of(channel: str, parts: list[_Part]) -> _Part | None:
    endpoint = channel.partition("/")[2].rpartition("-")[0]
    for part in parts:
        if not part.used and endpoint in part.endpoints:
            part.used = True
            return part
    return None


def _target_of(channel: Channel, part: _Part | None, free: list[Target]) -> Target | None:
    """The target this channel rang; each is given once. A prefix may stand before the number that was dialled."""
    dialled = part.user if part else _plain(channel.num)
    found = next((target for target in free if target.number == dialled), None)
    if found is None and dialled:
        found = next((target for target in free if target.number and dialled.endswith(target.number)), None)
    if found is None and part is None and free:
        found = free[0]
    if found is not None:
        free.remove(found)
    return found


def _part(text: str) -> _Part:
    rest = text.strip().partition("/")[2]
    if "/" in rest:  # PJSIP/trunk/sip:79010000011@host
        endpoint, _, uri = rest.partition("/")
        return _Part(_plain(uri.removeprefix("sip:").partition("@")[0]), (endpoint,))
    user, _, peer = rest.partition("@")
    return _Part(_plain(user), (peer, rest) if peer else (user,))


def _plain(number: str) -> str:
    return number.removeprefix("+") if _NUMBER.issuperset(number) else ""
