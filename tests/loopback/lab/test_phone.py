"""The laboratory's phone against bare datagrams: it must keep the rules that a PBX relies on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from lab import sip
from lab.phone import Answer, Phone

NOWHERE = ("127.0.0.1", 9)


class Wire(asyncio.DatagramProtocol):
    """A caller without manners of its own: what comes is queued, what is sent is what the test says."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[sip.Message] = asyncio.Queue()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:
        message = sip.parse(data)
        assert message is not None
        self.came.put_nowait(message)

    def send(self, method: bytes, number: int) -> None:
        host, port = self.transport.get_extra_info("sockname")
        headers = (
            (b"Via", f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{method.decode()}{number}".encode()),
            (b"From", b"<sip:79161234567@caller>;tag=one"),
            (b"To", b"<sip:100@callee>"),
            (b"Call-ID", b"only"),
            (b"CSeq", b"%d %s" % (number, method)),
            (b"Contact", f"<sip:caller@{host}:{port}>".encode()),
        )
        self.transport.sendto(sip.build(method + b" sip:100@callee SIP/2.0", headers))

    async def next(self) -> tuple[bytes, bytes]:
        """Method and start line of the next message."""
        async with asyncio.timeout(5):
            message = await self.came.get()
        return message.method, message.start


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with Phone(("127.0.0.1", 0), NOWHERE, Answer(talk=0)) as ringing:
        yield ringing


@pytest.fixture
async def wire(phone: Phone) -> AsyncIterator[Wire]:
    loop = asyncio.get_running_loop()
    transport, made = await loop.create_datagram_endpoint(Wire, ("127.0.0.1", 0), phone.address)
    phone.peer = transport.get_extra_info("sockname")
    yield made
    transport.close()


async def test_a_phone_that_hangs_up_at_once_waits_for_the_ack_of_its_answer(phone: Phone, wire: Wire) -> None:
    wire.send(b"INVITE", 1)
    assert await wire.next() == (b"INVITE", b"SIP/2.0 180 Ringing")
    assert await wire.next() == (b"INVITE", b"SIP/2.0 200 OK")
    wire.send(b"OPTIONS", 2)
    assert await wire.next() == (b"OPTIONS", b"SIP/2.0 200 OK")
    wire.send(b"ACK", 1)
    method, _ = await wire.next()
    assert method == b"BYE"


async def test_a_caller_who_hangs_up_before_the_ack_gets_no_bye(phone: Phone, wire: Wire) -> None:
    wire.send(b"INVITE", 1)
    call = await phone.called("100")
    await call.answered()
    wire.send(b"BYE", 2)
    assert not (await call.ended()).by_us
    assert [(await wire.next())[0] for _ in range(3)] == [b"INVITE", b"INVITE", b"BYE"]
    wire.send(b"OPTIONS", 3)
    assert await wire.next() == (b"OPTIONS", b"SIP/2.0 200 OK")
