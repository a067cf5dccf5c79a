"""From the log's bytes to the calls that wait to be written: parser, conversations and fold put together. No I/O."""

from __future__ import annotations

import structlog

from waybell.calls.cel import CelParser, CelRecord
from waybell.calls.conversations import Conversations, Ended, Open
from waybell.calls.fold import Normalise, call_id, fold, plain
from waybell.calls.logs import LogId, Place
from waybell.calls.values import Call

_log = structlog.get_logger(__name__)


class LogFold:
    """Takes logs chunk by chunk. What is finished stands in ``final`` and ``provisional`` until :meth:`written`.

    ``final``: seen from start to end. ``provisional``: the end never came or the beginning is not in the log, so it
    must not replace what the journal has. ``gone``: ids of calls that turned out to be part of another one.
    ``newest``: the latest time (microseconds) in any record so far.
    """

    def __init__(self, *, pbx: str = "pbx1", normalise: Normalise = plain) -> None:
        self.final: dict[str, Call] = {}
        self.provisional: dict[str, Call] = {}
        self.gone: set[str] = set()
        self.skipped = 0
        self.newest = 0
        self._pbx = pbx
        self._normalise = normalise
        self._log: LogId | None = None
        self._parser = CelParser()
        self._conversations = Conversations()

    def take(self, log: LogId, offset: int, data: bytes) -> None:
        """Read ``data``, which stands at ``offset`` of ``log``. Bytes that go on elsewhere end the file before."""
        if log != self._log or offset != self._parser.position:
            self.end_of_file()
            self._log, self._parser = log, CelParser(offset)
        place = Place(log, self._parser.offset)
        self._add(self._parser.feed(data), place)

    def take_records(self, log: LogId, offset: int, records: list[CelRecord], following: int, skipped: int) -> None:
        """As :meth:`take`, for a log whose records stand at ``offset`` up to ``following`` one by one, already read."""
        if log != self._log:
            self.end_of_file()
        self._log, self._parser = log, CelParser(following)
        self._parser.skipped = skipped
        self._add(records, Place(log, offset))

    def end_of_file(self) -> None:
        """No more will come of the file that was read so far."""
        if self._log is not None:
            place = Place(self._log, self._parser.offset)
            self._add(self._parser.finish(), place)

    def low_water(self) -> Place | None:
        """From where to read again to see everything that is not finished yet; ``None`` before anything was read."""
        place = self._conversations.oldest_place()
        if place is None and self._log is not None:
            return Place(self._log, self._parser.offset)
        return place

    def running(self, before: int) -> list[Open]:
        """The conversations that began before ``before`` (microseconds) and have changed since they were written."""
        return [
            found
            for found in self._conversations.running()
            if found.started_at <= before and found.saved_records < len(found.records)
        ]

    def fold(self, records: list[CelRecord]) -> Call:
        """The call of one conversation of this PBX that is under way."""
        return fold(records, pbx=self._pbx, normalise=self._normalise)

    def written(self) -> None:
        """What was in ``final`` and ``provisional`` is in the journal, what was in ``gone`` is not."""
        self.final, self.provisional, self.gone = {}, {}, set()

    def _add(self, records: list[CelRecord], place: Place) -> None:
        if records:
            self.newest = max(self.newest, max(records).at)
        for ended in self._conversations.add(records, place):
            self._finish(ended)
        while self._conversations.joined:
            joined = self._conversations.joined.pop()
            ids = {call_id(self._pbx, linkedid) for linkedid in joined.links}
            self.gone |= ids - {call_id(self._pbx, min(joined.records).linkedid)}
        self._count_skipped()

    def _finish(self, ended: Ended) -> None:
        call = fold(
            ended.records,
            pbx=self._pbx,
            normalise=self._normalise,
            interrupted=ended.interrupted,
            until=ended.until,
            over=not ended.interrupted,
        )
        if ended.complete:
            self.final[call.id] = call
            self.provisional.pop(call.id, None)
        elif call.id not in self.final:
            self.provisional.setdefault(call.id, call)

    def _count_skipped(self) -> None:
        if not self._parser.skipped:
            return
        if not self.skipped:
            _log.warning(
                "records of the event log could not be read and were skipped; this is said once",
                offset=self._parser.offset,
                what_to_do="compare /etc/asterisk/cel_custom.conf with Waybell's sample (waybell check)",
            )
        self.skipped += self._parser.skipped
        self._parser.skipped = 0
