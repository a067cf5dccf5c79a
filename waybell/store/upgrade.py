"""Alembic, run from our own code on a connection that is open already."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from waybell.resources import data_dir

_LOCK = "waybell_migrate"
_LOCK_SECONDS = 60


def upgrade(connection: Connection) -> None:
    """Run what is missing; one instance at a time, the others wait. Raises :class:`TimeoutError` after a minute."""
    config = _config()
    config.attributes["connection"] = connection
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        command.upgrade(config, "head")
        return
    if connection.exec_driver_sql("SELECT GET_LOCK(%s, %s)", (_LOCK, _LOCK_SECONDS)).scalar() != 1:
        raise TimeoutError(f"another Waybell has been at the store's tables for {_LOCK_SECONDS} seconds")
    try:
        command.upgrade(config, "head")
        connection.commit()  # before the lock is let go: the next instance must see that it is done
    finally:
        connection.rollback()
        connection.exec_driver_sql("SELECT RELEASE_LOCK(%s)", (_LOCK,))


def head() -> str | None:
    """The newest revision, as Alembic sees the scripts."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(data_dir("sql") / "migrations").replace("%", "%%"))
    return config
