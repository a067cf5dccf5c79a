"""Alembic, run from our own code on a connection that is open already."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from waybell.resources import data_dir

_LOCK = "waybell_migrate"


def upgrade(connection: Connection) -> None:
    """Run what is missing; one instance at a time, the others wait."""
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


def head() -> str | None:
    """The newest revision, as Alembic sees the scripts."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(data_dir("sql") / "migrations").replace("%", "%%"))
    return config
