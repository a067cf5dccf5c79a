"""Waybell is killed (SIGKILL) at every point of a session, and while a call rings or is talked in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.asterisk import Asterisk
from lab.phone import BUSY, NO_ANSWER, Answer, Behaviour, Reject
from lab.stack import Stack, point_at
from tests.pbx.faults.agi_proxy import Cut, proxied
from tests.pbx.faults.callers import ANNA, BORIS, OFFICE, Callers
from tests.pbx.faults.company import company, journal_of
from tests.pbx.faults.event_log import finished_rows, notes, settled
from tests.pbx.faults.locked_crm import locked
from tests.pbx.journal import JournalReader
from waybell.people.demo import COMPANY_NUMBER

pytestmark = pytest.mark.pbx

POINTS = {
    "after accepting, nothing read": Cut(0),
    "after the first byte": Cut(1),
    "inside the environment": Cut(200),
    "before the environment's last byte": Cut(-1),
    "after the environment, before a byte of the answer": Cut(answer=0),
    "after the answer's first byte": Cut(answer=1),
    "inside the answer's state": Cut(answer=60),
    "inside the answer's note": Cut(answer=-40),
}
ANSWERED = {
    "before the answer's last quote": Cut(answer=-2),
    "after the answer": Cut(answer=None),
}


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with company(tmp_path) as running:
        yield running


def said(stack: Stack, did: str) -> list[tuple[str, str, str]]:
    """Step, source and last result of every decision about the call to ``did``."""
    return [(note.step, note.source, note.last) for note in notes(stack.pbx.cel_path)[did]]


@pytest.mark.parametrize("point", POINTS)
async def test_killed_inside_a_session_the_call_goes_to_the_office(stack: Stack, point: str) -> None:
    callers = Callers(stack)
    async with proxied(stack.agi_port, POINTS[point], stack.waybell.kill9) as proxy:
        await point_at(stack.pbx, proxy.port)
        placed = await callers.call(ANNA)
    await stack.waybell.start()
    (row,) = await journal_of(callers)
    assert callers.rung() == [OFFICE]
    assert said(stack, placed.did) == [("waybell-office", "fallback", "")]
    assert (row["status"], row["caller"]["number"], len(row["route"])) == ("answered", ANNA, 1)


async def test_killed_while_it_looks_the_caller_up_the_call_goes_to_the_office(stack: Stack) -> None:
    callers = Callers(stack)
    with locked(stack.waybell.directory / "crm.db"):
        async with proxied(stack.agi_port, Cut(answer=0), stack.waybell.kill9) as proxy:
            await point_at(stack.pbx, proxy.port)
            placed = await callers.call(ANNA)
    await settled(stack.pbx.cel_path, 1)
    assert said(stack, placed.did) == [("waybell-office", "fallback", "")]
    assert callers.rung() == [OFFICE]


@pytest.mark.parametrize("point", ANSWERED)
async def test_killed_with_its_decision_told_the_decision_counts(stack: Stack, point: str) -> None:
    callers = Callers(stack)
    async with proxied(stack.agi_port, ANSWERED[point], stack.waybell.kill9) as proxy:
        await point_at(stack.pbx, proxy.port)
        placed = await callers.call(ANNA)
    await stack.waybell.start()
    (row,) = await journal_of(callers)
    assert callers.rung() == [BORIS]
    assert said(stack, placed.did) == [("find", "crm", "")]
    assert (row["status"], row["parcel"], row["answered_by"]["number"]) == ("answered", "10", BORIS)


async def test_half_an_answer_rings_no_wrong_phone(tmp_path: Path) -> None:
    """Cut after each byte of the dial string, ``PJSIP/199&PJSIP/100``, on a PBX that has 1, 19 and 10 too."""
    async with company(tmp_path, pbx=Asterisk(extensions=("1", "10", "19"))) as stack:
        callers = Callers(stack)
        async with proxied(stack.agi_port, None) as proxy:
            await point_at(stack.pbx, proxy.port)
            await callers.call(BORIS)
            before, dial, _ = proxy.answers[0].partition(b"PJSIP/199&PJSIP/100,")
            for length in range(len(before), len(before) + len(dial)):
                proxy.cut = Cut(answer=length)
                await callers.call(BORIS)
        assert dial
        assert set(callers.rung()) <= {"199", "100", OFFICE}
        assert callers.rung().count(OFFICE) == len(dial)


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
async def test_wherever_a_session_ends_the_next_server_takes_the_call(stack: Stack, reset: bool) -> None:
    callers = Callers(stack)
    for cut in POINTS.values():
        async with proxied(stack.agi_port, replace(cut, reset=reset)) as proxy:
            await point_at(stack.pbx, proxy.port, stack.agi_port)
            await callers.call(ANNA)
            assert proxy.sessions == 1
    await settled(stack.pbx.cel_path, len(POINTS))
    assert callers.rung() == [BORIS] * len(POINTS)
    assert [said(stack, did) for did in callers.dids] == [[("find", "crm", "")]] * len(POINTS)


@pytest.mark.parametrize(("courier", "result"), [(BUSY, "BUSY"), (NO_ANSWER, "NOANSWER")], ids=["busy", "no answer"])
async def test_killed_while_the_courier_rings_the_office_comes_next(
    stack: Stack, courier: Behaviour, result: str
) -> None:
    callers = Callers(stack)
    stack.provider.behaviours[BORIS] = Reject(486, after=0.5) if courier is BUSY else courier
    calling = asyncio.create_task(callers.call(ANNA))
    await stack.provider.called(BORIS)
    await stack.waybell.kill9()
    placed = await calling
    await stack.waybell.start()
    (row,) = await journal_of(callers)
    assert callers.rung() == sorted([BORIS, OFFICE])
    assert said(stack, placed.did) == [("find", "crm", ""), ("waybell-office", "fallback", result)]
    assert [(step["source"], step["result"]) for step in row["route"]] == [("crm", result), ("fallback", "ANSWER")]
    assert (row["caller"]["number"], row["answered_by"]["number"]) == (ANNA, OFFICE)


async def test_an_established_conversation_does_not_notice_that_waybell_is_killed(stack: Stack) -> None:
    stack.provider.default = Answer()
    call = await stack.provider.call(COMPANY_NUMBER, ANNA)
    courier = await stack.provider.called(BORIS)
    await asyncio.gather(call.answered(), courier.answered())
    await stack.waybell.kill9()
    before = len(call.messages), len(courier.messages)
    for side in (call, courier):
        await side.media.heard(side.media.received + 25)
    assert (len(call.messages), len(courier.messages)) == before
    await stack.waybell.start()
    await call.media.heard(call.media.received + 10)
    assert (await call.hangup()).by_us
    ended = await courier.ended()
    assert (ended.status, ended.by_us) == (200, False)
    async with JournalReader(stack) as journal:
        (row,) = await finished_rows(journal, 1)
    assert (row["status"], row["answered_by"]["number"], row["route"][0]["source"]) == ("answered", BORIS, "crm")
    assert row["talk_seconds"] > 0.5
