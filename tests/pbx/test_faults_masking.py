"""A recipient and a courier talk through the company: neither sees the other's number in any byte that reaches them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab import sip
from lab.dialog import ALLOW, SDP, OutgoingCall
from lab.phone import SILENCE, Answer, IncomingCall, Phone
from lab.stack import Stack
from tests.pbx.faults.callers import ANNA, BORIS, OFFICE, Callers
from tests.pbx.faults.company import company, journal_of
from waybell.people.demo import COMPANY_NUMBER

pytestmark = pytest.mark.pbx

# Ten digits: a number is given away in whatever form it is written, with +7, 8 or nothing before it.
ANNAS, BORISS = ANNA[1:].encode(), BORIS[1:].encode()
ANNAS_HEADERS: sip.Headers = (
    (b"P-Asserted-Identity", b'"Anna ' + ANNAS + b'" <sip:+7' + ANNAS + b"@example.com>"),
    (b"Remote-Party-ID", b"<sip:8" + ANNAS + b"@example.com>;party=calling;screen=yes"),
    (b"Diversion", b"<tel:+7" + ANNAS + b">;reason=unconditional"),
    (b"History-Info", b"<sip:" + ANNAS + b"@example.com>"),
    (b"Subject", ANNAS),
    (b"User-to-User", ANNAS),
    (b"X-Caller", ANNAS),
    (b"Alert-Info", b"<http://example.com/" + ANNAS + b">"),
)
BORISS_HEADERS: sip.Headers = (
    (b"P-Asserted-Identity", b'"Boris ' + BORISS + b'" <sip:+7' + BORISS + b"@example.com>"),
    (b"Remote-Party-ID", b"<sip:7" + BORISS + b"@example.com>;party=called"),
    (b"Server", BORISS),
    (b"X-Courier", BORISS),
)


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with company(tmp_path) as running:
        running.office.default = Answer(talk=0.1)
        yield running


async def call_of_anna(stack: Stack) -> tuple[OutgoingCall, IncomingCall]:
    """Anna calls with her number wherever it can be put; Boris's phone has the call and says nothing yet."""
    stack.provider.default = SILENCE
    call = await stack.provider.call(COMPANY_NUMBER, ANNA, b"Anna " + ANNAS, headers=ANNAS_HEADERS)
    return call, await stack.provider.called(BORIS)


async def answer(phone: Phone, arrived: IncomingCall) -> None:
    """Rings, then answers, with Boris's number in every header that could carry it."""
    phone.answer(arrived.invite, sip.RINGING, (ALLOW, *BORISS_HEADERS), tag=arrived.tag)
    await arrived.media.open()
    arrived.media.follow(arrived.invite.body)
    phone.answer(arrived.invite, sip.OK, (ALLOW, *SDP, *BORISS_HEADERS), arrived.media.offer(), arrived.tag)
    arrived.note_answered()


def all_bytes(messages: list[sip.Message]) -> bytes:
    return b"\n".join(message.raw for message in messages)


async def test_neither_side_sees_the_others_number_in_any_message(stack: Stack) -> None:
    call, arrived = await call_of_anna(stack)
    await answer(stack.provider, arrived)
    await call.answered()
    update = await arrived.request(b"UPDATE", BORISS_HEADERS)
    assert update is not None
    assert update.status == 200
    for side in (call, arrived):
        await side.media.heard(10)
    await call.request(b"UPDATE", ANNAS_HEADERS)
    await call.hangup()
    await arrived.ended()
    assert len(arrived.messages) > 1
    assert len(call.messages) > 1
    assert ANNAS not in all_bytes(arrived.messages)
    assert BORISS not in all_bytes(call.messages)
    assert arrived.caller == COMPANY_NUMBER
    assert "Посылка 10".encode() in arrived.invite.header("From")


@pytest.mark.parametrize("status", [302, 181, 380, 486])
async def test_a_courier_who_forwards_the_call_leads_it_nowhere_else(stack: Stack, status: int) -> None:
    callers = Callers(stack)
    stack.provider.behaviours[BORIS] = SILENCE
    calling = asyncio.create_task(callers.call(ANNA, headers=ANNAS_HEADERS))
    arrived = await stack.provider.called(BORIS)
    contacts: sip.Headers = (
        (b"Contact", b"<sip:79009009090@127.0.0.2>"),
        (b"Diversion", b"<sip:7" + BORISS + b"@x>;reason=no-answer"),
    )
    if status == 181:
        stack.provider.answer(arrived.invite, (181, b"Call Is Being Forwarded"), contacts, tag=arrived.tag)
        status = 486
    stack.provider.send(sip.response(arrived.invite, status, b"Elsewhere", arrived.tag, (*contacts, *BORISS_HEADERS)))
    await calling
    (row,) = await journal_of(callers)
    assert set(callers.rung()) <= {BORIS, "199", "100", OFFICE}
    assert callers.rung().count(BORIS) == 1
    assert row["answered_by"]["number"] in ("199", "100")
    assert ANNAS not in all_bytes(arrived.messages)
