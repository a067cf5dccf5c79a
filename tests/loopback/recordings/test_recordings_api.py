"""``GET /calls/{id}/recording`` over a real socket: parts, refusals, who listened, places that fail."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.recordings.conftest import ID, OTHER_ID, SOUND, OpenPlace, Somewhere, fill
from tests.loopback.search.cast import call
from tests.unit.web.conftest import authenticate, nothing_is_ready
from waybell.calls.search_port import Journal
from waybell.calls.values import Feedback, Recording
from waybell.calls.writer import SqlJournalStore
from waybell.feedback.store import write_feedback
from waybell.recordings.listens import Listens
from waybell.recordings.service import Recordings
from waybell.store.engine import make_engine
from waybell.store.feedback_tables import recording_listens
from waybell.store.migrate import migrate
from web_app.app import Api, build_app
from web_app.door import Door
from web_app.server import listen, serving

TAPED = replace(call(1), recordings=(Recording(ID, 1_000_000),), feedback=Feedback(2_000_000, 4, 3_000_000, OTHER_ID))
SILENT, ERASED = call(2), replace(call(3), recordings=(Recording(OTHER_ID, 1_000_000),))
PROBLEM = "urn:waybell:problem:"


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    await migrate(engine)
    await SqlJournalStore(engine, "pbx1", write_feedback).save([TAPED, SILENT, ERASED], [], None)
    yield engine
    await engine.dispose()


@asynccontextmanager
async def door(
    engine: AsyncEngine, place: Somewhere, token: str = "desk", **how: float
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the API whose recordings are at ``place``."""
    recordings = Recordings(place.library(**how), Listens(engine))  # type: ignore[arg-type] # seconds, at_once
    api = Api(None, authenticate, journal=Journal(engine, 5.0), recordings=recordings)
    app = build_app(nothing_is_ready, CollectorRegistry(), "1.0", api)
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(app, listening, Door(50, 60), grace=1))
        headers = {"Authorization": f"Bearer {token}"}
        url = f"http://127.0.0.1:{port}/api/v1"
        yield await stack.enter_async_context(httpx2.AsyncClient(base_url=url, headers=headers, timeout=20))


@pytest.fixture
async def desk(engine: AsyncEngine, places: OpenPlace) -> AsyncIterator[httpx2.AsyncClient]:
    async with door(engine, await places("file")) as client:
        yield client


PATH = f"/calls/{TAPED.id}/recording"


async def test_the_whole_recording_comes_as_it_is(desk: httpx2.AsyncClient) -> None:
    answer = await desk.get(PATH)
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(SOUND))
    assert answer.headers["cache-control"] == "private, no-store"


SIZE = len(SOUND)


@pytest.mark.parametrize(
    ("asked", "first", "behind"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=500000-", 500_000, SIZE),
        ("bytes=-44", SIZE - 44, SIZE),
        ("bytes=0-99999999", 0, SIZE),
        ("bytes=-99999999", 0, SIZE),
    ],
)
async def test_a_part_is_just_that_part(desk: httpx2.AsyncClient, asked: str, first: int, behind: int) -> None:
    answer = await desk.get(PATH, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, SOUND[first:behind])
    assert answer.headers["content-range"] == f"bytes {first}-{behind - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(behind - first)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 6}", "bytes=-0"])
async def test_a_part_behind_the_end_is_refused_with_the_size(desk: httpx2.AsyncClient, asked: str) -> None:
    answer = await desk.get(PATH, headers={"Range": asked})
    assert (answer.status_code, answer.json()["type"]) == (416, PROBLEM + "range-not-satisfiable")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=5-1", "bytes=-", "nonsense"])
