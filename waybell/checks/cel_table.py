"""The event log's table, for a PBX on another machine: there, readable, and holding events as the journal expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls.cel_table import cel_table, read
from waybell.checks.cel_log import CHECK
from waybell.checks.findings import Finding, Site, failed, ok, warning
from waybell.people.drivers import error_code
from waybell.store.engine import make_engine

_REMEDY = {
    1045: "correct user and password in cel.url",
    1049: "correct the database's name in cel.url",
    1054: "make the table's columns as in Waybell's sql/cel/mysql.sql",
    1142: "grant the account of cel.url SELECT on the table",
    1146: "make the table as in Waybell's sql/cel/mysql.sql, or correct cel.table",
    2003: "correct host and port in cel.url, and see that the database server runs and may be reached",
}
_AS_SAMPLED = "make cel_odbc.conf say what Waybell's sample does, then: asterisk -rx 'module reload cel_odbc.so'"
# Time zones are whole quarters of an hour apart; calls may have been rare, so only an event of the future is proof.
_AHEAD_SECONDS = 60


async def check_cel_table(site: Site) -> list[Finding]:
    """Looks at the last row only."""
    engine = make_engine(site.settings.cel.url)
    try:
        return [_last(site, await _last_row(site, engine))]
    except (SQLAlchemyError, OSError) as error:
        return [_refused(error)]
    finally:
        await engine.dispose()


async def _last_row(site: Site, engine: AsyncEngine) -> Mapping[str, Any] | None:
    table = cel_table(site.settings.cel.table)
    async with engine.connect() as connection:
        found = await connection.execute(select(table).order_by(table.c.id.desc()).limit(1))
        row = found.mappings().first()
    return dict(row) if row else None


def _last(site: Site, row: Mapping[str, Any] | None) -> Finding:
    table = site.settings.cel.table
    if row is None:
        return warning(CHECK, f"table {table} holds no event yet", "make a call; is cel_odbc.so loaded on the PBX?")
    if row["userdeftype"] and row["eventtype"] == row["userdeftype"]:
        what = f"table {table}: notes are not told from events"
        return failed(CHECK, f"{what} (show_user_defined is not set)", _AS_SAMPLED)
    records, skipped = read([row])
    if skipped:
        return failed(CHECK, f"table {table}: the last row is no event that can be read", _AS_SAMPLED)
    if records and records[0].at / 1_000_000 > site.now() + _AHEAD_SECONDS:
        what = f"table {table}: the last event is {records[0].at / 1_000_000 - site.now():.0f} s ahead of this clock"
        return failed(CHECK, f"{what} (usegmtime is not set, or a clock is wrong)", _AS_SAMPLED)
    return ok(CHECK, f"table {table} is readable, its last row is right")


def _refused(error: Exception) -> Finding:
    original = error.orig if isinstance(error, DBAPIError) and error.orig else error
    problem = " ".join(str(original.args[-1] if original.args else original).split())
    remedy = _REMEDY.get(error_code(original), "correct cel.url, and see that its database may be used")
    return failed(CHECK, f"the event log's database says: {problem}", remedy)
