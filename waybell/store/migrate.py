"""Brings the store's tables to this version's shape."""

from __future__ import annotations

import asyncio

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.resources import data_dir

_LOCK = "waybell_migrate"


async def migrate(engine: AsyncEngine) -> None:
    """Run every migration that is missing. Safe to call at each start, by several instances at once.

    Raises SQLAlchemy's errors when the database cannot be had or refuses.
    """
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade)
        await connection.commit()


async def pending(engine: AsyncEngine) -> bool:
    """Whether a migration has not been run yet."""
    newest = await asyncio.to_thread(lambda: ScriptDirectory.from_config(_config()).get_current_head())
    async with engine.connect() as connection:
        return await connection.run_sync(_current) != newest


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        command.upgrade(config, "head")
        return
    connection.exec_driver_sql("SELECT GET_LOCK(%s, 60)", (_LOCK,))
    try:
        command.upgrade(config, "head")
    finally:
        connection.exec_driver_sql("SELECT RELEASE_LOCK(%s)", (_LOCK,))


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(data_dir("sql") / "migrations").replace("%", "%%"))
    return config
