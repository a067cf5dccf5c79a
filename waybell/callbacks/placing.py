"""How a call that is allowed is placed: when, on which lines, and what Asterisk and its dialplan are told. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from waybell import notes
from waybell.callbacks.destinations import Policy, is_extension
from waybell.callbacks.hours import Hours, outside_hours
from waybell.callbacks.limits import Limits, Usage, over
from waybell.callbacks.lines import Line, after, dial_string, lines_for, pick, region_of
from waybell.callbacks.ports import Originate
from waybell.callbacks.script import Script, Way, encode
from waybell.callbacks.steps import note_of
from waybell.callbacks.store import Counts
from waybell.callbacks.values import Callback, Kind, Party, Plan, RefusedError
from waybell.calls.channels import placed_kind, without_try
from waybell.routing.extras import NO_EXTRAS, Extras, recording_id

CONTEXT = "waybell-callback"
VARIABLE = "WAYBELL_CALLBACK"
# Where CEL has it of a channel that never came into the dialplan.
_CARRIED = "CHANNEL(userfield)"
_WAIT_SECONDS = 30
EXTENSION_LINE = "extension"
MOST_TRIES = 9
"""Of one first phone, each over another line: a channel's id has one digit for it."""
_UNLIMITED = 1_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """How an admin wants calls placed. Times are seconds. ``fallback`` takes what none of ``lines`` does."""

    pbx: str = "pbx1"
    lines: tuple[Line, ...] = ()
    fallback: Line | None = None
    extension_dial: str = "PJSIP/{extension}"
    courier_prefix: str = ""
    client_prefix: str = ""
    company_number: str = ""
    ring_seconds: int = 25
    confirm_seconds: int = 10
    language: str = "ru"
    limits: Limits = field(default_factory=Limits)
    hours: Hours = field(default_factory=Hours)
    policy: Policy = field(default_factory=Policy)
    extras: Extras = NO_EXTRAS