async def test_what_is_no_single_range_of_bytes_is_answered_whole(desk: httpx2.AsyncClient, asked: str) -> None:
    answer = await desk.get(PATH, headers={"Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, SIZE)


async def test_a_part_of_another_version_is_answered_whole(desk: httpx2.AsyncClient) -> None:
    etag = (await desk.head(PATH)).headers["etag"]
    part = {"Range": "bytes=0-9"}
    assert (await desk.get(PATH, headers=part | {"If-Range": etag})).status_code == 206
    for other in ('"another"', f"W/{etag}", "Sun, 22 Nov 2026 08:00:00 GMT"):
        assert (await desk.get(PATH, headers=part | {"If-Range": other})).status_code == 200


async def test_head_tells_what_get_would_without_sound_and_without_counting_as_listening(
    desk: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    whole, part = await desk.head(PATH), await desk.head(PATH, headers={"Range": "bytes=0-9"})
    assert (whole.status_code, whole.headers["content-length"], whole.content) == (200, str(SIZE), b"")
    assert (part.status_code, part.headers["content-range"], part.content) == (206, f"bytes 0-9/{SIZE}", b"")
    assert await listened(engine) == []


async def test_who_listened_to_what_and_when_is_noted(desk: httpx2.AsyncClient, engine: AsyncEngine) -> None:
    await desk.get(PATH, headers={"Range": "bytes=0-9"})
    [listen_] = await listened(engine)
    assert (listen_["call_id"], listen_["recording"]) == (TAPED.id, ID)
    assert (listen_["token"], listen_["token_name"]) == ("3", "a desk")


async def listened(engine: AsyncEngine) -> list[dict[str, object]]:
    async with engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(select(recording_listens))).mappings()]


async def test_nobody_listens_while_it_cannot_be_noted(engine: AsyncEngine, places: OpenPlace) -> None:
    async with door(engine, await places("file")) as desk:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("DROP TABLE recording_listens")
        answer = await desk.get(PATH)
    assert (answer.status_code, answer.json()["type"]) == (503, PROBLEM + "store-unavailable")


@pytest.mark.parametrize(
    ("path", "status", "problem"),
    [
        (f"/calls/{SILENT.id}/recording", 404, "not-recorded"),
        (f"/calls/{ERASED.id}/recording", 404, "recording-missing"),
        ("/calls/pbx1-none/recording", 404, "unknown-call"),
        (f"{PATH}?recording={OTHER_ID}", 404, "recording-missing"),
        (f"{PATH}?recording=20261122-11111111111111111111", 404, "not-recorded"),
        (f"{PATH}?recording=../../../etc/passwd", 422, "invalid-request"),
        ("/calls/..%2F..%2Fetc%2Fpasswd/recording", 404, "not-found"),
    ],
)
async def test_what_cannot_be_listened_to_says_why(
    desk: httpx2.AsyncClient, path: str, status: int, problem: str
) -> None:
    answer = await desk.get(path)
    assert (answer.status_code, answer.json()["type"]) == (status, PROBLEM + problem)


async def test_a_courier_may_not_listen(engine: AsyncEngine, places: OpenPlace) -> None:
    async with door(engine, await places("file"), "app") as courier:
        answer = await courier.get(PATH)
    assert (answer.status_code, answer.json()["type"]) == (403, PROBLEM + "missing-scope")


async def test_the_call_itself_tells_whether_its_recording_is_there(desk: httpx2.AsyncClient) -> None:
    [there] = (await desk.get(f"/calls/{TAPED.id}")).json()["recordings"]
    assert (there["id"], there["available"], there["seconds"]) == (ID, True, round((SIZE - 44) / 16_000, 1))
    [gone] = (await desk.get(f"/calls/{ERASED.id}")).json()["recordings"]
    assert (gone["id"], gone["available"], gone["seconds"]) == (OTHER_ID, False, None)
    listed = (await desk.get("/calls")).json()["calls"]
    assert [recording["available"] for row in listed for recording in row["recordings"]] == [None, None]


@pytest.mark.parametrize("kind", ["sftp", "ftp"])
async def test_over_another_machine_it_is_the_same(kind: str, engine: AsyncEngine, places: OpenPlace) -> None:
    async with door(engine, await places(kind)) as desk:
        assert (await desk.get(PATH)).content == SOUND
        assert (await desk.get(PATH, headers={"Range": "bytes=300000-300099"})).content == SOUND[300_000:300_100]


async def test_a_machine_that_hangs_is_504_in_time_and_hinders_nobody_else(
    engine: AsyncEngine, places: OpenPlace
) -> None:
    place = await places("sftp")
    assert place.sshd
    async with door(engine, place, seconds=1.0, at_once=2) as desk:
        assert (await desk.get(PATH)).status_code == 200
        place.sshd.stop()
        listeners = [asyncio.create_task(desk.get(PATH)) for _ in range(5)]
        other = await desk.get("/calls", params={"limit": 1})
        assert other.status_code == 200
        answers = [answer.status_code for answer in await asyncio.gather(*listeners)]
        assert sorted(answers) == [503, 503, 503, 504, 504]
        [unknown] = (await desk.get(f"/calls/{TAPED.id}")).json()["recordings"]
        assert (unknown["available"], unknown["seconds"]) == (None, None)
        place.sshd.go_on()
        assert (await desk.get(PATH)).status_code == 200


async def test_a_machine_that_hangs_in_the_middle_ends_the_answer_short(engine: AsyncEngine, places: OpenPlace) -> None:
    place = await places("sftp", SOUND * 20)
    assert place.sshd
    async with door(engine, place, seconds=1.0) as desk, desk.stream("GET", PATH) as answer:
        assert answer.status_code == 200
        place.sshd.stop()
        with pytest.raises(httpx2.RemoteProtocolError):
            async for _ in answer.aiter_bytes():
                pass
        place.sshd.go_on()


async def test_a_long_recording_streams_with_constant_memory(engine: AsyncEngine, tmp_path: Path) -> None:
    most = 400_000_000
    file = fill(tmp_path / "long", b"")
    with file.open("r+b") as long:
        long.truncate(most)
    async with door(engine, Somewhere(f"file://{tmp_path}/long")) as desk:
        await desk.get(PATH, headers={"Range": "bytes=0-9"})
        before, read = peak(), 0
        async with desk.stream("GET", PATH) as answer:
            async for piece in answer.aiter_raw():
                read += len(piece)
        assert read == most
        assert peak() - before < 60_000_000


def peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def test_a_listener_who_goes_away_gives_their_place_back(engine: AsyncEngine, tmp_path: Path) -> None:
    fill(tmp_path / "long", SOUND * 40)
    async with door(engine, Somewhere(f"file://{tmp_path}/long"), at_once=1) as desk:
        async with desk.stream("GET", PATH) as answer:
            assert answer.status_code == 200
            assert (await desk.get(PATH)).status_code == 503
        await until(lambda: desk.get(PATH, headers={"Range": "bytes=0-9"}), 206)


async def until(ask: Callable[[], object], status: int) -> None:
    async with asyncio.timeout(10):
        while (await ask()).status_code != status:  # type: ignore[misc]  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # the door tells nobody when a connection is gone
