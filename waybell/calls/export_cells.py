"""A call's row as the cells of a spreadsheet. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

HEADER: Final = (
    *("id", "direction", "status", "started_at", "answered_at", "ended_at"),
    *("caller_number", "caller_name", "caller_kind", "caller_id", "dialed"),
    *("answered_number", "answered_name", "answered_kind", "answered_id"),
    *("parcel", "courier", "client", "manager", "wait_seconds", "ring_seconds", "talk_seconds", "rating", "route"),
)
_TIMES = frozenset({"started_at", "answered_at", "ended_at"})
_SECONDS = frozenset({"wait_seconds", "ring_seconds", "talk_seconds", "rating"})
# Spreadsheets run a cell that begins with one of these as a formula, some after spaces too (OWASP, CSV injection).
_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")

Cell = str | float | None


def cells(row: Mapping[Any, Any]) -> list[Cell]:
    """The cells of a call's row in the order of :data:`HEADER`. Text is as it came: see :func:`defused`."""
    found: list[Cell] = []
    for name in HEADER:
        value = row[name]
        if name in _TIMES:
            value = value and f"{value.isoformat(timespec='microseconds')}Z"  # as iso() does, from what it is here
        elif name == "route":
            value = route(value)
        found.append(value)
    return found


def defused(cell: Cell) -> Cell:
    """``cell`` with an apostrophe in front where a spreadsheet would run it. A plain number stays one."""
    if isinstance(cell, str) and cell and not cell[0].isalnum():
        start = cell.lstrip(" \u00a0")[:1]
        if start in _FORMULA and start and not _NUMBER.fullmatch(cell):
            return "'" + cell
    return cell


def route(steps: str) -> str:
    """The way of a call in words."""
    return "; ".join(f"{step['step']}: {step['why']} ({step['result'] or '-'})" for step in json.loads(steps))
