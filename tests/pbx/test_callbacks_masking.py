"""Neither of two who are joined learns the other's number, from no byte that is sent to them."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import closing

import pytest
import pytest_asyncio

from lab.callbacks import FINAL, CallingStack, calling_stack
from lab.dialog import Dialog
from lab.phone import BUSY, Answer, IncomingCall
from waybell.people.demo import COMPANY_NUMBER

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

BORIS, SEMYON, ANNA = "79010000011", "79010000012", "79161000001"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CallingStack]:
    async with calling_stack(tmp_path_factory.mktemp("masking")) as all_:
        yield all_


def everything(call: IncomingCall) -> bytes:
    """All that was sent to this phone for the call, SDP and mid-call requests too."""
    return b"\n".join([call.invite.raw, *(message.raw for message in call.messages)])


def digits(number: str) -> bytes:
    """The part of ``number`` that no other spelling of it lacks."""
    return number[-10:].encode()


async def joined(company: CallingStack) -> tuple[IncomingCall, IncomingCall, str]:
    """Boris and Anna, talking."""
    provider = company.stack.provider
    provider.behaviours = {BORIS: Answer(), ANNA: Answer(after=0.3)}
    provider.calls.clear()
    callback = await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")
    courier = await provider.called(BORIS)
    await courier.answered()
    await asyncio.sleep(0.3)
    await courier.send_dtmf("1")
    await company.app.until(callback, "talking")
    return courier, await provider.called(ANNA), callback


async def test_no_byte_sent_to_either_carries_the_others_digits(company: CallingStack) -> None:
    courier, recipient, callback = await joined(company)
    # What a phone says of itself in mid-call must not travel on either.
    for one, number in ((courier, BORIS), (recipient, ANNA)):
        await say_who_i_am(one, number)
    await recipient.hangup()
    await company.app.until(callback, *FINAL)
    assert digits(ANNA) not in everything(courier)
    assert digits(BORIS) not in everything(recipient)
    for call in (courier, recipient):
        assert COMPANY_NUMBER.encode() in call.invite.header("From")
    assert b"parcel" not in everything(recipient).lower()


async def say_who_i_am(call: Dialog, number: str) -> None:
    asserted = (b"P-Asserted-Identity", b"<sip:+" + number.encode() + b"@example.test>")
    privacy = (b"Remote-Party-ID", b"<sip:" + number.encode() + b"@example.test>;party=calling")
    await call.request(b"UPDATE", (asserted, privacy))


async def test_a_recipient_who_calls_back_reaches_the_courier_while_the_parcel_is_with_them(
    company: CallingStack,
) -> None:
    _, recipient, callback = await joined(company)
    await recipient.hangup()
    await company.app.until(callback, *FINAL)
    company.stack.provider.calls.clear()
    call = await company.stack.provider.call(COMPANY_NUMBER, from_user=ANNA)
    courier = await company.stack.provider.called(BORIS)
    await call.answered()
    assert digits(ANNA) not in everything(courier)
    await call.hangup()


async def test_a_busy_recipient_shows_the_courier_nothing_either(company: CallingStack) -> None:
    provider = company.stack.provider
    provider.behaviours = {BORIS: Answer(), ANNA: BUSY}
    provider.calls.clear()
    callback = await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")
    courier = await provider.called(BORIS)
    await courier.answered()
    await asyncio.sleep(0.3)
    await courier.send_dtmf("1")
    failed = await company.app.until(callback, *FINAL)
    assert failed["reason"] == "busy"
    await courier.ended()
    assert digits(ANNA) not in everything(courier)
    assert ANNA not in str(failed)


async def test_after_hand_over_the_recipients_call_reaches_the_new_courier(company: CallingStack) -> None:
    crm = company.stack.waybell.directory / "crm.db"
    with closing(sqlite3.connect(crm)) as database:
        database.execute("UPDATE givn SET kurier = 12 WHERE address = 10")
        database.commit()
    company.stack.provider.calls.clear()
    company.stack.provider.behaviours = {SEMYON: Answer()}
    call = await company.stack.provider.call(COMPANY_NUMBER, from_user=ANNA)
    await company.stack.provider.called(SEMYON)
    await call.answered()
    await call.hangup()
    refused = await company.app.place(str(uuid.uuid4()), courier="11", parcel="10")
    assert refused.json()["type"] == "urn:waybell:problem:foreign-parcel"
