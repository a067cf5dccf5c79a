"""A caller who withholds their number: it is used to find the right person, and nobody who is rung sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lab import sip
from lab.phone import BUSY, NO_ANSWER, Answer, IncomingCall
from lab.stack import Stack, point_at
from lab.waybell_process import free_port
from tests.pbx.faults.callers import ANNA, BORIS, OFFICE, STRANGER
from tests.pbx.faults.company import company
from waybell.people.demo import COMPANY_NUMBER

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

PRIVATE: sip.Headers = ((b"Privacy", b"id"),)
SPELLINGS = ["7{}", "+7{}", "8{}"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with company(tmp_path_factory.mktemp("withheld")) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="module")
async def stack(running: Stack) -> Stack:
    """Whoever is rung answers; Waybell is asked."""
    for phone in (running.provider, running.office):
        phone.calls.clear()
        phone.behaviours = {}
        phone.default = Answer(talk=0.1)
    await point_at(running.pbx, running.agi_port)
    return running


async def withholding(stack: Stack, number: str, spelling: str = "7{}") -> None:
    """The whole call of one whose number the network tells us, and asks us not to show."""
    asserted = spelling.format(number[1:]).encode()
    headers = ((b"P-Asserted-Identity", b"<sip:" + asserted + b"@example.com>"), *PRIVATE)
    call = await stack.provider.call(COMPANY_NUMBER, "anonymous", "Anonymous", headers=headers)
    await call.ended()


def assert_unseen(number: str, rung: IncomingCall) -> None:
    assert number[1:].encode() not in b"".join(message.raw for message in rung.messages)


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_the_office_does_not_see_a_withheld_number(stack: Stack, spelling: str) -> None:
    await withholding(stack, STRANGER, spelling)
    (rung,) = stack.office.calls
    assert rung.user == OFFICE
    assert_unseen(STRANGER, rung)
    assert rung.caller == "anonymous"


async def test_the_older_header_withholds_too(stack: Stack) -> None:
    party = b"<sip:" + STRANGER.encode() + b"@example.com>;party=calling;privacy=full"
    call = await stack.provider.call(COMPANY_NUMBER, "anonymous", headers=((b"Remote-Party-ID", party),))
    await call.ended()
    (rung,) = stack.office.calls
    assert_unseen(STRANGER, rung)


async def test_a_number_that_is_not_withheld_is_shown(stack: Stack) -> None:
    asserted = ((b"P-Asserted-Identity", b"<sip:" + STRANGER.encode() + b"@example.com>"),)
    call = await stack.provider.call(COMPANY_NUMBER, "anonymous", headers=asserted)
    await call.ended()
    (rung,) = stack.office.calls
    assert rung.caller == STRANGER
    assert STRANGER.encode() in rung.invite.header("P-Asserted-Identity")


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_who_withholds_their_number_is_recognised_and_the_courier_sees_the_companys(
    stack: Stack, spelling: str
) -> None:
    await withholding(stack, ANNA, spelling)
    (rung,) = stack.provider.calls
    assert rung.user == BORIS
    assert rung.caller == COMPANY_NUMBER
    assert "Посылка 10".encode() in rung.invite.header("From")
    assert COMPANY_NUMBER.encode() in rung.invite.header("P-Asserted-Identity")
    assert_unseen(ANNA, rung)


async def test_a_withheld_number_stays_unseen_at_every_later_step(stack: Stack) -> None:
    stack.provider.behaviours[BORIS] = BUSY
    stack.office.default = BUSY
    stack.office.behaviours[OFFICE] = Answer(talk=0.1)
    await withholding(stack, ANNA)
    assert sorted(rung.user for rung in stack.office.calls) == ["100", "199", OFFICE]
    for rung in stack.office.calls:
        assert_unseen(ANNA, rung)
        assert rung.caller == "anonymous"


async def test_without_a_waybell_the_office_does_not_see_a_withheld_number(stack: Stack) -> None:
    await point_at(stack.pbx, free_port())
    await withholding(stack, STRANGER)
    (rung,) = stack.office.calls
    assert_unseen(STRANGER, rung)


async def test_when_waybell_goes_after_the_courier_was_rung_the_number_stays_unseen(stack: Stack) -> None:
    stack.provider.behaviours[BORIS] = NO_ANSWER
    asserted = ((b"P-Asserted-Identity", b"<sip:" + ANNA.encode() + b"@example.com>"), *PRIVATE)
    call = await stack.provider.call(COMPANY_NUMBER, "anonymous", headers=asserted)
    courier = await stack.provider.called(BORIS)
    await point_at(stack.pbx, free_port())
    courier.refuse(486, b"Busy Here")
    await call.ended()
    (rung,) = stack.office.calls
    assert rung.user == OFFICE
    assert_unseen(ANNA, rung)


@pytest.mark.parametrize("short", ["199", "100500"])
async def test_without_a_waybell_nobody_outside_passes_for_an_extension(stack: Stack, short: str) -> None:
    await point_at(stack.pbx, free_port())
    call = await stack.provider.call(COMPANY_NUMBER, short)
    await call.ended()
    (rung,) = stack.office.calls
    assert rung.caller != short
    assert short.encode() not in rung.invite.header("P-Asserted-Identity")
