"""What only a live database can tell about ``crm.url`` and ``crm.queries``: for ``waybell check`` and at start."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from waybell.people.crm import SqlPeople, explain
from waybell.people.drivers import Session, connect, error_code
from waybell.people.queries import Query

_SECONDS = 5.0
_STEPS = 100
_MANY_ROWS = 10_000
_REMEDY = {
    1044: "grant the account the database: GRANT SELECT ON <database>.* TO …",
    1045: "correct user and password in crm.url",
    1049: "correct the database's name in crm.url",
    1054: "correct the query, or choose the right folder in crm.queries",
    1064: "correct the query's SQL",
    1130: "let this machine in: the account's host part does not match it",
    1142: "GRANT SELECT on that table to the account of crm.url",
    1143: "GRANT SELECT on that column to the account of crm.url",
    1146: "correct the database's name in crm.url, or choose the right folder in crm.queries",
    1698: "use an account with a password in crm.url",
    2003: "correct host and port in crm.url, and see that the database server runs and may be reached",
}
_SQLITE_REMEDY = {
    "unable to open": "correct the file's path in crm.url, and see that Waybell may read it",
    "no such table": "correct the file's path in crm.url, or choose the right folder in crm.queries",
    "no such column": "correct the query, or choose the right folder in crm.queries",
    "not a database": "correct the file's path in crm.url",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with ``what`` (``crm.url`` or a query file) and what to do about it. One sentence each."""

    what: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}: {self.problem}; {self.remedy}"


async def check(people: SqlPeople) -> tuple[Finding, ...]:
    """Connect anew and run every query with a number that nobody has; empty when all is well. Takes 5 s at most."""
    try:
        async with asyncio.timeout(_SECONDS):
            session = await connect(people.url, 1)
            try:
                return tuple(
                    [found for query in people.queries.by_name.values() for found in await _try(session, query)]
                )
            finally:
                if ending := session.abort():
                    await ending
    except Exception as error:  # every driver has its own errors
        return (_finding("crm.url", error),)


async def slow(people: SqlPeople) -> tuple[Finding, ...]:
    """Queries for which MariaDB would read a whole big table each time; for when :func:`check` found nothing.

    Empty for SQLite, and when the server cannot be asked. Takes 5 s at most.
    """
    if not people.url.drivername.startswith("mysql"):
        return ()
    try:
        async with asyncio.timeout(_SECONDS):
            session = await connect(people.url, _STEPS)
            try:
                return tuple(
                    [found for query in people.queries.by_name.values() for found in await _scans(session, query)]
                )
            finally:
                session.abort()
    except Exception:  # an account may lack the right to EXPLAIN, as on views; calls need no such right
        return ()


async def _scans(session: Session, query: Query) -> list[Finding]:
    explain_it = replace(query, parts=(f"EXPLAIN {query.parts[0]}", *query.parts[1:]))
    steps, description = await (await session.prepare(explain_it)).fetch(("0",) * len(query.parameters))
    places = {str(column[0]).lower(): place for place, column in enumerate(description)}
    return [
        Finding(
            query.label,
            f"for each call the server reads all {rows} rows of the table that the query calls {step[places['table']]}",
            "have an index made on the column by which the query finds its rows (of MeaSoft's: contacts.Source)",
        )
        for step in steps
        if step[places["type"]] == "ALL" and (rows := int(step[places["rows"]] or 0)) >= _MANY_ROWS
    ]


async def _try(session: Session, query: Query) -> list[Finding]:
    try:
        statement = await session.prepare(query)
        _, description = await statement.fetch(("0",) * len(query.parameters))
    except TimeoutError:
        raise
    except Exception as error:  # as above
        return [_finding(query.label, error)]
    missing = query.missing(tuple(str(column[0]) for column in description))
    return [Finding(query.label, problem.partition(": ")[2], "correct the file") for problem in missing]


def _finding(what: str, error: Exception) -> Finding:
    remedy = _REMEDY.get(error_code(error)) or next(
        (remedy for words, remedy in _SQLITE_REMEDY.items() if words in str(error)),
        "see that the database server runs, may be reached, and is not overloaded",
    )
    return Finding(what, explain(error, _SECONDS), remedy)
