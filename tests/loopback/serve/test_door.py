"""The web door holds so many connections and no more, and none for ever without a request."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from tests.loopback.serve.conftest import Serve, ask_agi
from web_app.door import Door
from web_app.server import listen, serving

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Office:
    """A web door with a page that comes at once and one that comes when it is let go."""

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()
        self.port = 0

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def at_once() -> str:
            return "here"

        @app.get("/slow")
        async def slow() -> str:
            self.asked.set()
            await self.go.wait()
            return "late"

        return app

    @asynccontextmanager
    async def open(self, most: int, request_seconds: float) -> AsyncIterator[None]:
        listening = listen("127.0.0.1", 0)
        self.port = listening.getsockname()[1]
        async with serving(self.app(), listening, Door(most, request_seconds), grace=1):
            yield

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[Peer]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def page(peer: Peer, request: bytes = GET) -> bytes:
    """What comes back on this connection, which stays open."""
    peer[1].write(request)
    return await text(peer)


async def text(peer: Peer) -> bytes:
    head = await peer[0].readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    return await peer[0].readexactly(length)


async def is_closed(peer: Peer) -> bool:
    try:
        return await peer[0].read() == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "], ids=["silent", "half a request"])
async def test_a_connection_that_sends_no_whole_request_is_closed(sent: bytes) -> None:
    office = Office()
    async with office.open(10, 0.05), office.peer() as peer:
        peer[1].write(sent)
        assert await is_closed(peer)


async def test_a_connection_that_sends_half_a_further_request_is_closed() -> None:
    office = Office()
    async with office.open(10, 0.05), office.peer() as peer:
        assert await page(peer) == b'"here"'
        peer[1].write(GET[:20])
        assert await is_closed(peer)


async def test_a_request_that_takes_longer_than_a_connection_may_be_silent_is_answered() -> None:
    office = Office()
    async with office.open(1, 0.05), office.peer() as peer:
        asyncio.get_running_loop().call_later(0.2, office.go.set)
        assert await page(peer, GET.replace(b"/ ", b"/slow ", 1)) == b'"late"'


async def test_when_the_door_is_full_the_connection_without_a_request_for_longest_gives_way() -> None:
    office = Office()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(office.open(3, 60))
        first, second, third = [await stack.enter_async_context(office.peer()) for _ in range(3)]
        assert await page(first) == b'"here"'
        fourth = await stack.enter_async_context(office.peer())
        assert await page(fourth) == b'"here"'
        assert await is_closed(second)
        assert await page(third) == b'"here"'
        assert await page(first) == b'"here"'


async def test_a_request_under_way_never_gives_way() -> None:
    office = Office()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(office.open(1, 60))
        busy = await stack.enter_async_context(office.peer())
        busy[1].write(GET.replace(b"/ ", b"/slow ", 1))
        await office.asked.wait()
        assert await is_closed(await stack.enter_async_context(office.peer()))
        office.go.set()
        assert await text(busy) == b'"late"'


async def test_requests_sent_together_are_all_answered() -> None:
    office = Office()
    async with office.open(1, 60), office.peer() as peer:
        office.go.set()
        peer[1].write(GET + GET.replace(b"/ ", b"/slow ", 1) + GET)
        assert [await text(peer) for _ in range(3)] == [b'"here"', b'"late"', b'"here"']


async def test_that_the_door_is_full_is_said_once() -> None:
    office = Office()
    with capture_logs() as logs:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(office.open(2, 60))
            for _ in range(20):
                await page(await stack.enter_async_context(office.peer()))
    assert len([entry for entry in logs if "full" in entry["event"]]) == 1


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_idle_connections_to_the_web_port_leave_calls_their_own(serve: Serve) -> None:
    async with serve() as served, AsyncExitStack() as stack:
        await served.until(lambda said: said["ready"])
        resource.prlimit(served.waybell.pid, resource.RLIMIT_NOFILE, (900, 900))
        for _ in range(1000):
            _, writer = await asyncio.open_connection("127.0.0.1", served.web_port)
            stack.callback(writer.close)
        for _ in range(5):
            assert (await ask_agi(served.agi_port)).startswith(b"SET VARIABLE")
        assert (await served.web.get("/health/live")).status_code == 200
        assert served.waybell.log_tail().count("the web door is full") == 1
