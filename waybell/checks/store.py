"""Waybell's own database: reachable, writable, its tables in this version's shape, and its clock."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.checks import clock
from waybell.checks.access import Obstacle, describe, is_there, me, what_hinders
from waybell.checks.findings import Finding, Site, failed, ok
from waybell.people.drivers import error_code
from waybell.store.engine import make_engine
from waybell.store.migrate import pending

CHECK = "store"
_REMEDY = {
    1044: "grant the account of store.url its database: GRANT ALL ON <database>.* TO …",
    1045: "correct user and password in store.url",
    1049: "make the database: CREATE DATABASE <database> CHARACTER SET utf8mb4; or correct its name in store.url",
    1142: "grant the account of store.url its database: GRANT ALL ON <database>.* TO …",
    2003: "correct host and port in store.url, and see that the database server runs and may be reached",
}


async def check_store(site: Site) -> list[Finding]:
    """One line, and on MariaDB one for its clock."""
    url = make_url(site.settings.store.url)
    if hindered := file_obstacle(site.settings.store.url):
        return [failed(CHECK, hindered.problem, hindered.remedy)]
    engine = make_engine(site.settings.store.url)
    try:
        return await _look(site, engine, url.render_as_string(hide_password=True))
    except (SQLAlchemyError, OSError) as error:
        return [failed(CHECK, *explain_store(error))]
    finally:
        await engine.dispose()


def explain_store(error: Exception) -> tuple[str, str]:
    """(problem, remedy) for an error of the store's database, on one line and without SQL."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig else error
    problem = " ".join(str(original.args[-1] if original.args else original).split())
    remedy = _REMEDY.get(error_code(original), "correct store.url, and see that its database may be used")
    return f"the store says: {problem}", remedy


def file_obstacle(store_url: str) -> Obstacle | None:
    """What keeps this process from a store that is a file; ``None`` when nothing does, or the store is a server."""
    url = make_url(store_url)
    if not url.drivername.startswith("sqlite"):
        return None
    file = Path(url.database or "").absolute()
    if not is_there(file):
        obstacle = what_hinders(file)
        return replace(obstacle, remedy="run: waybell init") if obstacle.is_missing else obstacle
    if not os.access(file, os.R_OK | os.W_OK, effective_ids=True) or not os.access(
        file.parent, os.W_OK, effective_ids=True
    ):
        who = f"user {me()} may not write {file} ({describe(file.stat())})"
        return Obstacle(who, "run as the user that owns the file and its folder, or correct store.url")
    return None


async def _look(site: Site, engine: AsyncEngine, where: str) -> list[Finding]:
    if await pending(engine):
        return [failed(CHECK, f"{where}: the tables are not those of this Waybell", "run: waybell init")]
    found = [ok(CHECK, f"{where}: the tables are those of this Waybell")]
    if engine.dialect.name == "sqlite":
        return found
    async with engine.connect() as connection:

        async def ask() -> datetime:
            now = await connection.scalar(text("SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)"))
            return datetime.fromisoformat(str(now)).replace(tzinfo=UTC)

        return [*found, await clock.compare(site, "the store's database", ask)]
