"""Brings the store's tables to this version's shape."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.resources import data_dir

_VERSION_TABLE = "alembic_version"
_ANSWER_SECONDS = 10.0


class NewerStoreError(SQLAlchemyError):
    """The store's tables are of a revision that this version does not know; one line that says what to do.

    It is SQLAlchemy's kind because it is the same to whoever asked: the store cannot be used.
    """


async def migrate(engine: AsyncEngine, deadline: float = _ANSWER_SECONDS) -> None:
    """Run every migration that is missing. Safe to call at each start, by several instances at once.

    Raises :class:`NewerStoreError`, :class:`TimeoutError` when the database gives no answer for ``deadline`` seconds,
    and SQLAlchemy's errors when it cannot be had or refuses. A migration itself takes as long as it takes.
    """
    if not await pending(engine, deadline):
        return
    # Only now: Alembic takes 11 MB that a Waybell whose store is up to date never needs.
    from waybell.store.upgrade import upgrade

    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
        await connection.commit()


async def pending(engine: AsyncEngine, deadline: float = _ANSWER_SECONDS) -> bool:
    """Whether a migration has not been run yet. Raises as :func:`migrate` does."""
    try:
        async with asyncio.timeout(deadline), engine.connect() as connection:
            current = await connection.run_sync(_current)
    except TimeoutError:
        raise TimeoutError(f"no answer within {deadline:g} seconds") from None
    known = _revisions()
    if current is not None and current not in known:
        raise NewerStoreError(
            f"the store was made by a newer Waybell: its tables are of revision {current}, this Waybell knows up to "
            f"{max(known)}; install that Waybell again, or set store.url to another database"
        )
    return current != max(known)


def newest() -> str:
    """The revision of this version's tables."""
    return max(_revisions())


def _revisions() -> set[str]:
    """Every revision this version knows. A migration's file is named ``<revision>_<what it does>.py``."""
    files = (data_dir("sql") / "migrations" / "versions").glob("[0-9]*_*.py")
    return {file.name.partition("_")[0] for file in files}


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()  # noqa: S608 - our own name
