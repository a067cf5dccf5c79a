"""Makes the journal again from the event log, as if it had been followed from the beginning."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from waybell.calls.fold import Normalise, plain
from waybell.calls.log_fold import LogFold
from waybell.calls.logs import READ_ERRORS, Log, chunks, logs_of
from waybell.calls.writer import Also, SqlJournalStore

_BATCH = 500
_CHUNK = 256 * 1024

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all, as they lie on the disk."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild made: calls written, files read, records that could not be read, files that broke off."""

    calls: int
    files: int
    skipped: int
    damaged: tuple[Path, ...]


async def rebuild(
    engine: AsyncEngine,
    path: Path,
    *,
    pbx: str = "pbx1",
    normalise: Normalise = plain,
    progress: Progress = lambda _done, _total: None,
    also: Also | None = None,
) -> Rebuilt:
    """Replace the rows of every call in the log ``path`` and its rotated files.

    What the log does not reach stays: calls from before the oldest file, or from a file that is lost. It is one
    transaction: a crash half-way leaves the old rows. A Waybell that follows the log meanwhile waits. Raises
    :class:`OSError` when there is no log or it may not be read, and SQLAlchemy's errors.
    """
    logs = [log for log in logs_of(path) if log.id is not None]
    if not logs:
        raise FileNotFoundError(f"there is no event log at {path}; look at cel.path and at the PBX's cel_custom.conf")
    writing = Rebuilding(SqlJournalStore(engine, pbx, also), LogFold(pbx=pbx, normalise=normalise), progress)
    async with engine.begin() as connection:
        await writing.run(connection, logs)
    return Rebuilt(writing.calls, len(logs), writing.fold.skipped, tuple(writing.damaged))


class Rebuilding:
    """Before a stretch of the log is written, the old rows of that stretch go: never more than was read."""

    def __init__(self, store: SqlJournalStore, fold: LogFold, progress: Progress) -> None:
        self.calls = 0
        self.damaged: list[Path] = []
        self.fold = fold
        self._store = store
        self._progress = progress
        self._cleared = 0

    async def run(self, connection: AsyncConnection, logs: list[Log]) -> None:
        """Read all of ``logs`` and write what they give."""
        sizes = [log.path.stat().st_size for log in logs]
        for number, log in enumerate(logs):
            assert log.id is not None
            self.begin(log.id.first_at)
            try:
                await self._read(connection, log, sum(sizes[:number]), sum(sizes))
            except READ_ERRORS:
                self.damaged.append(log.path)
            self.fold.end_of_file()
            await self.write(connection)
            self._progress(sum(sizes[: number + 1]), sum(sizes))
        await self.finish(connection)

    def begin(self, at: int) -> None:
        """What comes begins at ``at`` (microseconds)."""
        self._cleared = max(self._cleared, at)

    async def finish(self, connection: AsyncConnection) -> None:
        """Write what is still under way, too."""
        under_way = [self.fold.fold(found.records) for found in self.fold.running(1 << 62)]
        await self._store.write(connection, (), under_way)
        self.calls += len(under_way)

    async def _read(self, connection: AsyncConnection, log: Log, before: int, total: int) -> None:
        assert log.id is not None
        offset = 0
        for data in chunks(log, _CHUNK):
            self.fold.take(log.id, offset, data)
            offset += len(data)
            if not log.id.first_at:  # the file begins with garbage: clear nothing that it may not hold
                self._cleared = max(self._cleared, self.fold.newest)
            await self.write_some(connection)
            if not log.compressed:
                self._progress(min(before + offset, total), total)
            await asyncio.sleep(0)

    async def write_some(self, connection: AsyncConnection) -> None:
        """Write what waits, once it is worth it."""
        if len(self.fold.final) + len(self.fold.provisional) >= _BATCH:
            await self.write(connection)

    async def write(self, connection: AsyncConnection) -> None:
        """Write what waits."""
        if self.fold.newest >= self._cleared:
            await self._store.forget(connection, self._cleared, self.fold.newest + 1)
            self._cleared = self.fold.newest + 1
        final, provisional = list(self.fold.final.values()), list(self.fold.provisional.values())
        await self._store.write(connection, final, provisional)
        self.calls += len(final) + len(provisional)
        self.fold.written()
