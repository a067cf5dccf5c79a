"""The live stream, through a real Asterisk and a real Waybell: who calls, where it goes, and nothing missed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tomllib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from lab.callbacks import PARTS, Client, client
from lab.live import Event, Listener, listening
from lab.phone import NO_ANSWER
from lab.stack import Stack, running_stack
from lab.waybell_process import Waybell
from tests.pbx.faults.callers import ANNA, BORIS, DARIA, STRANGER, Callers
from tests.pbx.faults.event_log import rotate

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

WHOLE = ["call.started", "call.routed", "call.answered", "call.ended"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    calls = {"ring_seconds": 2}
    async with running_stack(tmp_path_factory.mktemp("live"), changes={"calls": calls}, only=PARTS) as stack:
        yield stack
        await stack.pbx.kill9()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(company: Stack) -> AsyncIterator[Client]:
    async with client(company, "operator") as one:
        yield one


def new_events(events: list[Event], seen: set[str]) -> list[str]:
    """The keys of the calls' events among ``events`` that are not in ``seen``, which they are added to."""
    keys = [event.key for event in events if event.type.startswith("call.")]
    assert len(set(keys)) == len(keys)
    new = [key for key in keys if key not in seen]
    seen.update(new)
    return new


def types_by_call(listener: Listener, callers: Callers) -> dict[str, list[str]]:
    """What was told of each call, by the number it dialled."""
    return {placed.did: [event.type for event in listener.of(placed.did)] for placed in callers.log}


async def test_a_call_is_on_the_stream_from_its_invite_to_its_end(company: Stack, desk: Client) -> None:
    async with listening(desk.http) as stream:
        callers = Callers(company)
        placed = await callers.call(ANNA)
        await stream.ended(1)
        told = stream.of(placed.did)
        assert [event.type for event in told] == WHOLE
        started, routed, answered, ended = told
        assert (started.call["caller"]["number"], started.call["status"]) == (ANNA, "in_progress")
        assert (routed.call["caller"]["kind"], routed.call["parcel"], routed.call["courier"]) == (
            *("recipient", "10"),
            "11",
        )
        assert answered.call["answered_by"]["number"] == BORIS
        assert ended.call["status"] == "answered"


async def test_a_call_that_nobody_answers_is_told_as_missed(company: Stack, desk: Client) -> None:
    async with listening(desk.http) as stream:
        callers = Callers(company)
        company.provider.default = company.office.default = NO_ANSWER
        call = await company.provider.call(did := callers.next_did(), STRANGER)
        await call.ringing()
        await call.cancel()
        await stream.until(lambda now: any(event.type == "call.missed" for event in now.of(did)))
        assert [event.type for event in stream.of(did)][-2:] == ["call.ended", "call.missed"]


async def test_whoever_comes_back_in_the_middle_of_calls_misses_nothing_while_the_log_is_rotated(
    company: Stack, desk: Client
) -> None:
    callers, log = Callers(company, talk=0.3), company.pbx.cel_path
    async with listening(desk.http) as witness:
        last, seen, told = witness.events[0].id, set[str](), list[str]()
        placing = asyncio.create_task(callers.in_turn([ANNA, DARIA] * 20, 0.1))
        turns = 0
        while not placing.done() or len(told) < len(callers.log) * len(WHOLE):
            async with listening(desk.http, last) as stream:
                await stream.until(lambda now: len(now.events) >= 3 or now.over)
                assert {event.type for event in stream.events} <= set(WHOLE)
                told += new_events(stream.events, seen)
                last = stream.last_id
            turns += 1
            if turns in (5, 15, 25):
                rotate(log)
        await placing
        await witness.ended(40)
        assert types_by_call(witness, callers) == {placed.did: WHOLE for placed in callers.log}
        assert told == [event.key for event in witness.events if event.type.startswith("call.")]
        assert turns > 10


