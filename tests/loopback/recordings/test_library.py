"""Recordings from every kind of place, also from ones that hang, refuse or lie."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from tests.loopback.recordings.conftest import ID, OTHER_ID, SOUND, OpenPlace, fill
from waybell.checks.findings import Site, Status
from waybell.checks.recordings import check_recordings
from waybell.recordings.library import Library
from waybell.recordings.sounds import BusyError, Facts, MissingError, UnavailableError
from waybell.recordings.threads import Threads
from waybell.settings import Settings

KINDS = ("file", "sftp", "ftp", "s3")
# aiobotocore and moto leave to the collector what they opened.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning:(botocore|moto|s3fs).*")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_recording_reads_the_same_wherever_it_is(kind: str, places: OpenPlace) -> None:
    library = (await places(kind)).library()
    facts = await library.facts(ID)
    assert facts is not None
    assert facts.size == len(SOUND)
    async with library.sound(ID) as sound:
        assert sound.facts == facts
        assert await sound.read(0, 4) == b"RIFF"
        assert await sound.read(100_000, 350_000) == SOUND[100_000:350_000]
        assert await sound.read(44, 1044) == SOUND[44:1044]
        assert await sound.read(len(SOUND) - 10, len(SOUND) + 10) == SOUND[-10:]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_not_there_is_missing_and_nothing_else(kind: str, places: OpenPlace) -> None:
    library = (await places(kind)).library()
    assert await library.facts(OTHER_ID) is None
    with pytest.raises(MissingError):
        async with library.sound(OTHER_ID):
            pass


@pytest.mark.parametrize("id_", ["../../etc/passwd", "", f"{ID}/..", "20261122-C0F6927670789D733AF7", ID + "\n"])
async def test_what_is_no_id_of_ours_never_becomes_a_path(id_: str, tmp_path: Path) -> None:
    fill(tmp_path)
    library = Library(f"file://{tmp_path}")
    assert await library.facts(id_) is None
    with pytest.raises(MissingError):
        async with library.sound(id_):
            pass


async def test_an_sshd_whose_key_is_not_known_is_not_believed(places: OpenPlace, tmp_path: Path) -> None:
    place = await places("sftp")
    (tmp_path / "others").write_text("")
    library = Library(place.url, (place.options[0], f"known_hosts={tmp_path}/others"))
    with pytest.raises(UnavailableError, match=r"(?i)host key"):
        await library.facts(ID)


async def test_an_sshd_that_hangs_is_told_in_time_and_the_next_reader_gets_through(places: OpenPlace) -> None:
    place = await places("sftp")
    assert place.sshd
    library = place.library(seconds=1.0)
    assert await library.facts(ID)
    async with library.sound(ID) as sound:
        place.sshd.stop()
        with pytest.raises(UnavailableError) as error:
            await sound.read(0, 100)
        assert error.value.slow
    with pytest.raises(UnavailableError) as error:
        await library.facts(ID)
    assert error.value.slow
    place.sshd.go_on()
    assert await library.facts(ID)


@pytest.mark.parametrize("scheme", ["sftp", "ftp", "s3"])
async def test_a_port_that_never_says_a_word_is_given_up(scheme: str) -> None:
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    where = f"{scheme}://calls/x" if scheme == "s3" else f"{scheme}://a:b@127.0.0.1:{port}/x"
    options = ("key=k", "secret=s", f"endpoint_url=http://127.0.0.1:{port}") if scheme == "s3" else ()
    library = Library(where, options, seconds=0.5)
    # s3fs is a second's worth of code to read at the first time.
    with pytest.raises(UnavailableError) as error:
        await library.facts(ID)
    assert error.value.slow
    server.close()
    for writer in held:
        writer.close()


@pytest.mark.parametrize("scheme", ["sftp", "ftp"])
async def test_a_port_where_nobody_listens_is_told_as_such(scheme: str) -> None:
    with pytest.raises(UnavailableError):
        await Library(f"{scheme}://a:b@127.0.0.1:1/x", seconds=5).facts(ID)


async def test_no_more_are_read_at_once_than_may_be(tmp_path: Path) -> None:
    fill(tmp_path)
    library = Library(f"file://{tmp_path}", at_once=1)
    async with library.sound(ID):
        with pytest.raises(BusyError):
            async with library.sound(ID):
                pass
        assert await library.facts(ID)  # looking has room of its own
    async with library.sound(ID):
        pass


async def test_threads_that_hang_take_no_more_than_their_share_and_give_it_back() -> None:
    threads, released = Threads(2), threading.Event()
    for _ in range(2):
        with pytest.raises(UnavailableError, match="no answer within"):
            await threads.run(released.wait, 0.05)
    with pytest.raises(UnavailableError, match="every thread"):
        await threads.run(lambda: 1, 5)
    assert await asyncio.to_thread(lambda: 2) == 2  # others work on
    released.set()
    async with asyncio.timeout(5):
        while threads.free < 2:  # noqa: ASYNC110 - a thread tells nobody
            await asyncio.sleep(0.01)
    assert await threads.run(lambda: 3, 5) == 3


def test_how_long_it_plays_is_told_by_its_size() -> None:
    assert Facts(44 + 16_000 * 3, "").seconds == 3.0
    assert Facts(0, "").seconds == 0.0


@pytest.mark.parametrize("kind", KINDS)
async def test_waybell_check_looks_into_the_folder_wherever_it_is(kind: str, places: OpenPlace) -> None:
    place = await places(kind)
    for url, status in ((place.url, Status.OK), (place.url.rstrip("/") + "/none", Status.FAILED)):
        settings = Settings.model_validate({"recordings": {"url": url, "options": place.options}})
        [found] = await asyncio.to_thread(check_recordings, Site(settings))
        assert found.status is status, found
