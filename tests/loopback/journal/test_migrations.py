from __future__ import annotations

import asyncio
import socket

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.store import callback_tables, feedback_tables, missed_tables, token_tables, webhook_tables
from waybell.store.engine import make_engine
from waybell.store.migrate import NewerStoreError, migrate, newest, pending
from waybell.store.tables import metadata
from waybell.store.upgrade import head

# Every table is in the metadata once its module is loaded.
OTHERS = (callback_tables, feedback_tables, missed_tables, token_tables, webhook_tables)


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, metadata))


def columns(connection: Connection) -> dict[str, dict[str, tuple[str, bool]]]:
    seen = inspect(connection)
    return {
        table.name: {
            column["name"]: (str(column["type"]), column["nullable"]) for column in seen.get_columns(table.name)
        }
        for table in metadata.sorted_tables
    }


async def test_the_migrations_make_the_tables_of_the_metadata(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        migrated = await connection.run_sync(columns)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
    async with engine.connect() as connection:
        assert await connection.run_sync(columns) == migrated


async def test_a_missing_migration_is_seen_and_running_it_again_does_nothing(empty_engine: AsyncEngine) -> None:
    assert await pending(empty_engine)
    await migrate(empty_engine)
    assert not await pending(empty_engine)
    await migrate(empty_engine)
    assert not await pending(empty_engine)


async def test_a_store_of_a_newer_waybell_is_refused_with_what_to_do(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (migrate, pending):
        with pytest.raises(NewerStoreError) as refused:
            await attempt(engine)
        assert str(refused.value).startswith("the store was made by a newer Waybell: its tables are of revision 9999")
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("driver", ["asyncmy", "aiomysql"])
async def test_a_database_that_accepts_and_says_nothing_is_given_up(driver: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        engine = make_engine(f"mysql+{driver}://waybell:secret@127.0.0.1:{port}/waybell")
        with pytest.raises(TimeoutError, match=r"no answer within 0\.1 seconds"):
            await migrate(engine, deadline=0.1)
        await engine.dispose()


async def test_two_instances_may_migrate_at_the_same_time(empty_engine: AsyncEngine) -> None:
    await asyncio.gather(*(migrate(empty_engine) for _ in range(3)))
    assert not await pending(empty_engine)


async def test_the_next_instance_gets_its_turn_only_when_what_was_migrated_is_committed(
    empty_engine: AsyncEngine,
) -> None:
    if empty_engine.dialect.name == "sqlite":
        return  # its transaction is the lock
    done: list[str] = []
    event.listen(empty_engine.sync_engine, "before_cursor_execute", lambda *args: done.append(args[2].split()[0:2][-1]))
    event.listen(empty_engine.sync_engine, "commit", lambda _connection: done.append("COMMIT"))
    await migrate(empty_engine)
    released = next(number for number, what in enumerate(done) if what.startswith("RELEASE_LOCK"))
    assert done[released - 1] == "COMMIT"


async def test_sqlite_lets_readers_read_while_the_journal_is_written(engine: AsyncEngine) -> None:
    if engine.dialect.name == "sqlite":
        async with engine.connect() as connection:
            assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
            assert (await connection.execute(text("PRAGMA foreign_keys"))).scalar() == 1


def test_the_newest_revision_by_its_files_name_is_alembics_own_head() -> None:
    assert newest() == head()
