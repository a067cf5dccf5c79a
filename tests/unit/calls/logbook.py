"""Event logs for tests, made of what a real Asterisk wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from waybell.calls.cel import CelParser, CelRecord

TRACES = Path(__file__).parent / "traces"
NAMES = tuple(sorted(path.stem for path in TRACES.glob("*.cel")))

_STAMP = re.compile(rb'"([0-9]{10})\.([0-9]+)"')
_TIME = re.compile(rb'"([0-9]{10}\.[0-9]{6})"')
_START = re.compile(rb'^"[A-Z_]+","[A-Z_]+","', re.MULTILINE)


def trace(name: str) -> bytes:
    """What Asterisk wrote of one call."""
    return (TRACES / f"{name}.cel").read_bytes()


def parse(data: bytes) -> list[CelRecord]:
    """All records of a log."""
    parser = CelParser()
    return parser.feed(data) + parser.finish()


def raw_records(data: bytes) -> list[bytes]:
    """A log cut into its records, byte for byte."""
    starts = [match.start() for match in _START.finditer(data)]
    return [data[begin:end] for begin, end in zip(starts, [*starts[1:], len(data)], strict=True)]


def another(data: bytes, number: int, seconds: int) -> bytes:
    """The same call once more: ``seconds`` later, with ids of its own."""

    def shift(match: re.Match[bytes]) -> bytes:
        at, rest = int(match[1]) + seconds, match[2].decode()
        return f'"{at}.{rest if len(rest) == 6 else int(rest) + number * 1000}"'.encode()

    return _STAMP.sub(shift, data)


def clock_set(data: bytes, seconds: int, at: float = 0.5) -> bytes:
    """The same log of a PBX whose clock was set ``seconds`` ahead when it had written so much of it."""
    records = raw_records(data)
    middle = int(len(records) * at)
    later = [_TIME.sub(lambda match: _ahead(match, seconds), record, count=1) for record in records[middle:]]
    return b"".join(records[:middle] + later)


def _ahead(match: re.Match[bytes], seconds: int) -> bytes:
    whole, parts = match[1].split(b".")
    return b'"%d.%s"' % (int(whole) + seconds, parts)


def busy_hour(plan: Iterable[tuple[str, int]]) -> bytes:
    """Many calls in one log, by trace and second they begin after the trace's own time; records in order of time."""
    records = [
        record
        for number, (name, seconds) in enumerate(plan)
        for record in raw_records(another(trace(name), number, seconds))
    ]
    return b"".join(sorted(records, key=lambda record: _TIME.search(record)[1]))  # type: ignore[index]


def hour(calls: int) -> bytes:
    """``calls`` calls of every kind, overlapping."""
    base = {name: int(_TIME.search(trace(name))[1].split(b".")[0]) for name in NAMES}  # type: ignore[index]
    first = min(base.values())
    return busy_hour((NAMES[n % len(NAMES)], first - base[NAMES[n % len(NAMES)]] + n) for n in range(calls))
