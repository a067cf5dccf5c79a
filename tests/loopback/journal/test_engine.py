from __future__ import annotations

import stat
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.store.engine import make_engine
from waybell.store.migrate import migrate
from waybell.store.tables import calls


async def test_an_error_of_the_database_shows_nothing_of_what_was_to_be_written(engine: AsyncEngine) -> None:
    row = {"id": "1", "pbx": "pbx1", "caller_number": "79161000001", "caller_name": "Анна Петрова", "direction": None}
    with pytest.raises(DBAPIError) as refused:
        async with engine.begin() as connection:
            await connection.execute(insert(calls), row)
    assert "79161000001" not in str(refused.value)
    assert "Анна" not in str(refused.value)


async def test_a_store_that_is_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/waybell.db")
    await migrate(engine)
    async with engine.connect():
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("waybell.db", "waybell.db-wal", "waybell.db-shm"), 0o600)
    await engine.dispose()


async def test_the_permissions_that_an_admin_gave_a_store_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "waybell.db"
    file.touch()
    file.chmod(0o640)
    engine = make_engine(f"sqlite+aiosqlite:///{file}")
    await migrate(engine)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    await engine.dispose()


async def test_a_folder_that_is_not_there_is_the_databases_own_error(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/nowhere/waybell.db")
    with pytest.raises(OperationalError, match="unable to open"):
        await migrate(engine)
    await engine.dispose()


async def test_a_store_in_memory_makes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    engine = make_engine("sqlite+aiosqlite://")
    async with engine.connect():
        assert list(tmp_path.iterdir()) == []
    await engine.dispose()
