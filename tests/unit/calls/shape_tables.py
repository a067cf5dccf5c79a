"""The shapes of calls as the real Asterisk wrote them (``python -m lab.record_shapes``), and what they must become."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from lab.cel_table import to_log
from tests.unit.calls.logbook import raw_records
from waybell.calls.log_fold import LogFold
from waybell.calls.logs import identify
from waybell.calls.values import Call

SHAPES = Path(__file__).parent / "shapes"
NAMES = tuple(sorted(path.stem for path in SHAPES.glob("*.txt")))


def shape(name: str) -> bytes:
    """The log of one shape, as Asterisk wrote it."""
    return to_log((SHAPES / f"{name}.txt").read_text(encoding="utf-8")).encode()


def expected(name: str) -> list[dict[str, Any]]:
    """The calls that stand beside it."""
    found: list[dict[str, Any]] = json.loads((SHAPES / f"{name}.json").read_text(encoding="utf-8"))
    return found


def calls_of(data: bytes) -> list[Call]:
    """The calls that a log becomes, in the order in which they began."""
    folding = LogFold()
    log = identify(data[:1024])
    assert log is not None
    folding.take(log, 0, data)
    folding.end_of_file()
    assert folding.running(1 << 62) == []
    found = folding.provisional | folding.final
    assert not folding.gone & found.keys()
    return sorted(found.values(), key=lambda call: (call.started_at, call.id))


def together(names: list[str], seconds: list[int]) -> bytes:
    """One log in which the shapes ``names`` begin after ``seconds``, as one run of Asterisk would write it."""
    records: list[tuple[int, int, bytes]] = []
    for number, (name, offset) in enumerate(zip(names, seconds, strict=True)):
        raw = raw_records(shape(name))
        first = _micros(raw[0]) // 1_000_000
        for record in raw:
            at = _micros(record) + (_BEGIN + offset - first) * 1_000_000
            moved = _TIME.sub(b'"%d.%06d"' % divmod(at, 1_000_000), record, count=1)
            records.append((at, len(records), _ID.sub(partial(_mark, number), moved)))
    records.sort()
    return _renumbered([record for _, _, record in records])


_BEGIN = 1_800_000_000
_TIME = re.compile(rb'"([0-9]{10})\.([0-9]{6})"')
_ID = re.compile(rb"pbx1-(?:[0-9]{10}\.|c[bl])[0-9a-f]+")


def _micros(record: bytes) -> int:
    match = _TIME.search(record)
    assert match is not None
    return int(match[1] + match[2])


def _mark(shape_number: int, match: re.Match[bytes]) -> bytes:
    """An id that is of this shape only: numbered ones get their new number later."""
    text = match[0]
    return b"%s%03d" % (text[:-3], shape_number) if b"." not in text else b"<%d/%s>" % (shape_number, text)


def _renumbered(records: list[bytes]) -> bytes:
    ids: dict[bytes, bytes] = {}
    for record in records:
        for old in re.findall(rb"<[^>]+>", record):
            ids.setdefault(old, b"pbx1-%d.%d" % (_micros(record) // 1_000_000, len(ids)))
    return b"".join(re.sub(rb"<[0-9]+/pbx1-[^>]+>", lambda match: ids[match[0]], record) for record in records)
