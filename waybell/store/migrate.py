"""Brings the store's tables to this version's shape."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.resources import data_dir

_VERSION_TABLE = "alembic_version"


async def migrate(engine: AsyncEngine) -> None:
    """Run every migration that is missing. Safe to call at each start, by several instances at once.

    Raises SQLAlchemy's errors when the database cannot be had or refuses.
    """
    if not await pending(engine):
        return
    # Only now: Alembic takes 11 MB that a Waybell whose store is up to date never needs.
    from waybell.store.upgrade import upgrade

    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
        await connection.commit()


async def pending(engine: AsyncEngine) -> bool:
    """Whether a migration has not been run yet."""
    async with engine.connect() as connection:
        return await connection.run_sync(_current) != newest()


def newest() -> str:
    """The revision of this version's tables. A migration's file is named ``<revision>_<what it does>.py``."""
    files = (data_dir("sql") / "migrations" / "versions").glob("[0-9]*_*.py")
    return max(file.name.partition("_")[0] for file in files)


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()  # noqa: S608 - our own name
