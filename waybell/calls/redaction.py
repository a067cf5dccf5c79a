"""A call without those who are to be forgotten: who they were goes, that they called stays. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from waybell.calls.values import Call, Leg, Party, RouteStep

IsForgotten = Callable[[str], bool]
"""Whether a number (E.164 digits without plus) is to be told no more."""

_NOBODY = Party()


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Who is forgotten: the keyed hash of each number, and up to when (microseconds) its calls are told without it."""

    key: bytes = b""
    until: Mapping[str, int] = field(default_factory=dict)

    def digest(self, number: str) -> str:
        """What stands for ``number``: nobody reads the number from it who does not have the key."""
        return hmac.new(self.key, number.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def without(self, call: Call) -> Call:
        """``call`` as it may be told."""
        if not self.until:
            return call
        return redact(call, lambda number: call.started_at < self.until.get(self.digest(number), 0))


def redact(call: Call, is_forgotten: IsForgotten) -> Call:
    """``call`` without the numbers and names of those who are forgotten; the very same if it has none of them."""
    gone = {number for number in _numbers(call) if is_forgotten(number)}
    if not gone:
        return call
    return replace(
        call,
        caller=_party(call.caller, gone),
        dialed=None if call.dialed in gone else call.dialed,
        answered_by=_party(call.answered_by, gone) if call.answered_by else None,
        legs=tuple(_leg(leg, gone) for leg in call.legs),
        route=tuple(_step(step, gone) for step in call.route),
    )


def _numbers(call: Call) -> set[str]:
    parties = (call.caller, call.answered_by or _NOBODY)
    found = {call.dialed, *(party.number for party in parties), *(leg.number for leg in call.legs)}
    return {number for number in found if number}


def _party(party: Party, gone: set[str]) -> Party:
    """The kind stays, for the totals."""
    return Party(kind=party.kind) if party.number in gone else party


def _leg(leg: Leg, gone: set[str]) -> Leg:
    channel = leg.channel
    for number in gone:
        channel = channel.replace(number, "")
    return replace(leg, number=None if leg.number in gone else leg.number, channel=channel)


def _step(step: RouteStep, gone: set[str]) -> RouteStep:
    why = step.why
    for number in gone:
        why = why.replace(number, "…")
    return replace(step, why=why) if why != step.why else step
