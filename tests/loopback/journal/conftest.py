from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from lab.mariadb import MariaDB
from tests.fixtures_mariadb import mariadb, mariadb_alone
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate

__all__ = ["mariadb", "mariadb_alone"]

DATABASES = [
    "sqlite",
    pytest.param("asyncmy", marks=pytest.mark.mariadb),
    pytest.param("aiomysql", marks=pytest.mark.mariadb),
]


@pytest.fixture(params=DATABASES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of the test's own, in each database and driver in turn."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/waybell.db"
    server: MariaDB = request.getfixturevalue("mariadb")
    return server.database().store(request.param)


@pytest.fixture
async def empty_engine(store_url: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(store_url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def engine(empty_engine: AsyncEngine) -> AsyncEngine:
    await migrate(empty_engine)
    return empty_engine


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    return tmp_path / "waybell.csv"
