"""Whether every call of a load rang the phones it should: read from Asterisk's own event log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.traffic import PlannedCall
from waybell.calls.cel import CelParser, CelRecord, Event


class RouteLog:
    """The event log at ``path``, read on from where the last look ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser = CelParser()

    def misrouted(self, planned: Iterable[PlannedCall]) -> int:
        """How many of the ``planned`` calls since the last look did not ring exactly what they should."""
        wanted = Counter((call.caller, call.dial) for call in planned)
        return sum((wanted - Counter(rung(self._news()))).values())

    def _news(self) -> list[CelRecord]:
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._parser.position)
            return self._parser.feed(file.read())


def rung(records: Iterable[CelRecord]) -> list[tuple[str, str]]:
    """Caller's number and dial string of each ``Dial`` in ``records``."""
    callers: dict[str, str] = {}
    found: list[tuple[str, str]] = []
    for record in records:
        if record.event == Event.CHAN_START and record.uniqueid == record.linkedid:
            callers[record.uniqueid] = record.num
        elif record.event == Event.APP_START and record.app == "Dial":
            found.append((callers.get(record.uniqueid, ""), record.data.partition(",")[0]))
    return found
