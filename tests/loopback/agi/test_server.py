"""The AGI server over real sockets: one request, one command, whatever the peer does."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from agi_app.commands import Command, command, set_variable
from agi_app.events import Environment
from agi_app.limits import Limits
from agi_app.server import AgiServer
from tests.loopback.agi.peer import REQUEST, SUCCESS, Asterisk, Lines, serving
from tests.loopback.agi.transcript import read

COMMAND = set_variable("WAYBELL_NEXT", "s1,dial,79010000011")
RECORDED = Path(__file__).parent / "recorded"


async def answer(environment: Environment) -> Command:
    """A handler that has nothing to think about."""
    return COMMAND


class Thinking:
    """A handler that answers when it is let, and tells what happens to it."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.answer = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, environment: Environment) -> Command:
        self.started.set()
        try:
            await self.answer.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return COMMAND


async def test_a_request_gets_one_command_and_is_closed_after_its_reply() -> None:
    async with serving(answer) as server:
        assert await (await server.connect()).step() == COMMAND.line
        assert (server.counters.connections, server.counters.sessions, server.counters.decided) == (1, 1, 1)


async def test_the_recorded_step_is_served() -> None:
    request, expected, reply = read(RECORDED / "step.txt")
    async with serving(answer) as server:
        peer = await server.connect()
        await peer.send(request.data)
        assert await peer.receive() == expected.data
        await peer.send(reply.data)
        assert await peer.receive() == b""


async def test_a_request_byte_by_byte_is_served() -> None:
    async with serving(answer) as server:
        peer = await server.connect()
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in REQUEST:
            await peer.send(bytes([byte]))
        assert await peer.receive() == COMMAND.line
        for byte in b"HANGUP\n100 Trying\n" + SUCCESS:
            await peer.send(bytes([byte]))
        assert await peer.receive() == b""
        assert server.counters.decided == 1


async def test_connecting_and_closing_costs_nothing() -> None:
    log = Lines()
    async with serving(answer, log=log) as server:
        for _ in range(100):
            (await server.connect()).close()
        assert await (await server.connect()).step() == COMMAND.line
        assert server.counters.connections == 101
        assert (server.counters.protocol_errors, log.lines) == (0, [])


async def test_connecting_and_resetting_costs_nothing() -> None:
    async with serving(answer) as server:
        for _ in range(20):
            (await server.connect()).reset()
        assert await (await server.connect()).step() == COMMAND.line


@pytest.mark.parametrize("sent", [b"", b"agi_network: yes\nagi_req", REQUEST[:-1]])
async def test_a_connection_without_a_whole_request_is_dropped(sent: bytes) -> None:
    log = Lines()
    async with serving(answer, log=log, limits=Limits(environment_seconds=0.05)) as server:
        peer = await server.connect()
        if sent:
            await peer.send(sent)
        assert await peer.receive() == b""
        assert server.counters.deadline == 1
        assert log.events == ["agi request took too long"]


@pytest.mark.parametrize("size", [5, 40, len(REQUEST) - 1])
async def test_a_peer_that_dies_inside_the_environment_is_closed(size: int) -> None:
    async with serving(answer) as server:
        peer = await server.connect()
        await peer.send(REQUEST[:size])
        peer.socket.shutdown(socket.SHUT_WR)
        assert await peer.receive() == b""
        assert (server.counters.protocol_errors, server.counters.sessions) == (1, 0)


@pytest.mark.parametrize("forged", [b"200 result=1\n", b"agi_calleridname: x\n\n", b"\n"])
async def test_bytes_after_the_environment_end_it_without_a_command(forged: bytes) -> None:
    thinking = Thinking()
    async with serving(thinking) as server:
        peer = await server.connect()
        await peer.send(REQUEST)
        await thinking.started.wait()
        await peer.send(forged)
        assert await peer.receive() == b""
        await thinking.cancelled.wait()
        assert server.counters.protocol_errors == 1


async def test_a_caller_who_hangs_up_meanwhile_still_gets_the_command() -> None:
    thinking = Thinking()
    async with serving(thinking) as server:
        peer = await server.connect()
        await peer.send(REQUEST + b"HANGUP\n")
        await thinking.started.wait()
        thinking.answer.set()
        assert await peer.receive() == COMMAND.line
        await peer.send(SUCCESS)
        assert await peer.receive() == b""


@pytest.mark.parametrize("leave", [Asterisk.close, Asterisk.reset])
async def test_a_peer_that_goes_away_cancels_its_request(leave: object) -> None:
    thinking = Thinking()
    async with serving(thinking) as server:
        peer = await server.connect()
        await peer.send(REQUEST)
        await thinking.started.wait()
        assert callable(leave)
        leave(peer)
        await thinking.cancelled.wait()
        assert (server.counters.abandoned, server.counters.handler_errors) == (1, 0)


