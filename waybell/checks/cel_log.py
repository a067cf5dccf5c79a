"""The event log's file: there, readable, and holding records as the journal expects them."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from waybell.calls.cel import FIELDS
from waybell.checks.access import is_there, what_hinders
from waybell.checks.findings import Finding, Site, failed, ok, warning

CHECK = "cel log"
_TAIL = 256 * 1024
_LINES = 200


def check_cel_log(site: Site) -> list[Finding]:
    """Looks at the last record only. Before the first call there is no file: that is a warning."""
    path = Path(site.settings.cel.path)
    if not os.path.lexists(path) and os.access(path.parent, os.R_OK | os.X_OK, effective_ids=True):
        return [_not_yet(path)]
    if not (os.access(path, os.R_OK, effective_ids=True) and path.is_file()):
        obstacle = what_hinders(path)
        return [failed(CHECK, obstacle.problem, _no_folder(path) if obstacle.is_missing else obstacle.remedy)]
    return [_last(path, _tail(path))]


def _not_yet(path: Path) -> Finding:
    others = ", ".join(sorted(file.name for file in path.parent.glob("*.csv"))[:5])
    there = f" (there is {others})" if others else ""
    return warning(
        CHECK,
        f"{path} is not there yet{there}: Asterisk makes it at the first call",
        "make a call; when it still is not there, see the line for cel and cel.path",
    )


def _no_folder(path: Path) -> str:
    if is_there(path.parent.parent):
        return f"mkdir {path.parent} && chown asterisk: {path.parent}, since Asterisk does not; or correct cel.path"
    return "correct cel.path: the file under cel-custom in Asterisk's log directory (astlogdir in asterisk.conf)"


def _tail(path: Path) -> bytes:
    """The file's end, up to the last line feed: the record behind it may be half written."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        data = file.read(_TAIL)
    return data[: data.rfind(b"\n") + 1]


def _last(path: Path, tail: bytes) -> Finding:
    if not tail:
        return warning(CHECK, f"{path} holds no record yet", "make a call")
    fields = _fields_of_last_record(tail)
    if fields == FIELDS:
        return ok(CHECK, f"{path} is readable, its last record is right")
    return failed(
        CHECK,
        f"{path}: the last record has {fields} fields, not {FIELDS} in quotes",
        "make [waybell.csv] in cel_custom.conf as in Waybell's sample, move the old file away, make a call",
    )


def _fields_of_last_record(tail: bytes) -> int:
    """A value may hold line feeds: goes back until the lines make one whole record, or gives the last line's count."""
    lines = tail.decode("utf-8", "replace").splitlines(keepends=True)
    for first in range(len(lines) - 1, max(-1, len(lines) - _LINES), -1):
        if _count(lines[first:]) == FIELDS:
            return FIELDS
    return _count(lines[-1:])


def _count(lines: list[str]) -> int:
    if not lines[0].startswith('"'):
        return 0
    try:
        rows = list(csv.reader(lines, strict=True))
    except csv.Error:
        return 0
    return len(rows[0]) if len(rows) == 1 else 0
