"""People from a CRM's database: one query a lookup, within a deadline, whatever the database does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from sqlalchemy.engine import URL

from waybell.people.deadline import Deadline
from waybell.people.drivers import Session, Statement, connect, error_code, is_lost, read_url
from waybell.people.pool import CrmDown, Pool
from waybell.people.queries import Queries, Query, QueryError, load_queries
from waybell.people.rows import RowReader, read_texts
from waybell.people.values import Identity, Lookup, Source

# Nobody has so many parcels on their way; a number that is in every record (the office's own) has.
_ROWS = 500
_CONNECTIONS = 8
# What is no number is nobody's; and no caller can make the CRM err, which would count against it.
_NUMBER = re.compile(r"[0-9]{1,32}")
T = TypeVar("T")


class SqlPeople:
    """The ``People`` port on a database. Use between :meth:`start` and :meth:`close`, in one event loop."""

    def __init__(self, url: URL, queries: Queries, deadline: float, connections: int = _CONNECTIONS) -> None:
        self.url, self.queries, self.deadline = url, queries, deadline
        self._pool = Pool(self._connect, connections, self._explain)
        # What is no incoming call never takes the last connections from those who ring just now.
        self._turns = asyncio.Semaphore(max(1, connections // 2))

    @property
    def down(self) -> str:
        """Why the CRM cannot be asked just now; empty while it can."""
        return self._pool.down

    async def start(self) -> None:
        """Make the first connection; waits for it no longer than the deadline and does not fail without it."""
        self._pool.start()
        await self.identify("0")

    async def close(self) -> None:
        """Close every connection. Lookups still under way get an empty answer."""
        await self._pool.close()

    async def identify(self, number: str) -> Lookup:
        """Everybody behind ``number``; see :class:`waybell.people.values.People`. Only a cancel gets out of here."""
        if not _NUMBER.fullmatch(number):
            return Lookup((), Source.CRM)
        try:
            with Deadline(self.deadline):
                return Lookup(await self._ask(_identify, number), Source.CRM)
        except CrmDown as down:
            return Lookup((), Source.FALLBACK, f"the CRM is down: {down}")
        except Exception as error:  # every driver has its own errors, and a call goes on after each
            why = self._explain(error)
            self._pool.failed(why)
            return Lookup((), Source.FALLBACK, why)

    async def rows(self, name: str, value: str) -> list[tuple[str, ...]]:
        """What the query ``name`` answers to ``value``: its columns as text, empty for ``NULL``; within the deadline.

        Raises what the driver raises, :class:`CrmDown`, :class:`TimeoutError` or :class:`QueryError`; see
        :func:`explain`. However often that happens, the CRM does not count as down: identifying callers may well work.
        """
        query = self.queries.get(name)
        with Deadline(self.deadline):
            async with self._turns:
                return await self._ask(lambda session, asked: session.rows(query, asked), value)

    async def _ask(self, question: Callable[[_AskingSession, str], Awaitable[T]], value: str) -> T:
        session = await self._pool.take()
        try:
            answer = await question(session, value)
        except BaseException as error:
            self._pool.drop(session)
            if not is_lost(error):
                raise
        else:
            self._pool.give(session)
            return answer
        return await self._ask_again(question, value)

    async def _ask_again(self, question: Callable[[_AskingSession, str], Awaitable[T]], value: str) -> T:
        """After a connection that was dead already, once: the server may have restarted, or tired of us."""
        self._pool.drop_idle()
        session = await self._pool.take()
        try:
            answer = await question(session, value)
        except BaseException:
            self._pool.drop(session)
            raise
        self._pool.give(session)
        return answer

    async def _connect(self) -> _AskingSession:
        session = await connect(self.url, _ROWS)
        try:
            asking = _AskingSession(session, await session.prepare(self.queries.identify), self.queries.identify)
            await asking.probe()
        except BaseException:
            self._pool.abort(session)
            raise
        return asking

    def _explain(self, error: BaseException) -> str:
        return explain(error, self.deadline)


class _AskingSession:
    """A connection with ``identify.sql`` made ready on it; other queries are once they are asked."""

    def __init__(self, session: Session, statement: Statement, query: Query) -> None:
        self.last_used = 0.0
        self.abort, self.close = session.abort, session.close
        self._fetch, self._times = statement.fetch, len(query.parameters)
        self._reader = RowReader(query)
        self._time = asyncio.get_running_loop().time
        self._prepare = session.prepare
        self._others: dict[str, Statement] = {}

    async def identify(self, number: str) -> tuple[Identity, ...]:
        """Everybody behind ``number``."""
        rows, description = await self._fetch((number,) * self._times)
        self.last_used = self._time()
        if len(rows) >= _ROWS:
            structlog.get_logger("people").warning(
                "too many rows behind a number; the rest is cut", number=number, rows=_ROWS
            )
        return self._reader.people(rows, description)

    async def rows(self, query: Query, value: str) -> list[tuple[str, ...]]:
        """The columns of ``query`` as text for ``value``, which is each of its parameters."""
        if query.name not in self._others:
            self._others[query.name] = await self._prepare(query)
        rows, description = await self._others[query.name].fetch((value,) * len(query.parameters))
        self.last_used = self._time()
        if len(rows) >= _ROWS:
            structlog.get_logger("people").warning("too many rows; the rest is cut", file=query.label, asked=value)
        return read_texts(query, rows, description)

    async def probe(self) -> None:
        """Ask for a number that nobody has."""
        await self.identify("0")


_identify = _AskingSession.identify


def open_people(url: str, queries: str, deadline: float, connections: int = _CONNECTIONS) -> SqlPeople:
    """People from the database at ``url`` by the SQL folder ``queries``; nothing is connected yet.

    Raises :class:`ValueError` (:class:`~waybell.people.queries.QueryError` for the folder) with what to change.
    """
    return SqlPeople(read_url(url), load_queries(queries), deadline, connections)


def explain(error: BaseException, deadline: float) -> str:
    """``error`` as one sentence for the journal and the log."""
    if isinstance(error, TimeoutError):
        return f"the CRM gave no answer within {deadline:g} s"
    if isinstance(error, QueryError):
        return "; ".join(error.problems)
    code, text = error_code(error), str(error.args[-1] if error.args else error) or type(error).__name__
    return f"the CRM says: {text}" + (f" (error {code})" if code else "")
