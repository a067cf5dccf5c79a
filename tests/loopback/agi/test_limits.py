"""Floods, foreign peers, and logging that stays short."""

from __future__ import annotations

import asyncio
import select
import socket
from ipaddress import ip_network

import pytest

from agi_app.commands import Command, set_variable
from agi_app.events import Environment
from agi_app.limits import Limits
from agi_app.peers import Peers
from agi_app.table import Phase, Table
from tests.loopback.agi.peer import REQUEST, SUCCESS, Lines, serving
from waybell.throttle import Throttled

COMMAND = set_variable("WAYBELL_NEXT", "s1,office")
ROOM = 50


async def answer(environment: Environment) -> Command:
    """A handler that has nothing to think about."""
    return COMMAND


@pytest.mark.parametrize("sent", [b"", REQUEST[:-2]], ids=["idle", "half-open"])
async def test_a_thousand_connections_without_a_request_lock_no_call_out(sent: bytes) -> None:
    log = Lines()
    async with serving(answer, log=log, limits=Limits(max_connections=ROOM, environment_seconds=60)) as server:
        idle = []
        for number in range(1000):
            idle.append(await server.connect())
            if sent:
                await idle[-1].send(sent)
            if number % 100 == 99:
                assert await (await server.connect()).step() == COMMAND.line
        counters = server.counters
        assert counters.decided == 10
        assert counters.connections == 1010
        assert counters.connections - counters.evicted - counters.decided <= ROOM
        assert len(log.lines) == 1
    assert log.lines[-1][1]["more_times"] > 900


async def test_a_burst_of_connections_leaves_no_more_than_there_is_room_for() -> None:
    async with serving(answer, limits=Limits(max_connections=ROOM, environment_seconds=60)) as server:
        burst = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(4 * ROOM)]
        assert await (await server.connect()).step() == COMMAND.line
        still_open = [peer for peer in burst if not select.select([peer], [], [], 0)[0]]
        for peer in burst:
            peer.close()
        assert len(still_open) <= ROOM


async def test_a_server_full_of_requests_closes_the_next_one_at_once_and_serves_again_later() -> None:
    go, both = asyncio.Event(), asyncio.Barrier(3)

    async def wait(environment: Environment) -> Command:
        if not go.is_set():
            await both.wait()
        await go.wait()
        return COMMAND

    log = Lines()
    async with serving(wait, log=log, limits=Limits(max_connections=2)) as server:
        busy = [await server.connect() for _ in range(2)]
        for peer in busy:
            await peer.send(REQUEST)
        await both.wait()
        late = await server.connect()
        assert await late.receive() == b""
        go.set()
        for peer in busy:
            assert await peer.receive() == COMMAND.line
            await peer.send(SUCCESS)
            assert await peer.receive() == b""
        assert await (await server.connect()).step() == COMMAND.line
        assert (server.counters.refused, server.counters.decided) == (1, 3)
        assert log.events == ["agi server is full: 2 calls at once"]


async def test_a_peer_from_elsewhere_is_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Lines()
    monkeypatch.setattr(Peers, "_decide", lambda self, address: address != "127.0.0.1")
    async with serving(answer, log=log, allowed=[]) as server:
        for _ in range(20):
            assert await (await server.connect()).receive() == b""
        assert (server.counters.refused, server.counters.sessions) == (20, 0)
        assert log.events == ["agi peer is not in agi.allow_remote"]


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("fd00::1", True),
        ("10.2.0.1", False),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("", False),
        ("not an address", False),
    ],
)
def test_only_loopback_and_listed_networks_may_connect(address: str, allowed: bool) -> None:
    peers = Peers([ip_network("10.1.0.0/16"), ip_network("fd00::/8")])
    assert peers.allowed(address) is allowed
    assert peers.allowed(address) is allowed


def test_a_million_foreign_addresses_are_not_remembered() -> None:
    peers = Peers([])
    for number in range(3000):
        assert not peers.allowed(f"192.0.{number // 256}.{number % 256}")
    assert len(peers._verdicts) <= 1024


def test_the_same_warning_is_written_once_per_window_and_then_counted() -> None:
    log, now = Lines(), [0.0]
    throttled = Throttled(log, seconds=10, clock=lambda: now[0])
    for number in range(1000):
        throttled.warning("full", peer=number)
    throttled.warning("slow")
    assert log.lines == [("full", {"peer": 0}), ("slow", {})]
    assert throttled.flush()
    now[0] = 10.0
    throttled.warning("full", peer="next")
    assert log.lines[2:] == [("full", {"peer": "next", "times_before": 999})]
    throttled.warning("full")
    now[0] = 20.0
    assert not throttled.flush()
    assert log.lines[3:] == [("full", {"more_times": 1})]


def test_a_table_knows_who_is_due_and_who_waited_longest_for_a_request() -> None:
    table: Table[str] = Table(Limits(max_connections=3, environment_seconds=1, session_seconds=5, command_seconds=2))
    for number, name in enumerate("abc"):
        table.enter(name, Phase.REQUEST, number / 10)
    assert table.full()
    assert table.without_request() == "a"
    table.enter("a", Phase.HANDLER, 0.5)
    assert table.without_request() == "b"
    assert table.due(1.15) == [("b", Phase.REQUEST)]
    table.enter("a", Phase.REPLY, 1)
    assert table.due(3) == [("b", Phase.REQUEST), ("c", Phase.REQUEST), ("a", Phase.REPLY)]
    assert [table.leave(name) for name in "abca"] == [True, True, True, False]
    assert not table.full()
    assert table.without_request() is None
    assert table.due(99) == []
