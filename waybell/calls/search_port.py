"""The journal as the HTTP API asks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls import export, journal
from waybell.calls.export import Rows
from waybell.calls.journal import Count, Page
from waybell.calls.queries import OLDEST_FIRST, CallFilter
from waybell.calls.stats import COLUMNS, By, Tally
from waybell.calls.values import Call


class Journal:
    """Questions on one store, each answered within ``seconds``; they raise what :mod:`waybell.calls.journal` does.

    ``exports``: how many are being read just now.
    """

    def __init__(self, engine: AsyncEngine, seconds: float = journal.SECONDS) -> None:
        self.exports = 0
        self._engine = engine
        self._seconds = seconds

    async def page(self, chosen: CallFilter, order: str, limit: int, cursor: str) -> Page:
        """See :func:`waybell.calls.journal.list_calls`."""
        asked = {"order": order, "cursor": cursor}
        return await journal.list_calls(self._engine, chosen, limit=limit, seconds=self._seconds, **asked)

    async def count(self, chosen: CallFilter, page: Page) -> Count:
        """See :func:`waybell.calls.journal.count_calls`."""
        return await journal.count_calls(self._engine, chosen, page)

    async def call(self, id_: str) -> Call:
        """See :func:`waybell.calls.journal.get_call`."""
        return await journal.get_call(self._engine, id_, self._seconds)

    async def export(self, chosen: CallFilter, order: str) -> AsyncIterator[Rows]:
        """See :func:`waybell.calls.export.batches`; each of them may take ``seconds``."""
        async for rows in self._batches(chosen, order, ()):
            yield rows

    async def stats(self, chosen: CallFilter, by: By, zone: ZoneInfo) -> Tally:
        """The figures of all calls that ``chosen`` describes, put together by ``by`` as the clocks of ``zone`` show."""
        tally = Tally(by, zone)
        async for rows in self._batches(chosen, OLDEST_FIRST, COLUMNS):
            await asyncio.to_thread(tally.add, rows)
        return tally

    async def _batches(self, chosen: CallFilter, order: str, columns: Sequence[str]) -> AsyncIterator[Rows]:
        self.exports += 1
        asked: dict[str, Any] = {"order": order, "seconds": self._seconds, "columns": columns}
        try:
            async for rows in export.batches(self._engine, chosen, **asked):
                yield rows
        finally:
            self.exports -= 1
