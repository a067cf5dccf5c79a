"""Floods, slow peers, foreign peers and guesses at the AMI door."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_network

import pytest

from ami_app.limits import Limits
from ami_app.messages import BANNER
from tests.loopback.ami.client import serving
from tests.unit.ami.company import ANSWERED, LOGIN, LOGOFF, ORIGINATE, SECRET, user

MESSAGES = LOGIN + ORIGINATE + LOGOFF
PING = b"Action: Ping\r\n\r\n"
ROOM = 50


@pytest.mark.parametrize("sent", [b"", LOGIN[:-2]], ids=["idle", "half a login"])
async def test_a_thousand_connections_without_a_login_lock_nobody_out(sent: bytes) -> None:
    async with serving(limits=Limits(max_connections=ROOM, login_seconds=60)) as server:
        for number in range(1000):
            client = await server.connect()
            if sent:
                await client.send(sent)
            if number % 100 == 99:
                caller = await server.connect()
                await caller.send(MESSAGES)
                assert await caller.rest() == ANSWERED
        still_open = [client for client in server.clients if client.socket.fileno() >= 0 and not _closed(client.socket)]
        assert len(still_open) <= ROOM
        assert server.counters.originates == 10
        assert server.lines.events == ["ami server is full: a connection that had not logged in gave way"]


async def test_a_burst_of_connections_leaves_no_more_than_there_is_room_for() -> None:
    async with serving(limits=Limits(max_connections=ROOM, login_seconds=60)) as server:
        burst = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(10 * ROOM)]
        caller = await server.connect()
        await caller.send(MESSAGES)
        assert await caller.rest() == ANSWERED
        for peer in burst:
            peer.setblocking(False)
        assert sum(not _closed(peer) for peer in burst) <= ROOM
        for peer in burst:
            peer.close()


def _closed(client: socket.socket) -> bool:
    try:
        while client.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionResetError:
        pass
    return True


async def test_a_server_full_of_users_closes_the_next_peer_at_once() -> None:
    async with serving(limits=Limits(max_connections=2)) as server:
        users = [await server.connect() for _ in range(2)]
        for client in users:
            assert (await client.ask(LOGIN)).endswith(b"accepted\r\n\r\n")
        assert await (await server.connect()).receive() == b""
        assert server.lines.events == ["ami server is full: 2 connections at once"]
        assert (await users[0].ask(PING)).startswith(b"Response: Success\r\nPing: Pong")
        assert (await users[1].ask(LOGOFF)).startswith(b"Response: Goodbye")
        assert await users[1].receive() == b""
        assert (await (await server.connect()).ask(LOGIN)).endswith(b"accepted\r\n\r\n")


async def test_a_thousand_peers_from_elsewhere_are_closed_at_once_and_make_one_line() -> None:
    async with serving(users=[user(networks=(ip_network("192.0.2.0/24"),))]) as server:
        for _ in range(1000):
            client = await server.connect()
            assert await client.receive() == b""
            client.close()
        assert server.counters.refused == 1000
        assert server.lines.events == ["ami peer is in no user's networks"]
    assert server.lines.lines[-1][1] == {"more_times": 999}


@pytest.mark.parametrize("sent", [b"", b"Action: login\r\nUser", b"\r\n" * 100])
async def test_a_peer_that_does_not_log_in_is_closed(sent: bytes) -> None:
    async with serving(limits=Limits(login_seconds=0.05)) as server:
        client = await server.connect()
        if sent:
            await client.send(sent)
        assert await client.rest() == BANNER
        assert server.counters.deadline == 1
        assert server.lines.events == ["ami peer took too long to log in"]


async def test_a_user_that_says_nothing_more_is_closed_however_slowly_its_bytes_drip() -> None:
    async with serving(limits=Limits(idle_seconds=0.3)) as server:
        client = await server.connect()
        await client.ask(LOGIN)
        drip = asyncio.create_task(_drip(client.send))
        assert await client.receive() == b""
        drip.cancel()
        assert server.counters.deadline == 1


async def _drip(send: object) -> None:
    assert callable(send)
    while True:
        await send(b"A")
        await asyncio.sleep(0.01)


async def test_a_client_that_does_not_read_its_answers_is_closed() -> None:
    limits = Limits(write_seconds=0.2)
    async with serving(limits=limits) as server:
        client = await server.connect()
        await client.ask(LOGIN)
        flood = asyncio.create_task(client.send(PING * 2_000_000))
        with pytest.raises(OSError, match=r"[Rr]eset|[Bb]roken"):
            await flood
        assert server.counters.deadline == 1
        assert server.lines.events == ["ami peer took too long"]


async def test_a_client_that_sends_faster_than_it_is_answered_is_held_in_little_memory() -> None:
    async with serving() as server:
        server.callbacks.gate.clear()
        client = await server.connect()
        await client.ask(LOGIN)
        await client.send(ORIGINATE)
        await server.callbacks.waiting.wait()
        (session,) = server._sessions
        flood = asyncio.create_task(client.send(PING * 500_000))
        while not session._paused:  # noqa: ASYNC110 - nobody else waits for this
            await asyncio.sleep(0)
        assert not flood.done()
        assert session._codec.unread < 512 * 1024
        server.callbacks.gate.set()
        pongs = 0
        while pongs < 1000:
            pongs += (await client.receive()).count(b"Pong")
        flood.cancel()


async def test_a_brute_force_over_many_connections_is_slow_and_lets_nobody_in() -> None:
    guess = LOGIN.replace(SECRET.encode(), b"guess")
    async with serving() as server:
        first = await server.connect()
        await first.send(guess)
        assert (await first.rest()).endswith(b"Authentication failed\r\n\r\n")
        guessers = [await server.connect() for _ in range(60)]
        for client in guessers:
            await client.send(guess)
        answers = [asyncio.create_task(client.rest()) for client in guessers]
        for number, answer in enumerate(asyncio.as_completed(answers)):
            assert (await answer).endswith(b"Authentication failed\r\n\r\n")
            if number == 40:  # the others have to wait
                break
        for waiting in answers:
            waiting.cancel()
        assert server.counters.logins == 0
        assert set(server.lines.events) == {"ami login refused"}
        assert SECRET not in str(server.lines.lines)


async def test_nothing_of_a_secret_is_in_the_log_whatever_happens() -> None:
    async with serving(limits=Limits(max_line_bytes=200)) as server:
        for data in (
            LOGIN.replace(b"measoft", b"stranger"),
            LOGIN.replace(SECRET.encode(), f"{SECRET}x".encode()),
            LOGIN.replace(b"Username", b"Secret"),
            LOGIN.replace(b"login", b"originate"),
            f"Secret: {SECRET}{'x' * 200}\r\n\r\n".encode(),
            f"{SECRET}\r\n\r\n".encode(),
            LOGIN + f"Action: originate\r\nSecret: {SECRET}\r\n\r\n".encode() + LOGOFF,
            LOGIN + f"Action: {SECRET}\r\nX\x00{SECRET}: 1\r\n\r\n".encode() + LOGOFF,
        ):
            client = await server.connect()
            await client.send(data)
            client.socket.shutdown(socket.SHUT_WR)
            assert SECRET.encode() not in await client.rest()
    assert len(server.lines.lines) >= 3
    assert SECRET not in str(server.lines.lines)
    assert "Kur1er" not in str(server.lines.lines)
