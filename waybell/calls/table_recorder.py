"""Keeps the journal of a PBX whose event log is a database table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls.cel_table import TableFollower
from waybell.calls.fold import Normalise, plain
from waybell.calls.recorder import Recorder
from waybell.calls.writer import JournalStore

_DEADLINE = 10.0


class TableRecorder(Recorder):
    """As :class:`Recorder`; ``engine`` reads the table ``table``, which ``cel_odbc`` writes."""

    def __init__(
        self,
        store: JournalStore,
        engine: AsyncEngine,
        table: str,
        *,
        pbx: str = "pbx1",
        normalise: Normalise = plain,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(store, Path(f"{engine.url.host}:{table}"), pbx=pbx, normalise=normalise, now=now)
        self._engine, self._table = engine, table
        self._rows: TableFollower | None = None
        self._behind: int | None = None

    @property
    def started(self) -> bool:
        """See :class:`Recorder`."""
        return self._rows is not None

    async def start(self) -> None:
        """See :class:`Recorder`."""
        self._rows = TableFollower(self._engine, self._table, await self.place())

    async def take(self) -> bool:
        """See :class:`Recorder`. Raises SQLAlchemy's errors and :class:`TimeoutError`."""
        assert self._rows is not None, "start() comes first"
        async with asyncio.timeout(_DEADLINE):
            if self._behind is None:
                self._behind = await self._rows.behind()
            rows = await self._rows.poll()
        self._more = rows is not None and rows.more
        if rows is None:
            self._behind = 0
            return False
        self._behind = max(0, self._behind - (rows.following - rows.offset)) if rows.more else 0
        self.fold.take_records(rows.log, rows.offset, rows.records, rows.following, rows.skipped)
        return True

    def behind(self) -> int | None:
        """How many rows of the table were still to be read at the last look; ``None`` before the first."""
        return self._behind
