"""The connection to Waybell's own database."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_BUSY_SECONDS = 5
_CONNECT_SECONDS = 5
_ONLY_OURS = 0o600


def make_engine(url: str) -> AsyncEngine:
    """The engine for ``store.url``: ``sqlite+aiosqlite``, ``mysql+asyncmy`` or ``mysql+aiomysql``. Connects later.

    SQLite keeps a write-ahead log, so that readers and the journal's writer do not stop each other. A file that is made
    here is its owner's alone. No error shows what was to be written: calls are people's names and numbers.
    """
    if url.startswith("sqlite"):
        engine = create_async_engine(url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True)
        event.listen(engine.sync_engine, "do_connect", _make_file)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        return engine
    return create_async_engine(
        url,
        connect_args={"charset": "utf8mb4", "connect_timeout": _CONNECT_SECONDS},
        hide_parameters=True,
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_size=4,
    )


def _make_file(_dialect: object, _record: object, arguments: list[Any], _options: dict[str, Any]) -> None:
    """SQLite would make it for everybody to read; its write-ahead log has the same permissions.

    A file that cannot be opened is refused here: aiosqlite would leave a thread behind that fails later.
    """
    name = str(arguments[0])
    if name == ":memory:" or name.startswith("file:"):
        return
    # Never opened and closed again once it is there: that would drop the locks that SQLite holds on it.
    if not os.path.exists(name):  # noqa: PTH110 - a name as SQLite has it
        with suppress(FileExistsError):
            os.close(_new_file(name))
    elif not os.access(name, os.R_OK):
        raise sqlite3.OperationalError("unable to open database file: it may not be read")


def _new_file(name: str) -> int:
    try:
        return os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, _ONLY_OURS)
    except FileExistsError:
        raise
    except OSError as error:
        raise sqlite3.OperationalError(f"unable to open database file: {error.strerror}") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