async def test_a_handler_that_is_too_slow_is_cancelled_and_its_call_let_go() -> None:
    log, thinking = Lines(), Thinking()
    async with serving(thinking, log=log, limits=Limits(session_seconds=0.05)) as server:
        peer = await server.connect()
        await peer.send(REQUEST)
        assert await peer.receive() == b""
        await thinking.cancelled.wait()
        assert log.events == ["agi handler took too long"]


async def test_a_command_without_a_reply_is_given_up() -> None:
    log = Lines()
    async with serving(answer, log=log, limits=Limits(command_seconds=0.05)) as server:
        peer = await server.connect()
        await peer.send(REQUEST)
        assert await peer.receive() == COMMAND.line
        await peer.send(b"100 Trying\nHANGUP\n200 res")
        assert await peer.receive() == b""
        assert log.events == ["agi reply took too long"]


@pytest.mark.parametrize(
    "reply", [b"511 Command Not Permitted\n", b"520-x\n520 End of proper usage.\n", b"200 result=-1\n"]
)
async def test_a_refused_command_is_logged_and_closed(reply: bytes) -> None:
    log = Lines()
    async with serving(answer, log=log) as server:
        peer = await server.connect()
        await peer.send(REQUEST)
        assert await peer.receive() == COMMAND.line
        await peer.send(reply)
        assert await peer.receive() == b""
        assert (server.counters.command_errors, server.counters.decided) == (1, 0)
        assert log.events == ["asterisk refused our command"]


async def test_a_handler_that_raises_lets_the_call_go_and_is_logged_once_with_its_exception() -> None:
    async def broken(environment: Environment) -> Command:
        raise KeyError(environment.path)

    log = Lines()
    async with serving(broken, log=log) as server:
        for _ in range(10):
            assert await (await server.connect()).step() == b""
        assert server.counters.handler_errors == 10
        assert log.events == ["agi handler failed"]
        assert isinstance(log.lines[0][1]["exc_info"], KeyError)
    assert log.lines[1:] == [("agi handler failed", {"more_times": 9})]


async def test_a_command_that_asterisk_would_misread_is_never_sent() -> None:
    async def too_long(environment: Environment) -> Command:
        return command("NOOP", "x" * 8190)

    async with serving(too_long) as server:
        assert await (await server.connect()).step() == b""
        assert server.counters.handler_errors == 1


async def test_a_handler_that_is_cancelled_from_elsewhere_closes_the_socket() -> None:
    async def cancelled(environment: Environment) -> Command:
        raise asyncio.CancelledError

    async with serving(cancelled) as server:
        assert await (await server.connect()).step() == b""
        assert server.counters.deadline == 0


async def test_stopping_lets_a_running_request_finish_and_takes_no_new_one() -> None:
    thinking = Thinking()
    async with serving(thinking) as server:
        port = server.port
        peer = await server.connect()
        await peer.send(REQUEST)
        await thinking.started.wait()
        stopping = asyncio.create_task(server.stop(grace=60))
        await asyncio.sleep(0)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        thinking.answer.set()
        assert await peer.receive() == COMMAND.line
        await peer.send(SUCCESS)
        assert await peer.receive() == b""
        await stopping
        assert server.counters.decided == 1


async def test_stopping_ends_what_does_not_finish_in_time() -> None:
    log, thinking = Lines(), Thinking()
    async with serving(thinking, log=log) as server:
        peer, idle = await server.connect(), await server.connect()
        await peer.send(REQUEST)
        await thinking.started.wait()
        await server.stop(grace=0.01)
        assert thinking.cancelled.is_set()
        assert (await peer.receive(), await idle.receive()) == (b"", b"")
        assert log.lines == [("agi server stops with sessions open", {"sessions": 2})]


async def test_stopping_twice_or_before_the_start_is_fine() -> None:
    server = AgiServer(answer, port=0)
    await server.stop()
    await server.start()
    await server.stop()
    await server.stop()
    with pytest.raises(RuntimeError, match="start"):
        _ = server.port


async def test_an_address_that_is_taken_is_an_error() -> None:
    async with serving(answer) as server:
        with pytest.raises(OSError, match="in use"):
            await AgiServer(answer, port=server.port).start()


async def test_a_log_that_fails_does_not_stop_the_deadlines() -> None:
    class Broken(Lines):
        def warning(self, event: str, **details: object) -> None:
            if "peer" in details:
                raise BrokenPipeError

    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context))
    async with serving(answer, log=Broken(), limits=Limits(environment_seconds=0.05)) as server:
        for _ in range(2):
            assert await (await server.connect()).receive() == b""
        assert server.counters.deadline == 2
    assert failures
