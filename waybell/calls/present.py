"""The journal on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from waybell.calls.values import Call, Party, iso
from waybell.printable import printable

_HEADINGS = ("started (UTC)", "direction", "status", "caller", "answered by", "parcel", "wait", "talk", "id")
_NARROW_HEADINGS = ("started (UTC)       way      status        wait   talk id", "    caller → answered by, parcel")
_SECONDS = (6, 7)
_ANY_LENGTH = 1000
_SHORT_NAME = 8
_COLOURS = {
    "answered": "green",
    "in_progress": "cyan",
    "missed": "yellow",
    "busy": "yellow",
    "failed": "red",
    "rejected": "red",
    "interrupted": "red",
}


def calls_table(calls: Iterable[Call]) -> CallsTable:
    """Something that rich prints: one line a call, or two where the terminal is too narrow for one."""
    return CallsTable(tuple(calls))


@dataclass(frozen=True, slots=True)
class CallsTable:
    """Only names are ever shortened: half a number or half an id is another one."""

    calls: tuple[Call, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich asks here what to print."""
        whole = self._rows(_ANY_LENGTH)
        if _width(whole) <= options.max_width:
            yield from _lines(whole)
            return
        room = (options.max_width - _width(self._rows(0))) // 2 - 1
        if room >= _SHORT_NAME:
            yield from _lines(self._rows(room))
            return
        yield from (_whole(Text(heading, style="bold")) for heading in _NARROW_HEADINGS)
        for call in self.calls:
            yield from _two_lines(call, options.max_width)

    def _rows(self, room: int) -> list[list[Text]]:
        """The headings and a line of cells for each call; every name takes ``room`` letters at most."""
        return [[Text(heading, style="bold") for heading in _HEADINGS], *(_cells(call, room) for call in self.calls)]


def who(kind: str | None, id_: str | None, name: str | None, client: str | None) -> str:
    """Who somebody is: ``courier 11 Boris``; a client's contact person has an id of their own, and is told from it."""
    if kind == "client" and client and id_ != client:
        return f"client {client}, contact person {name or id_ or ''}".rstrip()
    return " ".join(word for word in (kind, id_, name) if word)


def call_details(call: Call) -> RenderableType:
    """Everything about one call: what it was, who was rung, and why."""
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(call):
        facts.add_row(Text(name, style="bold"), value)
    return Group(facts, Text(), _legs(call), Text(), _route(call))


def _cells(call: Call, room: int) -> list[Text]:
    return [
        Text(_time(call.started_at)),
        Text(call.direction.value),
        _status(call),
        _party(call, call.caller, room),
        _party(call, call.answered_by, room),
        Text(printable(call.parcel)),
        Text(f"{call.wait_seconds:.1f}"),
        Text(f"{call.talk_seconds:.1f}"),
        Text(call.id),
    ]


def _widths(rows: list[list[Text]]) -> list[int]:
    return [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]


def _width(rows: list[list[Text]]) -> int:
    return sum(_widths(rows)) + 2 * (len(_HEADINGS) - 1)


def _lines(rows: list[list[Text]]) -> Iterator[Text]:
    """Rows below each other, seconds to the right. Rich's own table would measure every cell several times."""
    widths = _widths(rows)
    for row in rows:
        for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
            (cell.pad_left if number in _SECONDS else cell.pad_right)(width - cell.cell_len)
        yield _whole(Text("  ").join(row))


def _two_lines(call: Call, width: int) -> Iterator[Text]:
    first = f"{_time(call.started_at)} {call.direction.value:<8} "
    seconds = f" {call.wait_seconds:>6.1f} {call.talk_seconds:>6.1f} {call.id}"
    yield _whole(Text.assemble(first, _status(call), " " * (11 - len(call.status.value)), seconds))
    room = (width - _people(call, 0).cell_len) // (2 if call.answered_by else 1) - 1
    yield _whole(_people(call, max(room, 0)))


def _people(call: Call, room: int) -> Text:
    line = Text.assemble("    ", _party(call, call.caller, room))
    if call.answered_by:
        line.append(" → ").append_text(_party(call, call.answered_by, room))
    return line.append(f", parcel {printable(call.parcel)}") if call.parcel else line


def _whole(line: Text) -> Text:
    """A line that rich neither wraps nor cuts, whatever the terminal's width."""
    line.rstrip()
    line.no_wrap, line.overflow = True, "ignore"
    return line


def _facts(call: Call) -> list[tuple[str, Text]]:
    times = " → ".join(_time(at) for at in (call.started_at, call.answered_at, call.ended_at) if at is not None)
    seconds = f"wait {call.wait_seconds} s, rang {call.ring_seconds} s, talked {call.talk_seconds} s"
    links = {name: getattr(call, name) for name in ("parcel", "courier", "client", "manager")}
    return [
        ("call", Text(call.id)),
        ("status", Text.assemble(_status(call), f", {call.direction.value}")),
        ("times (UTC)", Text(times)),
        ("seconds", Text(seconds)),
        ("caller", _party(call, call.caller)),
        ("dialled", Text(printable(call.dialed))),
        ("answered by", _party(call, call.answered_by)),
        *((name, Text(printable(value))) for name, value in links.items() if value),
    ]


def _legs(call: Call) -> Table:
    table = _table(("rung", "from", "answered", "until", "cause"), "channel")
    for leg in call.legs:
        times = (_clock(at) for at in (leg.started_at, leg.answered_at, leg.ended_at))
        cause = "" if leg.hangup_cause is None else str(leg.hangup_cause)
        table.add_row(Text(printable(leg.number)), *times, cause, Text(printable(leg.channel)))
    return table


def _route(call: Call) -> Table:
    table = _table(("at", "step", "verb", "result", "source"), "why")
    for step in call.route:
        words = (step.step, step.verb, step.result, step.source, step.why)
        table.add_row(_clock(step.at), *(Text(printable(word)) for word in words))
    return table


def _table(short: Iterable[str], long: str) -> Table:
    """Columns that stay whole, and a last one that takes several lines where it must."""
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for heading in short:
        table.add_column(heading, no_wrap=True)
    table.add_column(long, overflow="fold")
    return table


def _status(call: Call) -> Text:
    return Text(call.status.value, style=_COLOURS[call.status.value])


def _party(call: Call, party: Party | None, room: int = _ANY_LENGTH) -> Text:
    if party is None:
        return Text("")
    known = who(party.kind, party.id, _shortened(printable(party.name), room), call.client)
    return Text(printable(f"{party.number or 'anonymous'} {known}".rstrip()))


def _shortened(name: str, room: int) -> str:
    if cell_len(name) <= room:
        return name
    return set_cell_size(name, room - 1) + "…" if room > 1 else ""


def _time(at: int) -> str:
    return (iso(at) or "")[:19].replace("T", " ")


def _clock(at: int | None) -> str:
    return (iso(at) or "")[11:23]
