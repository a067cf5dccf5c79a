"""The three drivers behind one small face: a connection that only reads, and statements made ready on it.

SQLAlchemy reads the URL (accounts, TLS, options) and names the driver; the statements run on the driver itself, which
costs a third of the way through SQLAlchemy. Times are in seconds. Errors are the driver's own.
"""

from __future__ import annotations

import asyncio
import sqlite3
import ssl
from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import quote

import aiomysql
import aiosqlite
import asyncmy
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from waybell.people.queries import Query
from waybell.people.rows import Description, Row

# The TCP part of connecting; sent anew this often, so that a server that comes back is seen at once.
_TCP_SECONDS = 2
# The server or the way to it is gone: 2006 gone away, 2013 lost, 2014 out of step, 2055 lost, 1053 shutting down,
# 1927 killed, 4031 idle too long. https://mariadb.com/kb/en/mariadb-error-codes/
_LOST = frozenset({0, 1053, 1927, 2006, 2013, 2014, 2055, 4031})
# aiomysql fetches a query's warnings to print them; that a text is no number of the CRM's is none of ours.
_NO_WARNINGS = "SET SESSION max_error_count = 0"


class Statement(ABC):
    """A query made ready on one connection."""

    @abstractmethod
    async def fetch(self, values: tuple[str, ...]) -> tuple[list[Row] | tuple[Row, ...], Description]:
        """The rows for ``values`` (one for each parameter in turn), and the result's columns."""


class Session(ABC):
    """One connection. Not for two queries at a time; after any error or cancel it must be aborted."""

    @abstractmethod
    async def prepare(self, query: Query) -> Statement:
        """``query`` ready to run many times."""

    @abstractmethod
    def abort(self) -> asyncio.Future[Any] | None:
        """Drop the connection now, without a word to the server; the result is done when nothing is left of it."""

    @abstractmethod
    async def close(self) -> None:
        """Say goodbye and close."""


async def connect(url: URL, limit: int) -> Session:
    """A connection that can only read, and gives no more than ``limit`` rows a query."""
    return await _DRIVERS[url.drivername](url, limit)


def read_url(text: str) -> URL:
    """``text`` as a URL of a driver that Waybell has; :class:`ValueError` says what is wrong."""
    try:
        url = make_url(text)
        if url.drivername in _DRIVERS:
            url.get_dialect().import_dbapi()
            return url
    except (SQLAlchemyError, ValueError) as error:
        raise ValueError(f"crm.url: not a database URL ({error})") from error
    raise ValueError(f"crm.url: {url.drivername}:// is unknown; allowed are {', '.join(f'{d}://' for d in _DRIVERS)}")


def is_lost(error: BaseException) -> bool:
    """Whether ``error`` means that the connection is gone, so that another one may well work."""
    if isinstance(error, (ConnectionError, EOFError)):
        return True
    code = error.args[0] if error.args else None
    return isinstance(error, (asyncmy.errors.Error, aiomysql.Error)) and code in _LOST


def error_code(error: BaseException) -> int:
    """MariaDB's number of ``error``, or 0."""
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0


def _arguments(url: URL) -> dict[str, Any]:
    dialect = url.get_dialect()()
    positional, named = dialect.create_connect_args(url)
    assert not positional
    return {"connect_timeout": _TCP_SECONDS, **named, "autocommit": True}


def _tls(options: dict[str, Any]) -> ssl.SSLContext:
    """What asyncmy does by itself with ``ssl_ca``, ``ssl_cert``, … of the URL, for aiomysql."""
    context = ssl.create_default_context(cafile=options.get("ca"), capath=options.get("capath"))
    if not (options.get("ca") or options.get("capath")):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif options.get("check_hostname") is False:
        context.check_hostname = False
    if "cert" in options:
        context.load_cert_chain(options["cert"], keyfile=options.get("key"))
    return context


def _manners(limit: int) -> tuple[str, ...]:
    return ("SET SESSION TRANSACTION READ ONLY", f"SET SESSION sql_select_limit = {limit}")


class _AsyncmySession(Session):
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: URL, limit: int) -> Session:
        connection: Any = await asyncmy.connect(**_arguments(url))
        try:
            for order in _manners(limit):
                await connection.query(order)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    async def prepare(self, query: Query) -> Statement:
        return _Prepared(await self._connection.prepare(query.text("?")))

    def abort(self) -> None:
        self._connection.close()

    async def close(self) -> None:
        await self._connection.ensure_closed()


class _Prepared(Statement):
    """On the server: it parses the statement once, which halves its work."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement

    async def fetch(self, values: tuple[str, ...]) -> tuple[tuple[Row, ...], Description]:
        result = await self._statement.execute(values)
        return result.rows or (), result.description or ()


class _AiomysqlSession(Session):
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: URL, limit: int) -> Session:
        arguments = _arguments(url)
        if isinstance(arguments.get("ssl"), dict):
            arguments["ssl"] = _tls(arguments["ssl"])
        connection: Any = await aiomysql.connect(**arguments)
        try:
            for order in (*_manners(limit), _NO_WARNINGS):
                await connection.query(order)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    async def prepare(self, query: Query) -> Statement:
        return _AiomysqlStatement(self._connection, query.text("%s"))

    def abort(self) -> None:
        self._connection.close()

    async def close(self) -> None:
        await self._connection.ensure_closed()


class _AiomysqlStatement(Statement):
    def __init__(self, connection: Any, text: str) -> None:
        self._connection, self._text = connection, text

    async def fetch(self, values: tuple[str, ...]) -> tuple[list[Row], Description]:
        async with self._connection.cursor() as cursor:
            await cursor.execute(self._text, values)
            return await cursor.fetchall(), cursor.description or ()


class _SqliteSession(Session):
    def __init__(self, connection: aiosqlite.Connection, limit: int) -> None:
        self._connection, self._limit = connection, limit

    @classmethod
    async def open(cls, url: URL, limit: int) -> Session:
        if not url.database or url.database == ":memory:":
            raise sqlite3.OperationalError("crm.url names no file; write sqlite+aiosqlite:////path/to/file")
        place = f"file:{quote(url.database)}?mode=ro"
        # aiosqlite leaves a thread behind when it cannot open a file; so see first whether it can be opened.
        await asyncio.to_thread(lambda: sqlite3.connect(place, uri=True).close())
        connection = await aiosqlite.connect(place, uri=True, isolation_level=None)
        return cls(connection, limit)

    async def prepare(self, query: Query) -> Statement:
        return _SqliteStatement(self._connection, query.text("?"), self._limit)

    def abort(self) -> asyncio.Future[Any] | None:
        return self._connection.stop()

    async def close(self) -> None:
        await self._connection.close()


class _SqliteStatement(Statement):
    def __init__(self, connection: aiosqlite.Connection, text: str, limit: int) -> None:
        self._connection, self._text, self._limit = connection, text, limit

    async def fetch(self, values: tuple[str, ...]) -> tuple[list[Row], Description]:
        async with self._connection.execute(self._text, values) as cursor:
            return list(await cursor.fetchmany(self._limit)), cursor.description


_DRIVERS = {
    "mysql+asyncmy": _AsyncmySession.open,
    "mysql+aiomysql": _AiomysqlSession.open,
    "sqlite+aiosqlite": _SqliteSession.open,
}
