"""The journal on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from waybell.calls.values import Call, Party, iso

_COLOURS = {
    "answered": "green",
    "in_progress": "cyan",
    "missed": "yellow",
    "busy": "yellow",
    "failed": "red",
    "rejected": "red",
    "interrupted": "red",
}


def calls_table(calls: Iterable[Call]) -> Table:
    """One line a call."""
    table = Table(box=None, pad_edge=False)
    for heading in ("started (UTC)", "direction", "status", "caller", "answered by", "parcel", "wait", "talk", "id"):
        table.add_column(heading, justify="right" if heading in ("wait", "talk") else "left", overflow="fold")
    for call in calls:
        table.add_row(
            _time(call.started_at),
            call.direction.value,
            _status(call),
            _who(call.caller),
            _who(call.answered_by),
            Text(_printable(call.parcel)),
            f"{call.wait_seconds:.1f}",
            f"{call.talk_seconds:.1f}",
            call.id,
        )
    return table


def call_details(call: Call) -> RenderableType:
    """Everything about one call: what it was, who was rung, and why."""
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(call):
        facts.add_row(Text(name, style="bold"), value)
    return Group(facts, Text(), _legs(call), Text(), _route(call))


def _facts(call: Call) -> list[tuple[str, Text]]:
    times = " → ".join(_time(at) for at in (call.started_at, call.answered_at, call.ended_at) if at is not None)
    seconds = f"wait {call.wait_seconds} s, rang {call.ring_seconds} s, talked {call.talk_seconds} s"
    links = {name: getattr(call, name) for name in ("parcel", "courier", "client", "manager")}
    return [
        ("call", Text(call.id)),
        ("status", Text.assemble(_status(call), f", {call.direction.value}")),
        ("times (UTC)", Text(times)),
        ("seconds", Text(seconds)),
        ("caller", _who(call.caller)),
        ("dialled", Text(_printable(call.dialed))),
        ("answered by", _who(call.answered_by)),
        *((name, Text(_printable(value))) for name, value in links.items() if value),
    ]


def _legs(call: Call) -> Table:
    table = Table("rung", "channel", "from", "answered", "until", "cause", box=None, pad_edge=False)
    for leg in call.legs:
        times = (_clock(at) for at in (leg.started_at, leg.answered_at, leg.ended_at))
        cause = "" if leg.hangup_cause is None else str(leg.hangup_cause)
        table.add_row(Text(_printable(leg.number)), Text(_printable(leg.channel)), *times, cause)
    return table


def _route(call: Call) -> Table:
    table = Table("at", "step", "verb", "result", "source", "why", box=None, pad_edge=False)
    for step in call.route:
        words = (step.step, step.verb, step.result, step.source, step.why)
        table.add_row(_clock(step.at), *(Text(_printable(word)) for word in words))
    return table


def _status(call: Call) -> Text:
    return Text(call.status.value, style=_COLOURS[call.status.value])


def _who(party: Party | None) -> Text:
    if party is None:
        return Text("")
    words = [
        party.number or "anonymous",
        _printable(party.name),
        f"({party.kind} {party.id or ''})" if party.kind else "",
    ]
    return Text(_printable(" ".join(word for word in words if word).replace(" )", ")")))


def _printable(text: str | None) -> str:
    """Without control characters: what a caller sent must not steer the terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in text or "")


def _time(at: int) -> str:
    return (iso(at) or "")[:19].replace("T", " ")


def _clock(at: int | None) -> str:
    return (iso(at) or "")[11:23]
