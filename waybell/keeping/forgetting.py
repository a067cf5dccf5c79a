"""Forgets a person: from now on, and in all that the store holds."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls.redaction import Forgotten
from waybell.store.forgotten_tables import forgotten, forgotten_key

Progress = Callable[[str, int], None]
"""Called with what is being looked through, and how many rows of it were changed so far."""


class Eraser(Protocol):
    """A kind of data that may hold a person."""

    kind: str

    async def erase(self, engine: AsyncEngine, number: str, progress: Progress) -> int:
        """Erases ``number`` (E.164 digits), and gives how many rows held it. May be called again."""
        ...


async def forget(
    engine: AsyncEngine,
    number: str,
    erasers: Sequence[Eraser],
    *,
    now: datetime,
    progress: Progress = lambda _kind, _rows: None,
) -> dict[str, int]:
    """How many rows of each kind held ``number`` (E.164 digits) and hold it no more.

    That the number is forgotten is stored first: whatever is written meanwhile, or read from the event log again,
    leaves it out. Interrupted, it is called again. ``now``: with zone. Raises SQLAlchemy's errors.
    """
    await _remember_to_forget(engine, number, now)
    return {eraser.kind: await eraser.erase(engine, number, progress) for eraser in erasers}


async def _remember_to_forget(engine: AsyncEngine, number: str, now: datetime) -> None:
    await _make_key(engine)
    async with engine.begin() as connection:
        key = (await connection.execute(select(forgotten_key.c.secret))).scalar_one()
        digest = Forgotten(bytes.fromhex(key)).digest(number)
        await connection.execute(delete(forgotten).where(forgotten.c.digest == digest))
        row = {"digest": digest, "until": now.astimezone(UTC).replace(tzinfo=None)}
        await connection.execute(insert(forgotten).values(row))


async def _make_key(engine: AsyncEngine) -> None:
    try:
        async with engine.begin() as connection:
            if (await connection.execute(select(forgotten_key.c.id))).first() is None:
                await connection.execute(insert(forgotten_key).values(id="1", secret=secrets.token_hex(32)))
    except IntegrityError:  # somebody else made it in the same moment
        pass
