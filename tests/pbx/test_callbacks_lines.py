"""Several lines: the next one takes the call when one fails or is full, and each shows its own number."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lab.callbacks import FINAL, CallingStack, calling_stack
from lab.phone import BUSY, DECLINED, NO_ANSWER, NOT_FOUND, UNAVAILABLE, Answer, Behaviour, InTurn
from lab.waybell_process import Section
from tests.pbx.journal import JournalReader

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

BORIS, ANNA, TIMUR = "79010000011", "79161000001", "79020000013"
LINES = [
    {"name": "dead", "prefixes": ["7916"], "dial": "PJSIP/{number}@nosuch", "number": "74950000001"},
    {"name": "narrow", "prefixes": ["7902"], "dial": "PJSIP/{number}@trunk", "number": "74950000002", "at_once": 0},
    {"name": "main", "regions": ["RU"], "dial": "PJSIP/{number}@trunk", "number": "74950000003"},
    {"name": "full", "regions": ["RU"], "dial": "PJSIP/{number}@trunk", "number": "74950000005", "at_once": 0},
    {"name": "spare", "regions": ["RU"], "dial": "PJSIP/{number}@trunk", "number": "74950000004"},
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CallingStack]:
    changes: dict[str, Section] = {"calls": {"lines": LINES}, "callbacks": {"confirm": False}}
    async with calling_stack(tmp_path_factory.mktemp("lines"), changes=changes) as all_:
        yield all_


async def test_a_line_that_fails_leaves_the_customer_to_the_next_one(company: CallingStack) -> None:
    provider = company.stack.provider
    provider.behaviours = {BORIS: Answer(), ANNA: Answer(talk=0.3)}
    callback = await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")
    assert (await company.app.until(callback, *FINAL))["status"] == "done"
    courier, customer = await provider.called(BORIS), await provider.called(ANNA)
    assert b"74950000003" in courier.invite.header("From")
    assert b"74950000003" in customer.invite.header("From")


@pytest.mark.parametrize(
    ("answer", "times", "reason"),
    [(DECLINED, 1, "refused"), (NOT_FOUND, 1, "unreachable"), (BUSY, 1, "busy"), (UNAVAILABLE, 2, "unreachable")],
)
async def test_only_a_failure_of_the_line_has_the_customer_rung_over_the_next_one(
    company: CallingStack, answer: Behaviour, times: int, reason: str
) -> None:
    provider = company.stack.provider
    provider.behaviours = {BORIS: Answer(), ANNA: answer}
    provider.calls.clear()
    callback = await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")
    courier = await provider.called(BORIS)
    await courier.ended(10)
    failed = await company.app.until(callback, *FINAL)
    assert (failed["status"], failed["reason"]) == ("failed", reason)
    assert [call.user for call in provider.calls].count(ANNA) == times


async def test_a_line_that_fails_leaves_the_courier_to_the_next_one_and_it_is_one_call(company: CallingStack) -> None:
    provider = company.stack.provider
    provider.behaviours = {BORIS: InTurn(UNAVAILABLE, Answer()), ANNA: Answer(talk=0.3)}
    provider.calls.clear()
    callback = await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")
    assert (await company.app.until(callback, *FINAL))["status"] == "done"
    rung = [call for call in provider.calls if call.user == BORIS]
    assert [b"7495000000" in call.invite.header("From") for call in rung] == [True, True]
    assert b"74950000003" in rung[0].invite.header("From")
    assert b"74950000004" in rung[1].invite.header("From"), "not over the one that is full"
    async with JournalReader(company.stack) as journal:
        row = await journal.ended_as("answered", callback)
    assert (row["status"], row["parcel"], row["answered_by"]["number"]) == ("answered", "10", ANNA)
    assert "over line spare, the one before having failed" in row["route"][0]["why"]


async def test_when_every_line_fails_the_app_learns_it_and_each_was_tried_once(company: CallingStack) -> None:
    provider = company.stack.provider
    provider.behaviours = {BORIS: UNAVAILABLE}
    provider.calls.clear()
    callback = await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")
    failed = await company.app.until(callback, *FINAL)
    assert (failed["status"], failed["reason"], failed["sip_cause"]) == ("failed", "unreachable", 503)
    assert [call.user for call in provider.calls] == [BORIS, BORIS]


async def test_a_line_that_is_full_leaves_the_call_to_the_next_one(company: CallingStack) -> None:
    provider = company.stack.provider
    provider.behaviours = {TIMUR: NO_ANSWER}
    callback = await company.app.placed(str(uuid.uuid4()), courier="13", parcel="23")
    courier = await provider.called(TIMUR)
    assert b"74950000003" in courier.invite.header("From")
    await company.app.http.delete(f"/callbacks/{callback}")
    await courier.ended()


async def test_no_two_calls_of_a_courier_at_once(company: CallingStack) -> None:
    company.stack.provider.behaviours = {BORIS: NO_ANSWER}
    answers = await asyncio.gather(
        *(company.app.place(str(uuid.uuid4()), courier="11", parcel="10") for _ in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [202] + [429] * 9
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["type"] == "urn:waybell:problem:courier-at-once"
    placed = next(answer for answer in answers if answer.status_code == 202)
    await company.app.http.delete(f"/callbacks/{placed.json()['id']}")