async def test_of_fifty_clients_one_that_never_reads_hinders_nobody(company: Stack, desk: Client) -> None:
    callers, clock = Callers(company, talk=0.2), asyncio.get_running_loop().time
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(listening(desk.http)) for _ in range(49)]
        deaf = stack.enter_context(contextlib.closing(await never_reading(company, desk)))
        await callers.in_turn([ANNA, DARIA] * 20, 0.1)
        began = clock()
        for reader in readers:
            await reader.ended(40)
        assert all(types_by_call(one, callers) == types_by_call(readers[0], callers) for one in readers)
        assert set(map(tuple, types_by_call(readers[0], callers).values())) == {tuple(WHOLE)}
        assert clock() - began < 10
        assert deaf.fileno() >= 0


async def never_reading(company: Stack, desk: Client) -> socket.socket:
    """A client that asks and takes next to nothing of the answer."""
    host, port = company.web_listen.split(":")
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    peer.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(peer, (host, int(port)))
    token = desk.http.headers["Authorization"]
    await loop.sock_sendall(peer, f"GET /api/v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode())
    return peer


async def test_ids_are_good_after_waybell_is_killed_and_started_again(company: Stack, desk: Client) -> None:
    callers = Callers(company, talk=0.5)
    async with listening(desk.http) as stream:
        placing = asyncio.create_task(callers.in_turn([ANNA, DARIA] * 6, 0.15))
        await stream.until(lambda now: len(now.events) >= 8)
        await company.waybell.kill9()
        seen = set[str]()
        told, last = new_events(stream.events, seen), stream.last_id
    await placing
    rotate(company.pbx.cel_path)
    await callers.call(ANNA)
    await company.waybell.start()
    async with listening(desk.http, last) as stream:
        await stream.until(
            lambda now: (
                now.events and now.events[-1].type in WHOLE and now.events[-1].call["dialed"] == callers.log[-1].did
            )
        )
        await stream.until(lambda now: now.events[-1].type == "call.ended")
        assert {event.type for event in stream.events} <= {*WHOLE, "call.missed"}
        print("MARK", last, [(e.type, e.id, e.key) for e in stream.events][:8])
        told += new_events(stream.events, seen)
    ends = [key for key in told if key.endswith("/ended")]
    assert len(ends) == len(callers.log)


async def test_a_stream_ends_soon_after_its_token_is_revoked(company: Stack, desk: Client) -> None:
    async with client(company, "operator", "--network", "127.0.0.0/8") as other, listening(desk.http) as stays:
        async with listening(other.http) as stream:
            code, out, errors = await company.waybell.command("token", "list", "--json")
            assert code == 0, errors
            token = other.http.headers["Authorization"].split("_")[1]
            assert token in out
            code, _, errors = await company.waybell.command("token", "revoke", token)
            assert code == 0, errors
            await stream.until(lambda now: now.over, 15)
        assert (await other.http.get("/live")).status_code == 401
        assert not stays.over


async def test_who_has_no_operators_token_sees_nothing(company: Stack, desk: Client) -> None:
    async with client(company, "courier") as courier:
        answer = await courier.http.get("/live")
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:waybell:problem:missing-scope")
    answer = await desk.http.get("/live", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 401


async def test_a_waybell_that_is_stopped_ends_its_streams_at_once(company: Stack, desk: Client) -> None:
    async with listening(desk.http) as stream:
        clock = asyncio.get_running_loop().time
        began = clock()
        assert await company.waybell.stop() == 0
        await stream.until(lambda now: now.over)
        took = clock() - began
    await company.waybell.start()
    assert "Traceback" not in company.waybell.log_tail(200)
    assert took < 5


async def test_a_process_that_only_serves_the_web_tells_what_happens(tmp_path: Path) -> None:
    async with running_stack(tmp_path, only="journal,agi") as stack:
        first = stack.waybell
        second = Waybell(tmp_path / "web", tomllib.loads(first.config.read_text()), "web")
        async with second, client(stack, "operator") as desk, listening(desk.http) as stream:
            callers = Callers(stack)
            placed = await callers.call(ANNA)
            await stream.ended(1)
            assert [event.type for event in stream.of(placed.did)] == WHOLE
        await stack.pbx.kill9()
