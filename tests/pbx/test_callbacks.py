"""Calls that Waybell places, through a real Asterisk: who rings, what the app hears, what the journal says."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from lab.callbacks import FINAL, CallingStack, calling_stack
from lab.phone import BUSY, DECLINED, NO_ANSWER, NOT_FOUND, UNAVAILABLE, Answer, Behaviour
from tests.pbx.journal import JournalReader

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

BORIS, ANNA = "79010000011", "79161000001"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CallingStack]:
    limits = {"courier_at_once": 5, "destination_per_day": 1000, "courier_per_hour": 1000}
    async with calling_stack(tmp_path_factory.mktemp("callbacks"), changes={"callbacks": limits}) as all_:
        yield all_


async def placed(company: CallingStack, courier: Behaviour, recipient: Behaviour) -> str:
    """Boris asks for the recipient of parcel 10."""
    company.stack.provider.behaviours = {BORIS: courier, ANNA: recipient}
    company.stack.provider.calls.clear()
    return await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")


async def press(company: CallingStack) -> None:
    """The courier answers and presses a key once they are asked."""
    call = await company.stack.provider.called(BORIS)
    await call.answered()
    await asyncio.sleep(0.3)  # a key before Read listens is lost, as in real life
    await call.send_dtmf("5")


async def row_of(company: CallingStack, callback: str) -> dict[str, Any]:
    async with JournalReader(company.stack) as journal, asyncio.timeout(10):
        while True:
            found = [row for row in await journal.rows() if row["id"].endswith(callback)]
            if found and found[0]["status"] != "in_progress":
                return found[0]
            await asyncio.sleep(0.05)  # a table tells nobody


async def test_the_courier_presses_a_key_and_talks_to_the_recipient(company: CallingStack) -> None:
    callback = await placed(company, Answer(), Answer(after=0.3, talk=1.0))
    await press(company)
    talking = await company.app.until(callback, "talking")
    assert talking["parcel"] == "10"
    done = await company.app.until(callback, *FINAL)
    assert (done["status"], done["reason"]) == ("done", None)
    row = await row_of(company, callback)
    assert (row["direction"], row["status"], row["parcel"], row["courier"]) == ("callback", "answered", "10", "11")
    assert (row["caller"]["number"], row["dialed"], row["answered_by"]["number"]) == (BORIS, ANNA, ANNA)
    assert [(leg["number"], leg["hung_up"]) for leg in row["legs"]] == [(BORIS, False), (ANNA, True)]
    assert row["talk_seconds"] == pytest.approx(1.0, abs=0.5)


async def test_a_voicemail_that_answers_for_the_courier_is_never_joined_with_the_recipient(
    company: CallingStack,
) -> None:
    callback = await placed(company, Answer(), Answer())
    failed = await company.app.until(callback, *FINAL, deadline=20)
    assert (failed["status"], failed["reason"], failed["side"]) == ("failed", "not_confirmed", "courier")
    assert [call.user for call in company.stack.provider.calls] == [BORIS]
    row = await row_of(company, callback)
    assert (row["status"], row["parcel"], row["answered_by"]) == ("missed", "10", None)


@pytest.mark.parametrize(
    ("courier", "reason", "sip_cause", "status"),
    [
        (BUSY, "busy", 486, "busy"),
        (DECLINED, "refused", 603, "rejected"),
        (NOT_FOUND, "unreachable", 404, "failed"),
        (UNAVAILABLE, "unreachable", 503, "failed"),
        (NO_ANSWER, "no_answer", 0, "missed"),
    ],
)
async def test_a_courier_who_is_not_reached_ends_the_call(
    company: CallingStack, courier: Behaviour, reason: str, sip_cause: int, status: str
) -> None:
    callback = await placed(company, courier, Answer())
    failed = await company.app.until(callback, *FINAL)
    assert (failed["status"], failed["reason"], failed["side"]) == ("failed", reason, "courier")
    if sip_cause:
        assert failed["sip_cause"] == sip_cause
    row = await row_of(company, callback)
    assert (row["direction"], row["status"], row["parcel"], row["dialed"]) == ("callback", status, "10", ANNA)
    assert (row["caller"]["number"], row["caller"]["kind"]) == (BORIS, "courier")


@pytest.mark.parametrize(
    ("recipient", "reason", "sip_cause", "status"),
    [
        (BUSY, "busy", 486, "busy"),
        (DECLINED, "refused", 603, "rejected"),
        (NOT_FOUND, "unreachable", 404, "failed"),
        (UNAVAILABLE, "unreachable", 503, "failed"),
        (NO_ANSWER, "no_answer", 0, "missed"),
    ],
)
async def test_a_recipient_who_is_not_reached_is_an_attempt(
    company: CallingStack, recipient: Behaviour, reason: str, sip_cause: int, status: str
) -> None:
    callback = await placed(company, Answer(), recipient)
    await press(company)
    failed = await company.app.until(callback, *FINAL)
    assert (failed["status"], failed["reason"], failed["side"]) == ("failed", reason, "recipient")
    if sip_cause:
        assert failed["sip_cause"] == sip_cause
    if recipient is NO_ANSWER:
        assert failed["ring_seconds"] == pytest.approx(2.0, abs=1.0)
    row = await row_of(company, callback)
    assert (row["status"], row["parcel"]) == (status, "10")


async def test_the_app_takes_a_call_back_while_it_rings(company: CallingStack) -> None:
    callback = await placed(company, NO_ANSWER, Answer())
    ringing = await company.stack.provider.called(BORIS)
    answer = await company.app.http.delete(f"/callbacks/{callback}")
    assert answer.status_code == 200
    await ringing.ended()
    failed = await company.app.until(callback, *FINAL)
    assert (failed["status"], failed["reason"]) == ("failed", "cancelled")


async def test_twenty_parallel_posts_make_one_call(company: CallingStack) -> None:
    company.stack.provider.behaviours = {BORIS: BUSY}
    company.stack.provider.calls.clear()
    key = str(uuid.uuid4())
    answers = await asyncio.gather(*(company.app.place(key, courier="11", parcel="10") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    await company.app.until(answers[0].json()["id"], *FINAL)
    again = await company.app.place(key, courier="11", parcel="10")
    assert again.json()["status"] == "failed"
    assert len(company.stack.provider.calls) == 1
    other = await company.app.place(key, courier="11", parcel="21")
    assert (other.status_code, other.json()["type"]) == (422, "urn:waybell:problem:key-reused")


async def test_a_parcel_that_somebody_else_holds_is_refused_and_the_journal_tells_it(company: CallingStack) -> None:
    answer = await company.app.place(str(uuid.uuid4()), courier="12", parcel="10")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:waybell:problem:foreign-parcel")
    async with JournalReader(company.stack) as journal:
        rejected = [row for row in await journal.rows() if row["status"] == "rejected" and row["courier"] == "12"]
    assert [(row["direction"], row["parcel"]) for row in rejected] == [("callback", "10")]


async def test_an_operator_clicks_and_both_phones_ring(company: CallingStack) -> None:
    company.stack.provider.calls.clear()
    company.stack.provider.behaviours = {ANNA: Answer(talk=0.5)}
    company.stack.office.behaviours = {"199": Answer()}
    answer = await company.desk.http.post("/calls", json={"extension": "199", "to": "8 916 100-00-01"})
    assert answer.status_code == 202, answer.text
    callback = answer.json()["id"]
    row = await row_of(company, callback)
    assert (row["direction"], row["status"], row["caller"]["number"]) == ("outbound", "answered", "199")
    assert (row["dialed"], row["answered_by"]["kind"]) == (ANNA, "recipient")
