"""Calls as text that other programs read: CSV for spreadsheets, JSON lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any, Final

from waybell.calls.values import Call, iso

_COLUMNS: Final[dict[str, Callable[[Call], Any]]] = {
    "id": lambda call: call.id,
    "direction": lambda call: call.direction.value,
    "status": lambda call: call.status.value,
    "started_at": lambda call: iso(call.started_at),
    "answered_at": lambda call: iso(call.answered_at),
    "ended_at": lambda call: iso(call.ended_at),
    "caller_number": lambda call: call.caller.number,
    "caller_name": lambda call: call.caller.name,
    "caller_kind": lambda call: call.caller.kind,
    "caller_id": lambda call: call.caller.id,
    "dialed": lambda call: call.dialed,
    "answered_number": lambda call: call.answered_by and call.answered_by.number,
    "answered_name": lambda call: call.answered_by and call.answered_by.name,
    "answered_kind": lambda call: call.answered_by and call.answered_by.kind,
    "answered_id": lambda call: call.answered_by and call.answered_by.id,
    "parcel": lambda call: call.parcel,
    "courier": lambda call: call.courier,
    "client": lambda call: call.client,
    "manager": lambda call: call.manager,
    "wait_seconds": lambda call: call.wait_seconds,
    "ring_seconds": lambda call: call.ring_seconds,
    "talk_seconds": lambda call: call.talk_seconds,
    "route": lambda call: "; ".join(f"{step.step}: {step.why} ({step.result or '-'})" for step in call.route),
}
# Spreadsheets run a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def csv_line(call: Call) -> str:
    """One line of CSV; a cell that a spreadsheet would run gets an apostrophe in front."""
    return _csv([_cell(read(call)) for read in _COLUMNS.values()])


def json_line(call: Call) -> str:
    """The call as one line of JSON."""
    return json.dumps(call.as_json(), ensure_ascii=False) + "\n"


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def _csv(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


FORMATS: Final[dict[str, tuple[str, Callable[[Call], str]]]] = {
    "csv": (_csv(list(_COLUMNS)), csv_line),
    "jsonl": ("", json_line),
}
"""Name of a format → its header and what makes a line of a call."""
