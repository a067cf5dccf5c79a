"""From the log's bytes to what happens to each call, record by record. No I/O.

However the bytes are cut into chunks, and from wherever the reading began, the same records tell the same happenings
at the same places: so whoever heard of one can go on behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from waybell.calls.cel import CelRecord, Event
from waybell.calls.changes import Change, Happened, changes, joined
from waybell.calls.conversations import Open
from waybell.calls.fold import Normalise, plain
from waybell.calls.log_fold import LogFold
from waybell.calls.logs import LogId, Place
from waybell.calls.values import Call, Status

_EVER = 1 << 62
_CHAN_START = int(Event.CHAN_START)
_MOST_KNOWN = 20_000
# Records that change nothing of a call that goes on, but may end it.
_DULL = (b'"HANGUP"', b'"APP_START"', b'"BRIDGE_EXIT"')


@dataclass(frozen=True, slots=True)
class Happening:
    """A change of ``call``. ``complete``: the log that was read holds it from its beginning.

    ``place`` is behind the record that told it, ``number`` counts from 1 those that this record told; to see whole
    every call that was under way before that record, the log must be read from ``low`` on. ``into``: the call that a
    call which was joined is part of, where that is known.
    """

    change: Change
    call: Call
    complete: bool
    place: Place
    number: int
    low: Place
    into: str = ""


class CallFeed:
    """Takes the log chunk by chunk, in order. What must be read but was told before is passed to :meth:`skip`."""

    def __init__(self, *, pbx: str = "pbx1", normalise: Normalise = plain) -> None:
        self._fold = LogFold(pbx=pbx, normalise=normalise)
        self._known: dict[str, tuple[Call, bool]] = {}  # with whether it is complete
        self._skipped = False

    @property
    def newest(self) -> int:
        """The latest time in any record so far, in microseconds."""
        return self._fold.newest

    def low_water(self) -> Place | None:
        """From where to read again to see whole every call that is under way; ``None`` before anything was read."""
        return self._fold.low_water()

    def skip(self, log: LogId, offset: int, data: bytes) -> None:
        """Read ``data``, which stands at ``offset`` of ``log``, without telling what happens in it."""
        self._fold.take(log, offset, data)
        self._fold.written()
        self._skipped = True

    def take(self, log: LogId, offset: int, data: bytes) -> list[Happening]:
        """What happens in ``data``, which stands at ``offset`` of ``log``."""
        self._settle()
        told: list[Happening] = []
        for line in _lines(data):
            low = self._fold.low_water() or Place(log, offset)
            self._fold.take(log, offset, line)
            offset += len(line)
            dull = any(word in line[:32] for word in _DULL)
            told += self._look(Place(log, offset), low, dull=dull)
        return told

    def under_way(self) -> list[Call]:
        """The calls that have not ended, oldest first."""
        self._settle()
        return [call for call, _ in self._known.values() if call.status is Status.IN_PROGRESS]

    def _settle(self) -> None:
        """What was skipped is known from here on."""
        if self._skipped:
            self._skipped = False
            self._known = {call.id: (call, complete) for call, complete in self._touched()}

    def _look(self, place: Place, low: Place, *, dull: bool) -> list[Happening]:
        fold = self._fold
        if dull and not (fold.final or fold.provisional or fold.gone):
            return []
        gone = fold.gone
        found = self._touched()
        if fold.final or fold.provisional or gone:
            found += [(call, True) for call in fold.final.values()]
            found += [(call, self._was_complete(call)) for call in fold.provisional.values()]
            fold.written()
        told = self._joined(gone, found[0][0].id if len(found) == 1 else "")
        told += [(change, call, complete, "") for call, complete in found for change in self._changes(call, complete)]
        return [
            Happening(change, call, complete, place, number, low, into)
            for number, (change, call, complete, into) in enumerate(told, 1)
        ]

    def _touched(self) -> list[tuple[Call, bool]]:
        """The calls under way that have changed since the last look."""
        found: list[tuple[Call, bool]] = []
        for conversation in self._fold.running(_EVER):
            found.append((self._fold.fold(conversation.records), _is_whole(conversation)))
            conversation.saved_records = len(conversation.records)
        return found

    def _changes(self, call: Call, complete: bool) -> tuple[Change, ...]:
        before, _ = self._known.get(call.id, (None, False))
        told = changes(before, call)
        if before is None and not complete:  # it began before what was read: only its end is new for sure
            told = tuple(change for change in told if change.type in (Happened.ENDED, Happened.MISSED))
        if call.status in (Status.IN_PROGRESS, Status.INTERRUPTED):
            self._known[call.id] = call, complete
            if len(self._known) > _MOST_KNOWN:
                del self._known[next(iter(self._known))]
        else:
            self._known.pop(call.id, None)
        return told

    def _joined(self, gone: Collection[str], into: str) -> list[tuple[Change, Call, bool, str]]:
        """``into``: the only call that the record changed."""
        known = [self._known.pop(key) for key in sorted(gone) if key in self._known]
        return [(joined(call, self.newest), call, complete, into) for call, complete in known]

    def _was_complete(self, call: Call) -> bool:
        return self._known.get(call.id, (call, False))[1]


def _is_whole(conversation: Open) -> bool:
    return any(map(_begins, conversation.records))


def _begins(record: CelRecord) -> bool:
    return record.event == _CHAN_START and record.uniqueid == record.linkedid


def _lines(data: bytes) -> Iterator[bytes]:
    begin = 0
    while (end := data.find(b"\n", begin)) >= 0:
        yield data[begin : end + 1]
        begin = end + 1
    if begin < len(data):
        yield data[begin:]
