"""The connection to Waybell's own database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_BUSY_SECONDS = 5
_CONNECT_SECONDS = 5


def make_engine(url: str) -> AsyncEngine:
    """The engine for ``store.url``: ``sqlite+aiosqlite``, ``mysql+asyncmy`` or ``mysql+aiomysql``. Connects later.

    SQLite keeps a write-ahead log, so that readers and the journal's writer do not stop each other.
    """
    if url.startswith("sqlite"):
        engine = create_async_engine(url, connect_args={"timeout": _BUSY_SECONDS})
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        return engine
    return create_async_engine(
        url,
        connect_args={"charset": "utf8mb4", "connect_timeout": _CONNECT_SECONDS},
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_size=4,
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY", *__import__("os").environ.get("PRAG","").split()):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
