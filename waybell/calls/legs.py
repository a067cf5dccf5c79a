"""Whose phone a leg is.

Asterisk does not say which number a called channel stands for: its own caller id holds the dialplan's extension, and
all calls over one trunk are called ``PJSIP/trunk-…``. So the channels that one ``Dial`` made are matched, in order,
with the parts of its dial string and with the targets that the step's note named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from waybell.calls.channels import Conversation
from waybell.calls.dialling import CALLING, Channel
from waybell.calls.values import Leg
from waybell.notes import Target

_NUMBER = frozenset("+0123456789*#")
_EXTENSION = re.compile(r"[0-9]{1,5}", re.ASCII)


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
    behind: dict[str, tuple[str, Target | None]] = {}  # by Local channel
    legs: list[tuple[Leg, Target | None]] = []
    for channel in conversation.rung:
        part, target, number, to = None, None, "", ""
        if channel.attempt >= 0:
            attempt = conversation.attempts[channel.attempt]
            part = _part_of(channel.name, parts[channel.attempt])
            target = _target_of(channel, part, free[channel.attempt])
            number, to = _number(channel.name, part, target), attempt.to
            if attempt.pipe in behind:
                to, outer = behind[attempt.pipe]
                target = target or outer
        if channel.pipe:
            behind[channel.pipe] = number, target
        elif channel.attempt != CALLING or channel.joined is not None:
            legs.append((_leg(channel, number or to or _plain(channel.num) or extension_of(channel.name)), target))
    return legs


def _targets(conversation: Conversation, note: int) -> list[Target]:
    return list(conversation.notes[note][1].to) if note >= 0 else []


def _number(channel: str, part: _Part | None, target: Target | None) -> str:
    """The number of the phone; one without a dial string of its own (a queue's) may be an extension's."""
    if target:
        return target.number
    return (part.user if part else "") or extension_of(channel)


def extension_of(channel: str) -> str:
    """The extension whose phone the channel named ``channel`` is, as far as its name tells; else empty."""
    endpoint = channel.partition("/")[2].rpartition("-")[0]
    return endpoint if _EXTENSION.fullmatch(endpoint) else ""


def _leg(channel: Channel, number: str) -> Leg:
    return Leg(
        number or None,
        channel.name,
        channel.started,
        channel.answered,
        channel.ended,
        channel.cause,
        channel.hung_up,
    )


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
    if found is None and part is None and free and not channel.pipe:
        found = free[0]
    if found is not None:
        free.remove(found)
    return found


def _part(text: str) -> _Part:
    kind, _, rest = text.strip().partition("/")
    if kind == "Local":
        rest = rest.partition("/")[0]
    if "/" in rest:  # PJSIP/trunk/sip:79010000011@host
        endpoint, _, uri = rest.partition("/")
        return _Part(_plain(uri.removeprefix("sip:").partition("@")[0]), (endpoint,))
    user, _, peer = rest.partition("@")
    return _Part(_plain(user), (peer, rest) if peer else (user,))


def _plain(number: str) -> str:
    return number.removeprefix("+") if _NUMBER.issuperset(number) else ""
