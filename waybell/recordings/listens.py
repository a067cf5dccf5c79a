"""Who listened to what: a row in the store and a line in the log, before the first byte goes out."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import structlog
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.store.feedback_tables import recording_listens

_SECONDS = 5.0
_log = structlog.get_logger("recordings")


class Listens:
    """Notes each time that a recording is asked for."""

    def __init__(self, engine: AsyncEngine, seconds: float = _SECONDS) -> None:
        self._engine = engine
        self._seconds = seconds

    async def note(self, call_id: str, recording: str, token: str, token_name: str) -> None:
        """Nobody may listen when this raises: SQLAlchemy's errors, or :class:`TimeoutError`."""
        row = {
            "at": datetime.now(UTC).replace(tzinfo=None),
            "call_id": call_id,
            "recording": recording,
            "token": token[:40],
            "token_name": token_name[:80],
        }
        async with asyncio.timeout(self._seconds), self._engine.begin() as connection:
            await connection.execute(insert(recording_listens).values(row))
        _log.info("recording listened to", call=call_id, recording=recording, by=token_name, token=token)
