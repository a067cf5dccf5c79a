"""The stream over real sockets: a quiet one stays, whoever does not read is let go."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from tests.unit.web.conftest import authenticate, nothing_is_ready
from tests.unit.web.test_live_api import SNAPSHOT, FakeLive
from web_app.app import Api, build_app
from web_app.door import Door
from web_app.server import listen, serving

REQUEST = b"GET /api/v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer desk\r\n\r\n"


class Loud(FakeLive):
    """Always has something to tell."""

    async def stream(self, last_event_id: str = "") -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield b"data: " + b"x" * 60_000 + b"\n\n"


@asynccontextmanager
async def open_door(live: FakeLive, request_seconds: float) -> AsyncIterator[int]:
    app = build_app(nothing_is_ready, CollectorRegistry(), "1.0", Api(None, authenticate, live))
    listening = listen("127.0.0.1", 0)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    async with serving(app, listening, Door(50, request_seconds), grace=1):
        yield listening.getsockname()[1]
        await live.close()


async def gone(live: FakeLive) -> None:
    async with asyncio.timeout(10):
        while live.inside:  # noqa: ASYNC110 -- nobody is told
            await asyncio.sleep(0.01)


async def test_a_stream_that_is_quiet_for_long_is_not_cut() -> None:
    live = FakeLive(SNAPSHOT, endless=True)
    async with open_door(live, 0.1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        await reader.readuntil(SNAPSHOT)
        await asyncio.sleep(0.5)
        assert live.inside == 1
        assert not reader.at_eof()
        writer.close()
        await gone(live)


async def test_who_does_not_read_is_let_go_while_others_hear_all() -> None:
    live = Loud()
    async with open_door(live, 0.3) as port:
        deaf = socket.create_connection(("127.0.0.1", port))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        deaf.sendall(REQUEST)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        heard = 0
        async with asyncio.timeout(10):
            while live.inside != 1 or heard < 1_000_000:
                heard += len(await reader.read(65_536))
        deaf.close()
        writer.close()
        await gone(live)


async def test_who_goes_away_is_forgotten_at_once() -> None:
    live = FakeLive(SNAPSHOT, endless=True)
    async with open_door(live, 60) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        await reader.readuntil(SNAPSHOT)
        writer.transport.abort()
        await gone(live)