class Placing:
    """Decides about a plan. Raises :class:`~waybell.callbacks.values.RefusedError`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.longest_seconds = options.limits.longest_call_seconds

    def channel_id(self, callback: Callback) -> str:
        """The id of the first phone's channel; that of the first try is the call's in the journal."""
        again = f".{callback.tries}" if callback.tries > 1 else ""
        return f"{self._options.pbx}-{callback.id}{again}"

    def callback_id(self, channel_id: str) -> str:
        """The other way round, whichever try it is; empty for a channel that is none of ours."""
        pbx, _, callback_id = without_try(channel_id)[0].rpartition("-")
        return callback_id if pbx == self._options.pbx and placed_kind(callback_id) else ""

    def next_line(self, callback: Callback, in_use: Mapping[str, int]) -> Line | None:
        """The line to try next to the first phone, that of ``callback`` having failed; ``in_use``: calls by line."""
        first = callback.plan.first
        if self._is_extension(first.number) or callback.tries >= MOST_TRIES or callback.cancel_asked:
            return None
        return pick(after(self._candidates(first), callback.first_line), in_use)

    def lines_of(self, callback: Callback) -> tuple[Line, Line]:
        """The lines that ``callback`` names; raises :class:`KeyError` when the settings have lost one of them."""
        plan = callback.plan
        return self._named(plan.first, callback.first_line), self._named(plan.second, callback.second_line)

    def line_of(self, callback: Callback, dialstring: str) -> str:
        """The line to the second phone on which Asterisk says that it dials ``dialstring``; empty for none of them."""
        second = callback.plan.second
        if self._is_extension(second.number):
            return EXTENSION_LINE
        candidates = self._candidates(second)
        from_here = [line for line in candidates if line.name == callback.second_line]
        for line in (*from_here, *after(candidates, callback.second_line)):
            if self._dial(second, line).partition("/")[2] == dialstring:
                return line.name
        return ""

    def decide(self, plan: Plan, counts: Counts, now: datetime) -> tuple[Line, Line]:
        """The lines to the first and to the second phone, if the call may be placed now."""
        options = self._options
        if plan.kind is not Kind.TEST and (refusal := outside_hours(plan.second.number, options.hours, now)):
            raise refusal
        outside = not self._is_extension(plan.second.number)
        if refusal := over(options.limits, _usage(counts), plan.kind, outside=outside):
            raise refusal
        first = self._line(plan.first, counts.lines)
        second = self._line(plan.second, {**counts.lines, first.name: counts.lines.get(first.name, 0) + 1})
        return first, second

    def channel(self, callback: Callback, first: Line, second: Line) -> Originate:
        """What Asterisk is told: ring the first phone, and what the dialplan does when somebody answers there."""
        plan, options = callback.plan, self._options
        script = Script(
            callback.id,
            plan,
            self._ways(plan.second, second),
            options.ring_seconds,
            self.longest_seconds,
            options.confirm_seconds if plan.kind is Kind.CALLBACK else 0,
            options.language,
            recording=self._recording(callback),
            announced="waybell/recorded" if options.extras.announced else "",
        )
        whom = f"{plan.first.kind or 'the first phone'} {plan.first.id}".strip()
        over = f" over line {first.name}, the one before having failed" if callback.tries > 1 else ""
        note, _ = notes.encode(note_of(script, "originate", f"ring {whom}{over}"))
        return Originate(
            channel_id=self.channel_id(callback),
            dial=self._dial(plan.first, first),
            context=CONTEXT,
            extension=callback.id,
            caller_number=first.shown or options.company_number,
            caller_name="",
            ring_seconds=options.ring_seconds,
            variables={VARIABLE: encode(script), _CARRIED: note},
        )

    def _recording(self, callback: Callback) -> str:
        """The id under which the call is recorded; empty: it is not."""
        plan = callback.plan
        lines = f"line:{callback.first_line}", f"line:{callback.second_line}"
        if not self._options.extras.recorded.takes((plan.kind.value, plan.second.kind, *lines)):
            return ""
        digest = hashlib.sha256(f"{self.channel_id(callback)} {callback.created_at.isoformat()}".encode()).hexdigest()
        return recording_id(callback.created_at, digest[:20])

    def _named(self, party: Party, name: str) -> Line:
        if self._is_extension(party.number):
            return self._extension_line()
        return {line.name: line for line in self._candidates(party)}[name]

    def _extension_line(self) -> Line:
        dial = self._options.extension_dial.replace("{extension}", "{number}")
        return Line(EXTENSION_LINE, dial, self._options.company_number, at_once=_UNLIMITED)

    def _line(self, party: Party, in_use: Mapping[str, int]) -> Line:
        if self._is_extension(party.number):
            return self._extension_line()
        candidates = self._candidates(party)
        if not candidates:
            detail = "No line takes this number: calls.lines has none for its region, prefix or any number."
            raise RefusedError("no-line", 403, "No line to this number", detail)
        found = pick(candidates, in_use)
        if found is None:
            detail = "All lines to this number are busy; try again in a moment."
            raise RefusedError("lines-busy", 429, "All lines busy", detail, _WAIT_SECONDS)
        return found

    def _candidates(self, party: Party) -> tuple[Line, ...]:
        return lines_for(party.number, region_of(party.number), self._options.lines, self._options.fallback)

    def _ways(self, party: Party, chosen: Line) -> tuple[Way, ...]:
        """The line that was counted, then those behind it, for when it fails."""
        others: tuple[Line, ...] = ()
        if not self._is_extension(party.number):
            candidates = self._candidates(party)
            others = after(candidates, chosen.name)
        shown = self._options.company_number
        return tuple(Way(self._dial(party, line), line.shown or shown, line.name) for line in (chosen, *others))

    def _dial(self, party: Party, line: Line) -> str:
        if self._is_extension(party.number):
            return self._options.extension_dial.replace("{extension}", party.number)
        prefix = self._options.courier_prefix if party.kind == "courier" else self._options.client_prefix
        return dial_string(replace(line, access_code=line.access_code + prefix), party.number)

    def _is_extension(self, digits: str) -> bool:
        return is_extension(digits, self._options.policy)


def _usage(counts: Counts) -> Usage:
    return Usage(
        courier_at_once=counts.courier_at_once,
        courier_in_hour=counts.courier_in_hour,
        courier_in_day=counts.courier_in_day,
        destination_in_day=counts.destination_in_day,
        company_at_once=counts.company_at_once,
        company_in_second=counts.company_in_second,
        company_talk_seconds_in_day=counts.company_talk_seconds_in_day,
    )
