"""A recipient and a courier talk through the company: neither sees the other's number in any byte that reaches them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lab import sip
from lab.dialog import ALLOW, SDP, Dialog, OutgoingCall
from lab.phone import SILENCE, Answer, IncomingCall, Phone
from lab.stack import Stack
from tests.pbx.faults.callers import ANNA, BORIS
from tests.pbx.faults.company import company
from waybell.people.demo import COMPANY_NUMBER

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with company(tmp_path_factory.mktemp("masking")) as stack:
        yield stack


@pytest.fixture
def stack(running: Stack) -> Stack:
    """Boris's phone has the call and says nothing by itself; the office answers."""
    for phone in (running.provider, running.office):
        phone.calls.clear()
    running.provider.default = SILENCE
    running.office.default = Answer(talk=0.1)
    return running


async def call_of_anna(stack: Stack) -> tuple[OutgoingCall, IncomingCall]:
    """Anna calls with her number wherever it can be put."""
    call = await stack.provider.call(COMPANY_NUMBER, ANNA, b"Anna " + ANNAS, headers=ANNAS_HEADERS)
    return call, await stack.provider.called(BORIS)


async def answer(phone: Phone, arrived: IncomingCall) -> None:
    """Rings, then answers, with Boris's number in every header that could carry it."""
    phone.answer(arrived.invite, sip.RINGING, (ALLOW, *BORISS_HEADERS), tag=arrived.tag)
    await arrived.media.open()
    arrived.media.follow(arrived.invite.body)
    phone.answer(arrived.invite, sip.OK, (ALLOW, *SDP, *BORISS_HEADERS), arrived.media.offer(), arrived.tag)
    arrived.note_answered()


async def tell(speaks: Dialog, method: bytes, headers: sip.Headers) -> None:
    """Offers the same sound anew, with ``headers``; fails unless Asterisk takes it."""
    told = await speaks.request(method, (ALLOW, *headers, *SDP), speaks.media.offer())
    assert told is not None
    assert told.status == 200
    if method == b"INVITE":
        speaks.phone.send(speaks.phone.write_request(b"ACK", speaks.target, speaks.heading(b"ACK")))


async def all_told(teller: Dialog, other: Dialog) -> None:
    """Returns when whatever ``teller``'s last request leads to at ``other`` has been sent there.

    A key goes the same way through the bridge as news of who is connected; a request of ``other``'s is then answered
    by the same thread of Asterisk's that would send the news.
    """
    await teller.send_dtmf("7", info=True)
    await other.media.pressed("7")
    await other.request(b"OPTIONS")


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


@pytest.mark.parametrize("teller", ["the recipient", "the courier"])
@pytest.mark.parametrize("method", [b"INVITE", b"UPDATE"])
async def test_a_number_that_one_side_tells_only_in_mid_call_does_not_reach_the_other(
    stack: Stack, method: bytes, teller: str
) -> None:
    # No identity before: Asterisk passes on only what is news to it.
    call = await stack.provider.call(COMPANY_NUMBER, ANNA)
    arrived = await stack.provider.called(BORIS)
    await arrived.pick_up()
    await call.answered()
    recipient_tells = teller == "the recipient"
    speaks, hears = (call, arrived) if recipient_tells else (arrived, call)
    headers = ANNAS_HEADERS if recipient_tells else BORISS_HEADERS
    before = len(hears.messages)
    await tell(speaks, method, headers)
    await all_told(speaks, hears)
    assert (ANNAS if recipient_tells else BORISS) not in all_bytes(hears.messages)
    assert [message.start for message in hears.messages[before:]] == []
    await call.hangup()
    await arrived.ended()


@pytest.mark.parametrize("status", [302, 181, 380, 486])
async def test_a_courier_who_forwards_the_call_leads_it_nowhere_else(stack: Stack, status: int) -> None:
    contacts: sip.Headers = (
        (b"Contact", b"<sip:79009009090@127.0.0.2>"),
        (b"Diversion", b"<sip:7" + BORISS + b"@x>;reason=no-answer"),
    )
    call, arrived = await call_of_anna(stack)
    if status == 181:
        stack.provider.answer(arrived.invite, (181, b"Call Is Being Forwarded"), contacts, tag=arrived.tag)
        status = 486
    elsewhere = sip.response(arrived.invite, status, b"Elsewhere", arrived.tag, (*contacts, *BORISS_HEADERS))
    stack.provider.send(elsewhere)
    await call.ended()
    rung = sorted(arrived.user for arrived in (*stack.provider.calls, *stack.office.calls))
    assert rung == ["100", "199", BORIS]
    assert ANNAS not in all_bytes(arrived.messages)
    assert BORISS not in all_bytes(call.messages)
