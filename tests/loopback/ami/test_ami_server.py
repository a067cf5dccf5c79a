"""The AMI server over real sockets: the manual's three messages, however they come."""

from __future__ import annotations

import asyncio
import hashlib
import socket

import pytest

from ami_app.limits import Limits
from ami_app.messages import BANNER
from tests.loopback.ami.client import serving
from tests.unit.ami.company import ANSWERED, LOGIN, LOGOFF, ORIGINATE, SECRET

MESSAGES = LOGIN + ORIGINATE + LOGOFF
QUEUED = b"Response: Success\r\nMessage: Originate successfully queued\r\n\r\n"


async def test_the_manuals_bytes_in_one_packet_place_the_call() -> None:
    async with serving() as server:
        client = await server.connect()
        await client.send(MESSAGES)
        assert await client.rest() == ANSWERED
        assert len(server.callbacks.calls) == 1
        assert (server.counters.logins, server.counters.originates) == (1, 1)
        assert server.lines.lines == []


@pytest.mark.parametrize("data", [MESSAGES, MESSAGES.replace(b"\r\n", b"\n")], ids=["crlf", "lf"])
async def test_the_manuals_bytes_one_by_one_place_the_call(data: bytes) -> None:
    async with serving() as server:
        client = await server.connect()
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            await client.send(bytes([byte]))
        assert await client.rest() == ANSWERED
        assert len(server.callbacks.calls) == 1


async def test_each_message_in_a_packet_of_its_own_is_answered_before_the_next() -> None:
    async with serving() as server:
        client = await server.connect()
        assert await client.until(b"\r\n") == BANNER
        answers = [await client.ask(message) for message in (LOGIN, ORIGINATE, LOGOFF)]
        assert BANNER + b"".join(answers) == ANSWERED
        assert await client.receive() == b""


@pytest.mark.parametrize("pieces", [[MESSAGES], [LOGIN, ORIGINATE, LOGOFF], [LOGIN, ORIGINATE]])
@pytest.mark.parametrize("leave", ["close", "reset", "close its side"])
async def test_a_client_that_sends_and_leaves_has_its_call_placed(pieces: list[bytes], leave: str) -> None:
    async with serving() as server:
        for number in range(20):
            client = await server.connect()
            if number % 2:  # one that has read the banner leaves nothing unread behind
                assert await client.until(b"\r\n") == BANNER
            for piece in pieces:
                client.socket.send(piece.replace(b"+79161234567", b"7916%07d" % number))
            if leave == "close":
                client.close()
            elif leave == "close its side":
                client.socket.shutdown(socket.SHUT_WR)
            else:
                client.reset()
        async with asyncio.timeout(10):
            while len(server.callbacks.calls) < 20:
                server.callbacks.placed.clear()
                await server.callbacks.placed.wait()


async def test_a_client_that_leaves_while_its_call_is_placed_does_not_stop_it() -> None:
    async with serving() as server:
        server.callbacks.gate.clear()
        client = await server.connect()
        await client.send(LOGIN + ORIGINATE)
        await server.callbacks.waiting.wait()
        client.reset()
        await asyncio.sleep(0)
        server.callbacks.gate.set()
        await server.callbacks.placed.wait()
        assert len(server.callbacks.calls) == 1


async def test_several_requests_of_one_connection_are_answered_in_their_order() -> None:
    async with serving() as server:
        client = await server.connect()
        messages = b"".join(
            b"ActionID: %d\r\n" % number + ORIGINATE.replace(b"1234567", b"123%04d" % number) for number in range(200)
        )
        await client.send(LOGIN + messages + LOGOFF)
        answers = (await client.rest()).split(b"\r\n\r\n")[1:-2]
        assert answers == [
            b"Response: Success\r\nActionID: %d\r\nMessage: Originate successfully queued" % number
            for number in range(200)
        ]


async def test_an_md5_challenge_lets_in() -> None:
    async with serving() as server:
        client = await server.connect()
        await client.until(b"\r\n")
        answer = await client.ask(b"Action: Challenge\r\nActionID: 1\r\nAuthType: MD5\r\n\r\n")
        head, challenge = answer.strip().decode().rsplit(": ", 1)
        assert head == "Response: Success\r\nActionID: 1\r\nChallenge"
        key = hashlib.md5((challenge + SECRET).encode()).hexdigest()
        login = f"Action: Login\r\nAuthType: MD5\r\nUsername: measoft\r\nKey: {key}\r\n\r\n"
        accepted = await client.ask(login.encode())
        assert accepted == b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"


async def test_a_wrong_secret_is_answered_and_closed_and_nothing_after_it_is_looked_at() -> None:
    async with serving() as server:
        client = await server.connect()
        await client.send(MESSAGES.replace(SECRET.encode(), b"wrong"))
        assert await client.rest() == BANNER + b"Response: Error\r\nMessage: Authentication failed\r\n\r\n"
        assert server.callbacks.requests == 0


async def test_a_browser_that_is_made_to_post_to_the_door_is_closed_before_the_body() -> None:
    async with serving() as server:
        client = await server.connect()
        await client.send(b"POST / HTTP/1.1\r\nHost: pbx:5038\r\nContent-Length: 999\r\n\r\n" + MESSAGES)
        assert (await client.rest()).startswith(BANNER + b"Response: Error\r\nMessage: Unreadable message")
        assert server.callbacks.requests == 0


async def test_a_message_without_end_is_answered_and_closed() -> None:
    async with serving(limits=Limits(max_line_bytes=100)) as server:
        client = await server.connect()
        await client.send(b"A" * 101)
        expected = b"Response: Error\r\nMessage: Closing: a line has over 100 bytes\r\n\r\n"
        assert await client.rest() == BANNER + expected
        assert server.counters.protocol_errors == 1


async def test_stopping_lets_a_call_being_placed_finish_and_closes_the_idle() -> None:
    async with serving() as server:
        idle, busy = await server.connect(), await server.connect()
        await idle.until(b"\r\n")
        server.callbacks.gate.clear()
        await busy.send(LOGIN + ORIGINATE + ORIGINATE)
        await server.callbacks.waiting.wait()
        stopping = asyncio.create_task(server.stop(grace=60))
        assert await idle.receive() == b""
        server.callbacks.gate.set()
        assert (await busy.rest()).endswith(QUEUED)
        await stopping
        assert server.callbacks.requests == 1
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(server.clients[0].socket.getpeername())


async def test_stopping_waits_for_nothing_longer_than_it_is_let() -> None:
    async with serving() as server:
        server.callbacks.gate.clear()
        client = await server.connect()
        await client.send(LOGIN + ORIGINATE)
        await server.callbacks.waiting.wait()
        await server.stop(grace=0.01)
        assert server.lines.events == ["ami server stops with sessions open"]
        assert not (await client.rest()).endswith(QUEUED)


async def test_a_server_that_was_stopped_can_be_started_again() -> None:
    async with serving() as server:
        await server.stop()
        await server.stop()
        await server.start()
        assert (await (await server.connect()).ask(LOGIN)).endswith(b"accepted\r\n\r\n")


async def test_connecting_and_leaving_costs_nothing() -> None:
    async with serving() as server:
        for number in range(100):
            client = await server.connect()
            client.close() if number % 2 else client.reset()
        assert (await (await server.connect()).ask(LOGIN)).endswith(b"accepted\r\n\r\n")
        assert server.lines.lines == []
