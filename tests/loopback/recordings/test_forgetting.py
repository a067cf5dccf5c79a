"""Recordings of who is forgotten, and those that are old enough, are deleted; the calls tell of none any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.recordings.conftest import ID, OTHER_ID, OpenPlace
from tests.unit.calls.logbook import hour, parse
from waybell.calls.conversations import Conversations
from waybell.calls.fold import fold
from waybell.calls.journal import list_calls
from waybell.calls.values import Call, Feedback, Recording, micros
from waybell.calls.writer import SqlJournalStore
from waybell.keeping.forgetting import forget
from waybell.keeping.recorded import RecordingEraser, purge_recordings
from waybell.recordings.sounds import UnavailableError
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate

NOW = datetime(2027, 1, 1, tzinfo=UTC)
CALL = fold(Conversations().add(parse(hour(1)))[0].records)
THEIRS = str(CALL.caller.number)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/waybell.db")
    await migrate(engine)
    yield engine
    await engine.dispose()


async def one_call(store: AsyncEngine) -> Call:
    [call] = (await list_calls(store)).calls
    return call


async def recorded(store: AsyncEngine) -> None:
    """A call with a recording that is there, and a comment whose file is not."""
    said = Feedback(CALL.started_at, 5, CALL.started_at, OTHER_ID)
    call = replace(CALL, recordings=(Recording(ID, CALL.started_at),), feedback=said)
    await SqlJournalStore(store, "pbx1").save([call], [], None)
    async with store.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE calls SET feedback = ?", (f'[{said.asked_at},5,{said.at},"{OTHER_ID}"]',)
        )


@pytest.mark.parametrize("kind", ["file", "sftp", "ftp", "s3"])
async def test_who_is_forgotten_is_heard_no_more(kind: str, store: AsyncEngine, places: OpenPlace) -> None:
    library = (await places(kind)).library()
    await recorded(store)
    if kind == "ftp":  # that one may only be read there
        with pytest.raises(UnavailableError):
            await forget(store, THEIRS, [RecordingEraser(library)], now=NOW)
        assert (await one_call(store)).recordings
        return
    assert await forget(store, "79999999999", [RecordingEraser(library)], now=NOW) == {"recordings": 0}
    assert await library.facts(ID) is not None
    there = 2 if kind == "s3" else 1  # S3 does not tell whether there was a file
    assert await forget(store, THEIRS, [RecordingEraser(library)], now=NOW) == {"recordings": there}
    assert await library.facts(ID) is None
    left = await one_call(store)
    assert left.recordings == ()
    assert left.feedback is not None
    assert (left.feedback.rating, left.feedback.comment) == (5, None)


async def test_what_is_old_enough_is_deleted_and_what_is_not_is_kept(store: AsyncEngine, places: OpenPlace) -> None:
    library = (await places("file")).library()
    await recorded(store)
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=CALL.started_at)
    assert micros(at) == CALL.started_at
    for days, later, removed in ((0, 99, 0), (30, 29, 0), (30, 31, 1), (30, 31, 0)):
        assert await purge_recordings(store, library, days, at + timedelta(days=later)) == removed
    assert await library.facts(ID) is None
