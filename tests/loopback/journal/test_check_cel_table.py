"""What ``waybell check`` says of an event log that is a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.journal.test_cel_table import ROWS, TABLE, write
from waybell.checks.cel_table import check_cel_table
from waybell.checks.findings import Finding, Site
from waybell.settings import Settings

NOTE = next(row for row in ROWS if row["eventtype"] == b"USER_DEFINED")
NOW = 1_795_400_000.0


async def looked(engine: AsyncEngine, rows: Sequence[dict[str, Any]] | None) -> Finding:
    url = engine.url.render_as_string(hide_password=False)
    if rows is not None:
        async with engine.begin() as connection:
            await connection.run_sync(TABLE.create)
    if rows:
        await write(engine, rows)
    settings = Settings.model_validate({"cel": {"url": url}})
    [found] = await check_cel_table(Site(settings, now=lambda: NOW))
    return found


@pytest.mark.parametrize(
    ("rows", "status", "says", "advises"),
    [
        (None, "failed", "", "sql/cel/mysql.sql"),
        ([], "warning", "holds no event yet", "cel_odbc.so"),
        (ROWS[:9], "ok", "its last row is right", ""),
        ([NOTE | {"eventtype": b"WAYBELL"}], "failed", "show_user_defined", "cel_odbc.conf"),
        ([ROWS[0] | {"eventtime": b"soon"}], "failed", "can be read", "cel_odbc.conf"),
        ([ROWS[0] | {"eventtime": b"2026-11-24 23:00:00.000000"}], "failed", "usegmtime", "cel_odbc.conf"),
    ],
)
async def test_each_fault_of_the_table_is_named_with_what_to_do(
    empty_engine: AsyncEngine, rows: Sequence[dict[str, Any]] | None, status: str, says: str, advises: str
) -> None:
    if rows is None and empty_engine.dialect.name == "sqlite":
        advises = "cel.url"
    found = await looked(empty_engine, rows)
    assert found.status.value == status
    assert says in found.message
    assert advises in found.advice
