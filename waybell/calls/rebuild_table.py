"""Makes the journal again from an event log that is a database table."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls.cel_table import TableFollower
from waybell.calls.fold import Normalise, plain
from waybell.calls.log_fold import LogFold
from waybell.calls.rebuild import Progress, Rebuilding, Rebuilt
from waybell.calls.writer import Also, SqlJournalStore


async def rebuild_from_table(
    engine: AsyncEngine,
    log: AsyncEngine,
    table: str,
    *,
    pbx: str = "pbx1",
    normalise: Normalise = plain,
    progress: Progress = lambda _done, _total: None,
    also: Also | None = None,
) -> Rebuilt:
    """As :func:`waybell.calls.rebuild.rebuild`, from the rows of ``table``; ``progress`` counts rows.

    Raises SQLAlchemy's errors.
    """
    writing = Rebuilding(SqlJournalStore(engine, pbx, also), LogFold(pbx=pbx, normalise=normalise), progress)
    follower, begun, done = TableFollower(log, table, None), False, 0
    total = await follower.behind()
    async with engine.begin() as connection:
        while (rows := await follower.poll()) is not None:
            if rows.records and not begun:
                begun = True
                writing.begin(min(record.at for record in rows.records))
            writing.fold.take_records(rows.log, rows.offset, rows.records, rows.following, rows.skipped)
            await writing.write_some(connection)
            done += len(rows.records)
            progress(min(done, total), total)
        await writing.write(connection)
        await writing.finish(connection)
        progress(total, total)
    return Rebuilt(writing.calls, 1, writing.fold.skipped, ())
