"""Several Waybells in ``WAYBELL_AGI``: one that does not answer is passed over, and none holds a call's state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lab.phone import Answer, Reject
from lab.stack import Stack, point_at
from lab.waybell_process import free_port
from tests.pbx.faults.agi_proxy import Cut, hanging, proxied
from tests.pbx.faults.callers import ANNA, BORIS, OFFICE, STRANGER, Callers
from tests.pbx.faults.company import another_waybell, company, journal_of
from tests.pbx.faults.event_log import notes, settled

pytestmark = pytest.mark.pbx


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with company(tmp_path) as running:
        yield running


@asynccontextmanager
async def refusing(_stack: Stack) -> AsyncIterator[int]:
    yield free_port()


@asynccontextmanager
async def dying(stack: Stack) -> AsyncIterator[int]:
    async with proxied(stack.agi_port, Cut(100, reset=True)) as proxy:
        yield proxy.port


@asynccontextmanager
async def never_answering(_stack: Stack) -> AsyncIterator[int]:
    async with hanging() as port:
        yield port


@pytest.mark.parametrize("first", [refusing, dying, never_answering])
async def test_the_second_server_takes_the_call_when_the_first_does_not(stack: Stack, first: object) -> None:
    assert callable(first)
    callers = Callers(stack)
    async with first(stack) as port:
        await point_at(stack.pbx, port, stack.agi_port)
        placed = await callers.at_once([ANNA] * 3)
        await settled(stack.pbx.cel_path, 3)
    assert callers.rung() == [BORIS] * 3
    said = notes(stack.pbx.cel_path)
    assert [[(note.step, note.source) for note in said[call.did]] for call in placed] == [[("find", "crm")]] * 3


async def test_when_every_server_fails_in_its_own_way_the_office_rings(stack: Stack) -> None:
    callers = Callers(stack)
    async with dying(stack) as dies, hanging() as hangs:
        await point_at(stack.pbx, free_port(), dies, hangs, dies)
        await callers.at_once([ANNA, STRANGER])
    rows = await journal_of(callers)
    assert callers.rung() == [OFFICE] * 2
    assert [[step["source"] for step in row["route"]] for row in rows] == [["fallback"]] * 2


async def test_a_call_that_one_instance_began_is_finished_by_another(stack: Stack) -> None:
    callers = Callers(stack)
    stack.provider.behaviours[BORIS] = Reject(486, after=0.3)
    stack.office.behaviours["199"] = Answer(after=5)
    async with another_waybell(stack) as (_, port):
        await point_at(stack.pbx, stack.agi_port, port)
        calling = asyncio.create_task(callers.call(ANNA))
        await stack.provider.called(BORIS)
        await stack.waybell.kill9()
        await calling
    await stack.waybell.start()
    (row,) = await journal_of(callers)
    assert callers.rung() == ["100", "199", BORIS]
    assert [(step["step"], step["source"], step["result"]) for step in row["route"]] == [
        ("find", "crm", "BUSY"),
        ("manager", "crm", "ANSWER"),
    ]
    assert (row["caller"]["number"], row["parcel"], row["answered_by"]["number"]) == (ANNA, "10", "100")


async def test_instances_that_come_and_go_in_turn_leave_no_call_to_the_office(stack: Stack) -> None:
    callers = Callers(stack)
    async with another_waybell(stack) as (second, port):
        await point_at(stack.pbx, stack.agi_port, port)
        calling = asyncio.create_task(callers.in_turn([ANNA] * 40, every=0.1))
        for restarted in (stack.waybell, second, stack.waybell):
            await restarted.kill9()
            await restarted.start()
        await calling
    assert callers.rung() == [BORIS] * 40
    await journal_of(callers)
