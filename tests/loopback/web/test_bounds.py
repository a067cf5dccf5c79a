"""Over real sockets: bodies that are too large, come too slowly or never end, and answers that nobody reads."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from tests.fakes.callbacks import FakeCallbacks
from tests.unit.web.conftest import authenticate, nothing_is_ready
from web_app.app import Api, build_app
from web_app.bodies import BodyLimits
from web_app.door import Door
from web_app.server import listen, serving

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]

HEADERS = {"Authorization": "Bearer app", "Idempotency-Key": "k1", "Content-Type": "application/json"}
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
MEGABYTES = b" " * 10_000_000


def post(*lines: str) -> bytes:
    """The head of a request for a callback."""
    head = ["POST /api/v1/callbacks HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in HEADERS.items())]
    return "\r\n".join([*head, *lines, "", ""]).encode()


@asynccontextmanager
async def open_door(
    *, most: int = 50, request_seconds: float = 60, body_seconds: float = 60, send_buffer: int = 0
) -> AsyncIterator[tuple[int, FakeCallbacks]]:
    """The door's port, and what is behind it."""
    callbacks = FakeCallbacks()
    api, limits = Api(callbacks, authenticate), BodyLimits(seconds=body_seconds)
    app = build_app(nothing_is_ready, CollectorRegistry(), "1.0", api, limits)
    listening = listen("127.0.0.1", 0)
    if send_buffer:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    async with serving(app, listening, Door(most, request_seconds), grace=1):
        yield listening.getsockname()[1], callbacks


@asynccontextmanager
async def peer(port: int) -> AsyncIterator[Peer]:
    """One connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def status(of: Peer) -> int:
    """The status of the next answer, whose body is read too."""
    head = (await of[0].readuntil(b"\r\n\r\n")).decode()
    length = int(head.lower().partition("content-length:")[2].split()[0])
    await of[0].readexactly(length)
    return int(head.split()[1])


async def is_closed(of: Peer) -> bool:
    """Whether the connection ends, whatever comes before."""
    try:
        while await of[0].read(65_536):
            pass
    except ConnectionResetError:
        pass
    return True


async def keep_sending(of: Peer, piece: bytes, times: int) -> None:
    """Sends ``piece`` again and again until the connection breaks."""
    for _ in range(times):
        of[1].write(piece)
        await of[1].drain()


async def test_a_call_is_asked_for_over_a_real_socket() -> None:
    async with open_door() as (port, callbacks), httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as web:
        answer = await web.post("/api/v1/callbacks", json={"courier": "11", "parcel": "10"}, headers=HEADERS)
        assert answer.status_code == 202
        assert list(callbacks.placed) == ["cb1"]


def test_the_body_of_an_answer_does_not_wait_until_its_head_is_acknowledged() -> None:
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])
async def test_who_sends_ten_megabytes_is_told_that_it_is_too_much(chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(MEGABYTES), 100_000):
            yield MEGABYTES[start : start + 100_000]

    async with open_door() as (port, callbacks), httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as web:
        for path in ("/api/v1/callbacks", "/api/v1/calls", "/nowhere"):
            answer = await web.post(path, content=pieces() if chunked else MEGABYTES, headers=HEADERS)
            assert answer.status_code == (404 if chunked and path == "/nowhere" else 413)
            assert answer.headers["content-type"] == "application/problem+json"
        assert not callbacks.asked


async def test_who_asks_before_sending_too_much_need_not_send_it() -> None:
    async with open_door() as (port, _), peer(port) as asking:
        asking[1].write(post("Content-Length: 10000000", "Expect: 100-continue"))
        assert await status(asking) == 413


@pytest.mark.parametrize(
    "head", [post("Content-Length: 40"), post("Transfer-Encoding: chunked")], ids=["length", "chunked"]
)
async def test_a_body_that_does_not_come_to_its_end_is_waited_for_no_longer(head: bytes) -> None:
    async with open_door(body_seconds=0.05) as (port, callbacks), peer(port) as slow:
        slow[1].write(head + (b"5\r\n" if b"chunked" in head else b"") + b'{"cou')
        assert await status(slow) == 408
        assert await is_closed(slow)
        assert not callbacks.asked


async def test_a_body_that_never_ends_is_cut_off() -> None:
    async with open_door(request_seconds=0.2) as (port, _), peer(port) as endless:
        endless[1].write(post("Transfer-Encoding: chunked"))
        with pytest.raises(ConnectionError):
            await keep_sending(endless, b"10000\r\n" + b" " * 65_536 + b"\r\n", 1_000_000)


@pytest.mark.parametrize(
    "start",
    [
        b"GET /",
        b"GET / HTTP/1.1\r\nX: ",
        post("Transfer-Encoding: chunked") + b"0\r\nX: ",
    ],
    ids=["address", "header", "trailer"],
)
async def test_a_head_that_never_ends_is_cut_off(start: bytes) -> None:
    async with open_door() as (port, _), peer(port) as endless:
        endless[1].write(start)
        with pytest.raises(ConnectionError):
            await keep_sending(endless, b"x" * 8_192, 5_000)


async def test_those_whose_bodies_do_not_come_give_way() -> None:
    async with open_door(most=5) as (port, _), AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(peer(port)) for _ in range(5)]
        for each in slow:
            each[1].write(post("Content-Length: 40", "Expect: 100-continue"))
            assert (await each[0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        quick = await stack.enter_async_context(peer(port))
        quick[1].write(LIVE)
        assert await status(quick) == 200
        assert await is_closed(slow[0])


async def test_an_answer_that_nobody_reads_is_not_kept() -> None:
    async with open_door(request_seconds=0.2, send_buffer=4096) as (port, _):
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", port))
            with pytest.raises(ConnectionError):
                await ask_for_ever(deaf)


async def ask_for_ever(deaf: socket.socket) -> None:
    """Asks again and again, without reading, until the connection breaks."""
    while True:
        await asyncio.get_running_loop().sock_sendall(deaf, LIVE.replace(b"/health/live", b"/openapi.json") * 10)


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_slow_peers_keep_nobody_from_asking_for_a_call() -> None:
    async with open_door() as (port, callbacks), AsyncExitStack() as stack:
        for number in range(1000):
            _, writer = await stack.enter_async_context(peer(port))
            writer.write(post("Content-Length: 40") + b"{" if number % 2 else b"POST / HT")
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as web:
            answer = await web.post("/api/v1/callbacks", json={"courier": "11", "parcel": "10"}, headers=HEADERS)
        assert answer.status_code == 202
        assert len(callbacks.placed) == 1
