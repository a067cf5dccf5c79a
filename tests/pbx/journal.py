"""The journal as a test reads it: straight from the store of a running Waybell."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

from lab.stack import Stack
from waybell.calls.journal import list_calls
from waybell.store.engine import make_engine


class JournalReader:
    """``async with JournalReader(stack) as journal: …``"""

    def __init__(self, stack: Stack, url: str = "") -> None:
        self._engine = make_engine(url or f"sqlite+aiosqlite:///{stack.waybell.directory}/waybell.db")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._engine.dispose()

    async def rows(self) -> list[dict[str, Any]]:
        """All rows, newest first."""
        return [call.as_json() for call in (await list_calls(self._engine, limit=10_000)).calls]

    async def ids(self) -> set[str]:
        """The ids of all rows."""
        return {row["id"] for row in await self.rows()}

    async def finished(self, number: int, deadline: float = 15.0) -> None:
        """Returns once there are ``number`` rows of calls that are over. Raises ``TimeoutError``."""
        async with asyncio.timeout(deadline):
            while sum(row["status"] != "in_progress" for row in await self.rows()) < number:  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # a table tells nobody

    async def ended_as(self, status: str, callback_id: str, deadline: float = 15.0) -> dict[str, Any]:
        """The one row of a call that Waybell placed, once it says ``status``. Raises ``TimeoutError``."""
        async with asyncio.timeout(deadline):
            while True:
                rows = [row for row in await self.rows() if callback_id in row["id"]]
                assert len(rows) < 2, rows
                if rows and rows[0]["status"] == status:
                    return rows[0]
                await asyncio.sleep(0.05)  # a table tells nobody

    async def next_call(self, known: set[str], deadline: float = 15.0) -> dict[str, Any]:
        """The one call that is not among ``known``, once it is over. Raises ``TimeoutError``."""
        async with asyncio.timeout(deadline):
            while True:
                new = [row for row in await self.rows() if row["id"] not in known]
                if new and all(row["status"] != "in_progress" for row in new):
                    (row,) = new
                    return row
                await asyncio.sleep(0.05)  # a table tells nobody
