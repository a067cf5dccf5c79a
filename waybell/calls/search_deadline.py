"""How long a question to the journal may take: the database itself stops at the deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

# A database that does not even stop in time is given up.
_GRACE_SECONDS = 1.0
# MariaDB's ER_STATEMENT_TIMEOUT, MySQL's ER_QUERY_TIMEOUT and ER_QUERY_INTERRUPTED.
_STOPPED = {1969, 3024, 1317}


class TooSlowError(Exception):
    """The question was not answered within ``seconds``; ask a narrower one."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the journal gave no answer within {seconds:g} seconds; narrow it down by from and until, or by "
            "a courier, a client, a manager or more of the number"
        )
        self.seconds = seconds


@asynccontextmanager
async def bounded(engine: AsyncEngine, seconds: float) -> AsyncIterator[AsyncConnection]:
    """A connection on which what is asked ends after ``seconds`` in all, waiting for the connection included.

    Raises :class:`TooSlowError` then, and SQLAlchemy's other errors as they are.
    """
    try:
        async with asyncio.timeout(seconds + _GRACE_SECONDS), engine.connect() as connection:
            limit = _sqlite_stops if engine.dialect.name == "sqlite" else _server_stops
            async with limit(connection, seconds):
                yield connection
    except (TimeoutError, NoConnectionError):
        raise TooSlowError(seconds) from None
    except DBAPIError as error:
        if _was_stopped(error):
            raise TooSlowError(seconds) from None
        raise


@asynccontextmanager
async def _sqlite_stops(connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
    raw: Any = (await connection.get_raw_connection()).driver_connection
    # aiosqlite's own interrupt() is a coroutine that calls just this; it is meant to be called from another thread.
    timer = asyncio.get_running_loop().call_later(seconds, raw._conn.interrupt)
    try:
        yield
    finally:
        timer.cancel()


@asynccontextmanager
async def _server_stops(connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
    maria = getattr(connection.dialect, "is_mariadb", True)
    name, value = ("max_statement_time", f"{seconds:.3f}") if maria else ("max_execution_time", f"{seconds * 1000:.0f}")
    await connection.exec_driver_sql(f"SET SESSION {name} = {value}")
    yield
    # After an error it stays: a connection that was given up half-way must not be asked anything.
    await connection.exec_driver_sql(f"SET SESSION {name} = 0")


def _was_stopped(error: DBAPIError) -> bool:
    first = error.orig.args[0] if error.orig is not None and error.orig.args else ""
    return first in _STOPPED or first == "interrupted"
