from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from lab.mariadb import Database, MariaDB
from tests.fixtures_mariadb import mariadb, mariadb_alone
from tests.people.cast import EVERYBODY
from waybell.people.crm import open_people
from waybell.people.memory import MemoryPeople
from waybell.people.values import People
from waybell.resources import data_dir

__all__ = ["mariadb", "mariadb_alone"]

DEMO = [data_dir("sql") / "demo" / "schema.sql", data_dir("sql") / "demo" / "rows.sql"]
EDGES = Path(__file__).parent / "edges.sql"
SQL = [
    "sqlite",
    pytest.param("asyncmy", marks=pytest.mark.mariadb),
    pytest.param("aiomysql", marks=pytest.mark.mariadb),
]


def sqlite_file(place: Path, *files: Path) -> str:
    with closing(sqlite3.connect(place)) as database:
        for file in files:
            database.executescript(file.read_text(encoding="utf-8"))
    return f"sqlite+aiosqlite:///{place}"


@pytest.fixture(scope="session")
def crm(mariadb: MariaDB) -> Database:
    """The demo company and the edge cases in MariaDB. Read it only."""
    return mariadb.database(*DEMO, EDGES)


@pytest.fixture
def crm_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same in each database; parametrised with a driver's name."""
    if request.param == "sqlite":
        return sqlite_file(tmp_path / "crm.db", *DEMO, EDGES)
    database: Database = request.getfixturevalue("crm")
    return database.reader(request.param)


@pytest.fixture(params=["memory", *SQL])
async def people(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[People]:
    """Each adapter in turn, with the same people behind it."""
    if request.param == "memory":
        yield MemoryPeople(EVERYBODY)
        return
    if request.param == "sqlite":
        url = sqlite_file(tmp_path / "crm.db", *DEMO, EDGES)
    else:
        url = request.getfixturevalue("crm").reader(request.param)
    adapter = open_people(url, "measoft", deadline=20)
    await adapter.start()
    yield adapter
    await adapter.close()
