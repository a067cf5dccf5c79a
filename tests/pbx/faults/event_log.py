"""Asterisk's event log as a test reads it: with the standard library's CSV reader, not with the parser under test."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from lab.watch import until_file
from tests.pbx.journal import JournalReader
from waybell.notes import Note, decode, is_second

# fmt: off
_FIELDS = (
    "EventType", "eventenum", "userdeftype", "EventTime", "Name", "Num", "ani", "rdnis", "dnid", "Exten", "Context",
    "ChanName", "AppName", "AppData", "AccountCode", "UniqueID", "LinkedID", "Peer", "UserField", "EventExtra",
)
# fmt: on
_END = b'"LINKEDID_END","LINKEDID_END","",'
_JOURNAL_SECONDS = 15.0


def records(*logs: Path) -> list[dict[str, str]]:
    """All records of ``logs``, in order. Fails on one that has not exactly its 20 fields."""
    text = "".join(log.read_text(encoding="utf-8", errors="surrogateescape") for log in logs)
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert all(len(row) == len(_FIELDS) for row in rows), [row for row in rows if len(row) != len(_FIELDS)]
    return [dict(zip(_FIELDS, row, strict=True)) for row in rows]


def incoming(rows: list[dict[str, str]]) -> dict[str, str]:
    """The conversations that came from the trunk: ``LinkedID`` → what was dialled."""
    return {
        row["LinkedID"]: row["Exten"]
        for row in rows
        if row["EventType"] == "CHAN_START" and row["UniqueID"] == row["LinkedID"]
    }


def notes(*logs: Path) -> dict[str, list[Note]]:
    """What was said of each incoming call, by what was dialled."""
    rows = records(*logs)
    dialled = incoming(rows)
    found: dict[str, list[Note]] = {did: [] for did in dialled.values()}
    for row in rows:
        if row["eventenum"] == "USER_DEFINED":
            text = json.loads(row["EventExtra"])["extra"]
            if is_second(text):
                continue
            note = decode(text)
            assert note is not None, row
            found[dialled[row["LinkedID"]]].append(note)
    return found


async def settled(log: Path, calls: int, deadline: float = 10.0) -> None:
    """Returns when Asterisk has written the end of ``calls`` conversations: the log comes a little after the SIP."""

    def look(_: str) -> bool:
        return sum(file.read_bytes().count(_END) for file in rotated(log)) >= calls

    await until_file(log, look, deadline)


def rotated(log: Path) -> list[Path]:
    """The log's files, oldest first: ``waybell.csv.2``, ``waybell.csv.1``, ``waybell.csv``."""
    return sorted(log.parent.glob(f"{log.name}*"), key=lambda file: _age(file, log), reverse=True)


def _age(file: Path, log: Path) -> int:
    return 0 if file == log else int(file.suffix[1:])


def rotate(log: Path) -> None:
    """What logrotate does without ``copytruncate``: every file gets a name further on."""
    for file in rotated(log):
        file.rename(log.with_name(f"{log.name}.{_age(file, log) + 1}"))


async def finished_rows(journal: JournalReader, count: int, deadline: float = _JOURNAL_SECONDS) -> list[dict[str, Any]]:
    """The journal's rows once there are ``count`` and all are over. A table tells nobody, so it is looked at again."""
    rows: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(deadline):
            while len(rows) < count or any(row["status"] == "in_progress" for row in rows):
                await asyncio.sleep(0.1)
                with suppress(OperationalError):  # a store that a Waybell just started has not prepared yet
                    rows = await journal.rows()
    except TimeoutError:
        there = [(row["dialed"], row["status"]) for row in rows]
        raise TimeoutError(f"{count} finished calls in the journal within {deadline:g} s: {there}") from None
    return rows


def dialled(rows: list[dict[str, Any]]) -> list[str]:
    """What the journal's rows say was dialled, sorted, doubles included."""
    return sorted(str(row["dialed"]) for row in rows)
