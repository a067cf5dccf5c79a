"""Whether every call of a load rang the phones it should: read from Asterisk's own event log."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.traffic import PlannedCall

# Columns of the log, as ``dialplan/cel_custom.conf`` orders them.
_EVENT, _NUM, _APP, _DATA, _UNIQUEID, _LINKEDID = 0, 5, 12, 13, 15, 16


class RouteLog:
    """The event log at ``path``, read on from where the last look ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def misrouted(self, planned: Iterable[PlannedCall]) -> int:
        """How many of the ``planned`` calls since the last look did not ring exactly what they should."""
        wanted = Counter((call.caller, call.dial) for call in planned)
        return sum((wanted - Counter(rung(self._news()))).values())

    def _news(self) -> list[str]:
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        data = data[: data.rfind(b"\n") + 1]
        self._offset += len(data)
        return data.decode(errors="replace").splitlines()


def rung(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Caller's number and dial string of each ``Dial`` in ``lines`` of the log."""
    callers: dict[str, str] = {}
    found: list[tuple[str, str]] = []
    for row in csv.reader(lines):
        if row[_EVENT] == "CHAN_START" and row[_UNIQUEID] == row[_LINKEDID]:
            callers[row[_UNIQUEID]] = row[_NUM]
        elif row[_EVENT] == "APP_START" and row[_APP] == "Dial":
            found.append((callers.get(row[_UNIQUEID], ""), row[_DATA].partition(",")[0]))
    return found
