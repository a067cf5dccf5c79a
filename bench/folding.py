"""How fast the journal reads the event log: on the log of the calls just made, again and again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from waybell import numbers
from waybell.calls.log_fold import LogFold
from waybell.calls.logs import identify
from waybell.calls.rebuild import rebuild
from waybell.numbers import NumberPlan
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate

_CHUNK = 256 * 1024
_PLAN = NumberPlan()


@dataclass(frozen=True, slots=True)
class Folding:
    """``records`` of the event log made ``calls`` calls; records a second of one core, by reading and folding alone
    and by a whole ``journal rebuild`` into SQLite."""

    records: int
    calls: int
    fold_per_second: float
    rebuild_per_second: float


async def measure_folding(log: Path, folder: Path, repeats: int = 3) -> Folding:
    """The best of ``repeats``: what else the machine does can only make it slower."""
    data = log.read_bytes()
    records = count_records(data)
    folds = [_fold(data) for _ in range(repeats)]
    calls, rebuild_seconds = await _rebuild(log, folder)
    return Folding(records, calls, records / min(folds), records / rebuild_seconds)


def count_records(data: bytes) -> int:
    """Records in a log without line feeds inside its values, which the benchmark's are."""
    return data.count(b"\n")


def _fold(data: bytes) -> float:
    log = identify(data[:1024])
    assert log is not None
    folded = LogFold(normalise=_normalise)
    began = time.process_time()
    for offset in range(0, len(data), _CHUNK):
        folded.take(log, offset, data[offset : offset + _CHUNK])
        folded.written()
    folded.end_of_file()
    return time.process_time() - began


async def _rebuild(log: Path, folder: Path) -> tuple[int, float]:
    engine = make_engine(f"sqlite+aiosqlite:///{folder}/rebuilt.db")
    try:
        await migrate(engine)
        began = time.process_time()
        done = await rebuild(engine, log, normalise=_normalise)
        return done.calls, time.process_time() - began
    finally:
        await engine.dispose()


def _normalise(raw: str) -> str:
    return numbers.parse(raw, _PLAN).digits
