"""The courier company's database: reachable, with its tables, readable, only readable, and its clock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from waybell.checks import clock
from waybell.checks.access import is_there
from waybell.checks.findings import Finding, Site, failed, ok, warning
from waybell.people import check as people_check
from waybell.people.crm import SqlPeople
from waybell.people.drivers import Session, connect, read_url
from waybell.people.queries import Query, QueryError, load_queries
from waybell.settings import DEMO_CRM

CHECK = "crm"
_DENIED = re.compile(r"command denied to user .* for (?:table|column '[^']*' in table) (\S+)")
_GRANT = re.compile(
    r"GRANT (.+?) ON (?:(?:TABLE|FUNCTION|PROCEDURE|PACKAGE(?: BODY)?) )?(`[^`]*`|\*)\.(`[^`]*`|\*) TO "
)
_WILDCARDS = {"_": ".", "%": ".*"}
_READING = frozenset({"USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES", "EXECUTE", "PROCESS"})


async def check_crm(site: Site) -> list[Finding]:
    """Every query once; then, on MariaDB, what else the account may do and what time it is there."""
    crm = site.settings.crm
    demo = crm.url == DEMO_CRM
    try:
        people = SqlPeople(read_url(crm.url), load_queries(crm.queries), crm.deadline)
    except QueryError as error:
        return [failed(CHECK, problem, "correct the file, or choose another crm.queries") for problem in error.problems]
    except (ValueError, OSError) as error:
        return [failed(CHECK, str(error), "correct crm.url")]
    if demo and not is_there(Path(people.url.database or "")):
        return [warning(CHECK, "the demo courier company is made at the first start", "set crm.url for a real one")]
    wrong = await people_check.check(people)
    found = _told_once(wrong) or [_right(people, demo)]
    if people.url.drivername.startswith("mysql") and not any(finding.what == "crm.url" for finding in wrong):
        found = await _ask_server(site, people, found)
        found += [
            warning(CHECK, f"{slow.what}: {slow.problem}", slow.remedy) for slow in await people_check.slow(people)
        ]
    return found


def _right(people: SqlPeople, demo: bool) -> Finding:
    names = ", ".join(f"{name}.sql" for name in people.queries.by_name)
    where = people.url.render_as_string(hide_password=True)
    which = "the demo courier company (set crm.url for a real one)" if demo else where
    return ok(CHECK, f"{which} answers {names} of {people.queries.folder.name}")


def _told_once(wrong: Iterable[people_check.Finding]) -> list[Finding]:
    """A table that is missing is missing for every query that asks it: one line that names them all."""
    places: dict[tuple[str, str], list[str]] = {}
    for finding in wrong:
        places.setdefault((finding.problem, finding.remedy), []).append(finding.what)
    return [failed(CHECK, f"{', '.join(what)}: {problem}", remedy) for (problem, remedy), what in places.items()]


async def _ask_server(site: Site, people: SqlPeople, found: list[Finding]) -> list[Finding]:
    session = await connect(people.url, 1)
    try:
        [[account]] = await _rows(session, "SELECT CURRENT_USER()")
        grants = [str(row[0]) for row in await _rows(session, "SHOW GRANTS")]

        async def ask() -> datetime:
            [[now]] = await _rows(session, "SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)")
            return datetime.fromisoformat(str(now)).replace(tzinfo=UTC)

        time = await clock.compare(site, "the CRM's database", ask)
    finally:
        session.abort()
    who = _quoted(str(account))
    extra = _may_write(grants, people.url.database or "", who)
    return [*(_with_grant(finding, who) for finding in found), *extra, time]


async def _rows(session: Session, text: str) -> list[Any]:
    statement = await session.prepare(Query(Path("check.sql"), (text,), ()))
    rows, _ = await statement.fetch(())
    return list(rows)


def _with_grant(finding: Finding, who: str) -> Finding:
    """A denied table's line with the statement that lets us in."""
    if not (denied := _DENIED.search(finding.message)):
        return finding
    table = ".".join(f"`{part.strip('`')}`" for part in re.split(r"\.(?=`|\w)", denied[1].strip("'")))
    return failed(CHECK, finding.message, f"as the database's administrator: GRANT SELECT ON {table} TO {who};")


def _may_write(grants: list[str], schema: str, who: str) -> list[Finding]:
    extra = sorted({privilege for grant in grants for privilege in privileges(grant, schema)} - _READING)
    if not extra:
        return []
    return [
        warning(
            CHECK,
            f"the account {who} may also {', '.join(extra)}; Waybell only reads",
            f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {who}; then GRANT SELECT ON the CRM's database to it",
        )
    ]


def privileges(grant: str, schema: str) -> list[str]:
    """The privileges of one line of ``SHOW GRANTS`` without their columns; a role grants none by itself.

    Only what reaches ``schema`` counts: MariaDB 11 lists there, too, what everybody may do in its ``test`` databases.
    """
    found = _GRANT.match(grant)
    if not found or not _reaches(found[2], found[3], schema):
        return []
    return [word.strip() for word in re.sub(r"\([^)]*\)", "", found[1]).split(",")]


def _reaches(database: str, table: str, schema: str) -> bool:
    """Whether a grant on ``database``.``table`` concerns ``schema``; in a whole database's name ``_`` and ``%`` are
    wildcards unless a backslash stands before them. Case makes no difference on some servers.
    """
    name = database.strip("`")
    if table != "*":
        return name.casefold() == schema.casefold()
    parts = re.findall(r"\\.|.", name, re.DOTALL)
    pattern = "".join(_WILDCARDS.get(part) or re.escape(part.removeprefix("\\")) for part in parts)
    return name == "*" or re.fullmatch(pattern, schema, re.IGNORECASE | re.DOTALL) is not None


def _quoted(account: str) -> str:
    user, _, host = account.rpartition("@")
    return f"'{user}'@'{host}'"
