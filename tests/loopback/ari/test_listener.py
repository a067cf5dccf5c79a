"""The event connection: in order, never dead for long, never flooding a log."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from dataclasses import replace

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from ari_app.access import Access
from ari_app.client import AriClient
from ari_app.delivery import NotNowError
from ari_app.events import TYPES, ChannelDestroyed, ChannelStateChange, Event
from ari_app.limits import Patience
from tests.loopback.ari.fake_ari import FakeAri
from tests.loopback.ari.peers import peer
from tests.loopback.ari.recording import events
from tests.loopback.ari.test_client import CALL
from tests.loopback.ari.watching import Listening, Watcher, eventually, listening
from tests.loopback.ari.wire import Wire
from waybell.callbacks.ports import PbxRefusedError

# What the brief of this connection promises; a machine that does other work may take three times as long.
MENDED_SECONDS = 2.0
NOISE = 3.0


def state(channel_id: str, name: str = "Up") -> str:
    """An event as Asterisk would send it."""
    return json.dumps({"type": "ChannelStateChange", "channel": {"id": channel_id, "state": name}})


async def nothing() -> None:
    """For a peer that is an event connection only."""


def is_connected(here: Listening) -> bool:
    """As it is now: a type checker takes a property for what it was."""
    return here.listener.connected


def through(wire: Wire, ari: FakeAri) -> Access:
    """Access by way of ``wire``."""
    return replace(ari.access, url=f"http://127.0.0.1:{wire.port}")


async def test_a_calls_events_come_in_their_order(ari: FakeAri) -> None:
    watcher = Watcher()
    async with listening(ari.access, watcher) as here, AriClient(ari.access) as client:
        await watcher.connected()
        assert is_connected(here)
        ari.scene = "second_answers_and_hangs_up"
        await client.originate(CALL)
        await watcher.destroyed("wb-1")
        assert [type(one) for one in watcher.events] == [type(one) for one in events(ari.scene)]
    assert not is_connected(here)
    assert not here.log.errors


async def test_only_what_is_of_use_is_subscribed_to(ari: FakeAri) -> None:
    watcher = Watcher()
    async with listening(ari.access, watcher):
        await watcher.connected()
        assert ari.allowed == frozenset(TYPES)
        assert ari.sources == ["channel:", "bridge:"], "not all: device states lock Asterisk up"


async def test_without_a_subscription_it_is_not_connected_and_tries_again(ari: FakeAri) -> None:
    watcher, tries = Watcher(), 0

    async def subscribe() -> None:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise PbxRefusedError(403, "Asterisk does not want to; ask it nicely")

    async with listening(ari.access, watcher, Patience(longest_retry=0.05), subscribe) as here:
        await watcher.connected()
    assert (tries, watcher.told) == (4, ["connected"])
    assert len(here.log.errors) == 1
    assert "ask it nicely" in here.log.errors[0]


async def test_after_a_reset_it_is_connected_again_within_two_seconds(ari: FakeAri) -> None:
    watcher = Watcher()
    async with Wire(ari.port) as wire, listening(through(wire, ari), watcher):
        for times in range(1, 4):
            await watcher.connected(times)
            wire.reset()
            began = time.monotonic()
            await watcher.connected(times + 1)
            assert time.monotonic() - began < MENDED_SECONDS * NOISE
        await ari.send(state("wb-9"))
        await watcher.until(lambda: watcher.events)
    told = [one.split(":")[0] if isinstance(one, str) else type(one).__name__ for one in watcher.told]
    assert told == [*("connected", "lost") * 3, "connected", "ChannelStateChange"]


async def test_a_silent_drop_is_found_and_mended_within_two_seconds(ari: FakeAri) -> None:
    watcher = Watcher()
    async with Wire(ari.port) as wire, listening(through(wire, ari), watcher):
        await watcher.connected()
        wire.hush()
        began = time.monotonic()
        await watcher.connected(2)
        assert time.monotonic() - began < MENDED_SECONDS * NOISE
        await ari.send(state("wb-1"))
        await watcher.until(lambda: watcher.events)
    assert wire.connections == 4, "two for events, two to ask: none that the firewall forgot is used again"
    assert watcher.lost == ["Asterisk or the network between went silent"]


def test_the_defaults_find_a_silent_drop_and_mend_it_within_two_seconds() -> None:
    patience = Patience()
    found = patience.ping_every + patience.pong_within + patience.closing
    assert found + patience.first_retry < MENDED_SECONDS
    assert patience.longest_retry <= 1


async def test_a_quiet_connection_is_no_dead_one(ari: FakeAri) -> None:
    watcher = Watcher()
    quick = Patience(ping_every=0.05, pong_within=5.0)
    async with Wire(ari.port) as wire, listening(through(wire, ari), watcher, quick) as here:
        await watcher.connected()
        await asyncio.sleep(0.5)  # ten pings with nothing else
    assert here.listener.counters.connects == 1


async def test_while_asterisk_is_down_it_is_tried_again_and_told_once() -> None:
    async with FakeAri() as ari:
        watcher = Watcher()
        async with listening(ari.access, watcher, Patience(longest_retry=0.05)) as here:
            await watcher.connected()
            port = ari.port
            await ari.stop()
            await watcher.until(lambda: watcher.lost)
            assert not here.listener.connected
            await asyncio.sleep(0.5)  # ten tries
            await ari.start(port)
            await watcher.connected(2)
    whys = [line.split("next_try")[0] for line in here.log.errors]
    assert len(whys) == len(set(whys)) <= 4, "each reason once"
    assert [line.split(" {")[0] for line in here.log.infos] == ["asterisk's events come"]
    assert watcher.told.count("connected") == 2


async def test_a_wrong_password_says_what_to_do_and_shows_none(ari: FakeAri) -> None:
    watcher = Watcher()
    access = ari.access
    ari.password = "another"
    async with listening(access, watcher, Patience(longest_retry=0.05)) as here:
        await eventually(lambda: here.log.errors)
        assert "ari.password" in here.log.errors[0]
        assert "secret" not in here.log.errors[0]
        ari.password = "secret"
        await watcher.connected()


async def test_another_instance_of_the_same_app_is_told_of_and_not_fought(ari: FakeAri) -> None:
    one, two = Watcher(), Watcher()
    async with listening(ari.access, one, Patience(replaced=0.5)) as first:
        await one.connected()
        async with listening(ari.access, two):
            await two.connected()
            await one.until(lambda: one.lost)
            began = time.monotonic()
            assert "give every instance of Waybell an ari.app of its own" in one.lost[0]
            assert any("ari.app" in line for line in first.log.errors)
            assert not first.listener.connected
        await one.connected(2)
        assert time.monotonic() - began > 0.4, "the other one had its time"
    assert Patience().replaced == 10


async def test_a_handler_that_fails_or_hangs_loses_no_other_event(ari: FakeAri) -> None:
    class Clumsy(Watcher):
        async def on_event(self, event: Event) -> None:
            await super().on_event(event)
            if isinstance(event, ChannelStateChange) and event.channel_id == "hangs":
                await asyncio.Event().wait()
            raise RuntimeError("the store is away")

    watcher = Clumsy()
    async with listening(ari.access, watcher, Patience(handler=0.1, insisting=0)) as here:
        await watcher.connected()
        for name in ("wb-1", "hangs", "wb-2", "wb-3"):
            await ari.send(state(name))
        await watcher.until(lambda: len(watcher.events) == 4)
        await ari.send(state("wb-4"))
        await watcher.until(lambda: len(watcher.events) == 5)
    assert here.listener.counters.handler_failures == 5
    assert len(here.log.errors) == 2, "one line for each kind of failure"
    assert not watcher.lost


async def test_an_event_that_cannot_be_taken_now_is_told_again_before_any_other(ari: FakeAri) -> None:
    class Away(Watcher):
        left = 3

        async def on_event(self, event: Event) -> None:
            if isinstance(event, ChannelStateChange) and event.channel_id == "wb-2" and self.left:
                self.left -= 1
                raise NotNowError
            await super().on_event(event)

    watcher = Away()
    async with listening(ari.access, watcher) as here:
        await watcher.connected()
        for name in ("wb-1", "wb-2", "wb-3"):
            await ari.send(state(name))
        await watcher.until(lambda: len(watcher.events) == 3)
    assert [one.channel_id for one in watcher.events if isinstance(one, ChannelStateChange)] == ["wb-1", "wb-2", "wb-3"]
    assert (watcher.left, here.listener.counters.handler_failures) == (0, 0)


async def test_what_is_never_taken_is_given_up_and_told_once(ari: FakeAri) -> None:
    class Never(Watcher):
        async def on_event(self, event: Event) -> None:
            if isinstance(event, ChannelStateChange) and event.channel_id == "wb-1":
                raise NotNowError
            await super().on_event(event)

    watcher = Never()
    async with listening(ari.access, watcher, Patience(insisting=0.3)) as here:
        await watcher.connected()
        for name in ("wb-1", "wb-2"):
            await ari.send(state(name))
        await watcher.until(lambda: len(watcher.events) == 1)
    assert here.listener.counters.handler_failures == 1


async def test_a_check_comes_after_all_that_came_before_it_and_one_at_a_time_waits(ari: FakeAri) -> None:
    go = asyncio.Event()

    class Slow(Watcher):
        async def on_event(self, event: Event) -> None:
            await go.wait()
            await super().on_event(event)

    watcher = Slow()
    async with listening(ari.access, watcher) as here:
        await watcher.connected()
        for name in ("wb-1", "wb-2"):
            await ari.send(state(name))
        await eventually(lambda: here.listener.counters.events == 2)
        for _ in range(3):
            here.listener.check()
        go.set()
        await watcher.until(lambda: "check" in watcher.told)
        here.listener.check()
        await watcher.until(lambda: watcher.told.count("check") == 2)
    kinds = [one if isinstance(one, str) else "event" for one in watcher.told]
    assert kinds == ["connected", "event", "event", "check", "check"]


async def test_a_slow_handler_does_not_slow_the_reading(ari: FakeAri) -> None:
    class Slow(Watcher):
        async def on_event(self, event: Event) -> None:
            await go.wait()
            await super().on_event(event)

    go, watcher = asyncio.Event(), Slow()
    async with listening(ari.access, watcher) as here:
        await watcher.connected()
        for number in range(2000):
            await ari.send(state(f"wb-{number}"))
        await eventually(lambda: here.listener.counters.events == 2000)
        go.set()
        await watcher.until(lambda: len(watcher.events) == 2000)
    assert [one.channel_id for one in watcher.events if isinstance(one, ChannelStateChange)] == [
        f"wb-{number}" for number in range(2000)
    ]


async def test_more_events_than_can_wait_mean_a_new_connection_and_none_out_of_order(ari: FakeAri) -> None:
    class Slow(Watcher):
        async def on_event(self, event: Event) -> None:
            await go.wait()
            await super().on_event(event)

    go, watcher = asyncio.Event(), Slow()
    async with listening(ari.access, watcher, Patience(most_waiting=10)) as here:
        await watcher.connected()
        for number in range(20):
            await ari.send(state(f"wb-{number}"))
        await eventually(lambda: not here.listener.connected)
        go.set()
        await watcher.connected(2)
    assert "over 10 events waited" in watcher.lost[0]
    told = [one.channel_id for one in watcher.events if isinstance(one, ChannelStateChange)]
    assert told == [f"wb-{number}" for number in range(len(told))]
    assert watcher.told[-1] == "connected"


@pytest.mark.parametrize(
    "message",
    ["", "{", "[]", "[" * 100_000, '{"type": "Dial", "peer": 5}', b"\xff\x00", json.dumps({"type": "ChannelVarset"})],
)
async def test_what_is_no_event_is_counted_and_passed_over(message: str | bytes) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send(message)
        await connection.send(state("wb-1"))
        await connection.wait_closed()

    watcher = Watcher()
    async with (
        serve(talk, "127.0.0.1", 0, ping_interval=None) as server,
        listening(_to(_port(server)), watcher, subscribe=nothing) as here,
    ):
        await watcher.until(lambda: watcher.events)
    assert (here.listener.counters.passed_over, here.listener.counters.events) == (1, 1)


async def test_a_message_without_end_ends_the_connection_only() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send(state("wb-1"))
        await connection.send("x" * 100_000)
        await connection.wait_closed()

    watcher = Watcher()
    patience = Patience(most_bytes=10_000)
    async with (
        serve(talk, "127.0.0.1", 0) as server,
        listening(_to(_port(server)), watcher, patience, subscribe=nothing) as here,
    ):
        await watcher.connected(2)
        await watcher.until(lambda: len(watcher.events) == 2)
    assert any("big" in line for line in here.log.errors)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\xff" * 70_000])
async def test_a_peer_that_is_no_websocket_is_asked_again_without_a_flood(answer: bytes) -> None:
    tries = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    watcher = Watcher()
    async with peer(talk) as port, listening(_to(port), watcher, Patience(longest_retry=0.02), nothing) as here:
        await eventually(lambda: tries >= 10)
    assert len(here.log.errors) <= 2
    assert not watcher.told


async def test_a_peer_that_never_shakes_hands_is_given_up() -> None:
    tries = 0

    async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        await reader.read()

    async with peer(talk) as port, listening(_to(port), Watcher(), Patience(opening=0.1, longest_retry=0.02), nothing):
        await eventually(lambda: tries >= 3)


async def test_a_connection_that_breaks_again_and_again_is_not_made_in_a_storm() -> None:
    came: list[float] = []

    async def talk(connection: ServerConnection) -> None:
        came.append(time.monotonic())
        await connection.close()

    watcher = Watcher()
    async with (
        serve(talk, "127.0.0.1", 0) as server,
        listening(_to(_port(server)), watcher, Patience(longest_retry=0.2), nothing) as here,
    ):
        await watcher.connected(8)
    # 0.05, 0.1 and then 0.2 seconds, a quarter less at most.
    assert came[7] - came[0] > 0.75 * (0.05 + 0.1 + 5 * 0.2) * 0.9
    assert len(here.log.errors) == 1


async def test_stopping_tells_what_was_read_and_does_not_wait_for_a_hanging_handler(ari: FakeAri) -> None:
    class Hanging(Watcher):
        async def on_event(self, event: Event) -> None:
            await super().on_event(event)
            await asyncio.Event().wait()

    watcher = Hanging()
    async with listening(ari.access, watcher, Patience(stopping=0.1)):
        await watcher.connected()
        await ari.send(json.dumps({"type": "ChannelDestroyed", "channel": {"id": "wb-1"}}))
        await watcher.until(lambda: watcher.events)
    assert isinstance(watcher.events[0], ChannelDestroyed)


async def test_it_stops_at_once_while_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with listening(Access(f"http://127.0.0.1:{port}", "waybell", "secret"), Watcher()) as here:
        await eventually(lambda: here.log.errors)
    assert here.task.done()


def _port(server: Server) -> int:
    return int(next(iter(server.sockets)).getsockname()[1])


def _to(port: int) -> Access:
    return Access(f"http://127.0.0.1:{port}", "waybell", "secret")
