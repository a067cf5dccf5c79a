"""Asterisk's event log as a table that people can read, and back into the bytes that Asterisk wrote.

One record a line, columns divided by `` | ``. Columns that no record fills are left out, and ``eventenum``, which only
repeats the type; the last column may hold anything but a line feed. A line that begins with ``#`` says what happens.
"""

from __future__ import annotations

import csv

FIELDS = (
    *("EventType", "eventenum", "userdeftype", "EventTime", "Name", "Num", "ani", "rdnis", "dnid", "Exten", "Context"),
    *("ChanName", "AppName", "AppData", "AccountCode", "UniqueID", "LinkedID", "Peer", "UserField", "EventExtra"),
)
_ORDER = (
    *("EventTime", "EventType", "eventenum", "userdeftype", "UniqueID", "LinkedID", "ChanName", "Exten", "Context"),
    *("Name", "Num", "ani", "rdnis", "dnid", "AccountCode", "UserField", "Peer", "AppName", "AppData", "EventExtra"),
)
_DIVIDER = " | "


def to_table(log: str, title: str) -> str:
    """``log``, as ``cel_custom`` wrote it, as a table. Raises ``ValueError`` where it would not read back the same."""
    rows = [dict(zip(FIELDS, row, strict=True)) for row in csv.reader(log.splitlines())]
    columns = [name for name in _ORDER if any(row[name] for row in rows) and not _repeats(rows, name)]
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in columns}
    lines = [
        _DIVIDER.join(row[name].ljust(widths[name]) for name in columns).rstrip()
        for row in ({name: name for name in columns}, *rows)
    ]
    table = f"# {title}\n" + "".join(f"{line}\n" for line in lines)
    if to_log(table) != log:
        raise ValueError(f"this log cannot stand as a table: {title}")
    return table


def to_log(table: str) -> str:
    """The log that :func:`to_table` made ``table`` of."""
    head, *lines = [line for line in table.splitlines() if line and not line.startswith("#")]
    columns = [name.strip() for name in head.split("|")]
    rows = (dict(zip(columns, _cells(line, len(columns)), strict=True)) for line in lines)
    return "".join(_record(row) for row in rows)


def _repeats(rows: list[dict[str, str]], name: str) -> bool:
    return name == "eventenum" and all(row["eventenum"] in (row["EventType"], "USER_DEFINED") for row in rows)


def _cells(line: str, columns: int) -> list[str]:
    cells = [cell.strip() for cell in f"{line} ".split(_DIVIDER, columns - 1)]
    return cells + [""] * (columns - len(cells))


def _record(row: dict[str, str]) -> str:
    kind = row["EventType"]
    values = {"eventenum": "USER_DEFINED" if row.get("userdeftype") else kind} | row
    return ",".join('"' + values.get(name, "").replace('"', '""') + '"' for name in FIELDS) + "\n"
