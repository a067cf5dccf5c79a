"""The REST client against a fake ARI, and against peers that hang, break or lie."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from starlette.responses import JSONResponse, Response

from ari_app import rest
from ari_app.access import Access
from ari_app.client import AriClient
from tests.loopback.ari.fake_ari import FakeAri
from tests.loopback.ari.peers import Talk, peer
from waybell.callbacks.ports import Originate, PbxRefusedError, PbxUnavailableError

CALL = Originate(
    channel_id="wb-1",
    dial="PJSIP/79010000011@trunk",
    context="waybell-callback",
    extension="c1",
    caller_number="74951234567",
    caller_name="Waybell",
    ring_seconds=25,
    variables={"WAYBELL_CALLBACK": "c1"},
)


@pytest.fixture
async def client(ari: FakeAri) -> AsyncIterator[AriClient]:
    async with AriClient(ari.access) as one:
        yield one


@asynccontextmanager
async def hostile(talk: Talk) -> AsyncIterator[Access]:
    """An Asterisk that is none."""
    async with peer(talk) as port:
        yield Access(f"http://127.0.0.1:{port}", "waybell", "secret", deadline=0.3)


async def unavailable(access: Access) -> PbxUnavailableError:
    """What an originate there raises."""
    async with AriClient(access) as client:
        with pytest.raises(PbxUnavailableError) as raised:
            await client.originate(CALL)
    assert access.password not in str(raised.value)
    return raised.value


async def test_an_originate_asks_for_all_that_it_is_told(ari: FakeAri, client: AriClient) -> None:
    await client.originate(CALL)
    assert ari.originated == [
        {
            "channelId": "wb-1",
            "endpoint": "PJSIP/79010000011@trunk",
            "context": "waybell-callback",
            "extension": "c1",
            "priority": 1,
            "callerId": '"Waybell" <74951234567>',
            "timeout": 25,
            "variables": {"WAYBELL_CALLBACK": "c1"},
        }
    ]


async def test_a_hostile_name_and_variable_arrive_harmless(ari: FakeAri, client: AriClient) -> None:
    odd = {"A": "x\0\ud800\n,;|${X}"}
    await client.originate(replace(CALL, caller_name='"<\r\n>\\', caller_number="7;x=1", variables=odd))
    body = ari.originated[0]
    assert (body["callerId"], body["variables"]) == ('"" <71>', {"A": "x?\n,;|${X}"})


async def test_without_a_caller_none_is_shown(ari: FakeAri, client: AriClient) -> None:
    await client.originate(replace(CALL, caller_name="", caller_number=""))
    assert "callerId" not in ari.originated[0]


async def test_channels_are_listed_and_ended(ari: FakeAri, client: AriClient) -> None:
    ari.scene = "first_deleted_ringing"
    await client.originate(CALL)
    assert set(await client.channels()) == {"wb-1"}
    assert await client.hangup("wb-1")
    assert ari.deleted == [{"id": "wb-1", "reason": "normal"}]
    assert not await client.hangup("wb-1")
    assert not await client.channels()


async def test_channels_tell_what_they_dial_and_who_talks(ari: FakeAri, client: AriClient) -> None:
    ari.alive |= {"wb-1", "wb-2", "leg"}
    ari.doing["wb-1"] = {"app_name": "Dial", "app_data": "PJSIP/79161000001@trunk,25,IiS(1800)"}
    ari.doing["wb-2"] = {"app_name": "Read", "app_data": "WAYBELL_KEY,PJSIP/1"}
    ari.bridges = [["wb-1", "leg"], ["wb-2"], []]
    seen = await client.channels()
    assert {one: found.dialling for one, found in seen.items()} == {
        "wb-1": "PJSIP/79161000001@trunk",
        "wb-2": "",
        "leg": "",
    }
    assert await client.talking() == {"wb-1", "leg"}


async def test_an_id_is_one_part_of_the_path(ari: FakeAri, client: AriClient) -> None:
    ari.alive.add("wb-1")
    for channel_id in ("x/../wb-1", "wb-1?reason=busy", "../channels/wb-1", "%77b-1"):
        with suppress(PbxRefusedError):
            assert not await client.hangup(channel_id)
    assert ari.alive == {"wb-1"}


async def test_the_time_of_the_start_is_told_in_utc(client: AriClient) -> None:
    assert await client.started_at() == datetime(2026, 11, 22, 5, 26, 35, 123000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (400, {"message": "Extension not found"}, "Extension not found"),
        (401, {"message": "Authentication required"}, "ari.password"),
        (403, {"message": "Write access denied"}, "read_only = no"),
        (404, {}, "enabled = yes"),
        (409, {"message": "Channel with given unique ID already exists"}, "already exists"),
        (500, {"error": "Allocation failed"}, "pjsip show endpoints"),
        (503, {}, "HTTP 503"),
        (302, {}, "HTTP 302"),
        (200, {}, ""),
    ],
)
async def test_a_refusal_says_what_to_do(
    ari: FakeAri, client: AriClient, status: int, body: dict[str, str], says: str
) -> None:
    ari.instead = JSONResponse(body, status)
    if status == 200:
        return await client.originate(CALL)
    with pytest.raises(PbxRefusedError) as raised:
        await client.originate(CALL)
    assert raised.value.status == status
    assert says in str(raised.value)
    assert "PJSIP/79010000011@trunk" in str(raised.value)
    assert ari.password not in str(raised.value)
    return None


async def test_a_wrong_password_is_told_without_showing_it(ari: FakeAri) -> None:
    async with AriClient(replace(ari.access, password="guess")) as client:
        with pytest.raises(PbxRefusedError, match=r"ari\.password") as raised:
            await client.channels()
    assert raised.value.status == 401
    assert "guess" not in str(raised.value) + repr(replace(ari.access, password="guess"))


@pytest.mark.parametrize("answer", [b"", b"[", b"{}", b"[1]", b'[{"id": 5}]', b"[" * 100_000, b"\xff", b"null"])
async def test_an_answer_that_is_no_list_of_channels_is_not_taken_for_none(
    ari: FakeAri, client: AriClient, answer: bytes
) -> None:
    ari.instead = Response(answer, 200)
    with pytest.raises(PbxUnavailableError, match="list of channels"):
        await client.channels()


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"status": 5}', b'{"status": {"startup_time": "x"}}', b"[]"])
async def test_an_answer_without_a_start_is_no_start(ari: FakeAri, client: AriClient, answer: bytes) -> None:
    ari.instead = Response(answer, 200)
    with pytest.raises(PbxUnavailableError, match="start"):
        await client.started_at()


async def test_an_answer_without_end_is_cut(ari: FakeAri, client: AriClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "LARGEST_ANSWER", 1 << 20)
    ari.instead = Response(b'["' + b"x" * (2 << 20), 200)
    with pytest.raises(PbxUnavailableError, match="over 1 MB"):
        await client.channels()


async def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = await unavailable(Access(f"http://127.0.0.1:{port}", "waybell", "secret"))
    assert not error.sent
    assert "start Asterisk" in str(error)


async def test_a_connection_that_never_opens_is_given_up_and_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as one, socket.socket() as two:
        for waiting in (one, two):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        access = Access(f"http://127.0.0.1:{full.getsockname()[1]}", "waybell", "secret", deadline=0.2)
        error = await unavailable(access)
    assert not error.sent


async def test_a_question_that_is_never_answered_may_have_had_its_effect() -> None:
    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with hostile(hang) as access:
        error = await unavailable(access)
    assert error.sent
    assert "not within 0.3 s" in str(error)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"SSH-2.0-OpenSSH\r\n"]
)
async def test_a_broken_answer_leaves_open_what_happened(answer: bytes) -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with hostile(broken) as access:
        assert (await unavailable(access)).sent


async def test_an_answer_byte_by_byte_does_not_outlast_the_deadline() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(1000):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with hostile(drip) as access:
        async with asyncio.timeout(5):
            error = await unavailable(access)
        assert error.sent


async def test_a_hanging_asterisk_gets_no_more_connections_than_it_may() -> None:
    at_once = most = 0

    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await reader.read()
        at_once -= 1

    async with hostile(hang) as access, AriClient(replace(access, connections=3)) as client:
        asked = [client.originate(replace(CALL, channel_id=f"wb-{n}")) for n in range(30)]
        errors = await asyncio.gather(*asked, return_exceptions=True)
    assert most == 3
    assert all(isinstance(error, PbxUnavailableError) for error in errors)
    assert sum(isinstance(error, PbxUnavailableError) and error.sent for error in errors) == 3


async def test_it_works_again_after_a_restart(ari: FakeAri, client: AriClient) -> None:
    assert not await client.channels()
    port = ari.port
    await ari.stop()
    with pytest.raises(PbxUnavailableError):
        await client.channels()
    await ari.start(port)
    assert not await client.channels()
