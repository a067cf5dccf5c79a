"""Who is forgotten, as the store has it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from waybell.calls.redaction import Forgotten
from waybell.calls.values import micros
from waybell.store.forgotten_tables import forgotten, forgotten_key


async def read_forgotten(connection: AsyncConnection) -> Forgotten:
    """Raises SQLAlchemy's errors."""
    rows = (await connection.execute(select(forgotten))).all()
    if not rows:
        return Forgotten()
    key = (await connection.execute(select(forgotten_key.c.secret))).scalar_one()
    return Forgotten(bytes.fromhex(key), {row.digest: micros(row.until) or 0 for row in rows})
