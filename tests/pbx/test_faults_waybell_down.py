"""Waybell is not there, hangs, or is being stopped: the office takes the calls, and the journal hears of all."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.phone import Answer
from lab.stack import Stack, point_at
from tests.pbx.faults.agi_proxy import proxied
from tests.pbx.faults.callers import ANNA, BORIS, OFFICE, STRANGER, Callers
from tests.pbx.faults.company import company, journal_of
from tests.pbx.faults.event_log import notes, settled
from tests.pbx.faults.locked_crm import locked

pytestmark = pytest.mark.pbx

OFFICE_SECONDS = 0.5


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with company(tmp_path) as running:
        yield running


async def test_without_waybell_the_office_rings_at_once_and_the_journal_has_it_later(stack: Stack) -> None:
    callers = Callers(stack)
    await stack.waybell.kill9()
    slowest = 9.0
    for _ in range(2):  # a second try, for a machine that was busy with something else
        placed = [*await callers.at_once([ANNA, STRANGER]), await callers.call("8" + ANNA[1:])]
        slowest = max(call.rang_after for call in placed)
        print(f"the office rang after at most {slowest:.4f} s")
        if slowest <= OFFICE_SECONDS:
            break
    assert slowest <= OFFICE_SECONDS
    assert set(callers.rung()) == {OFFICE}
    assert len(callers.rung()) == len(callers.log)
    await stack.waybell.start()
    for row in await journal_of(callers):
        assert [(step["step"], step["source"], step["result"]) for step in row["route"]] == [
            ("waybell-office", "fallback", "ANSWER")
        ]
        assert (row["status"], row["answered_by"]["number"]) == ("answered", OFFICE)
        assert row["caller"]["number"] in (ANNA, STRANGER)


async def test_a_waybell_that_hangs_holds_calls_only_until_the_dialplans_limit(stack: Stack) -> None:
    callers = Callers(stack)
    stack.provider.behaviours[BORIS] = Answer(talk=4.5)
    talking = asyncio.create_task(callers.call(ANNA))
    await (await stack.provider.called(BORIS)).answered()
    os.kill(stack.waybell.pid, signal.SIGSTOP)
    await callers.at_once([ANNA, STRANGER])
    os.kill(stack.waybell.pid, signal.SIGCONT)
    await talking
    assert callers.rung() == [OFFICE] * 2 + [BORIS]
    rows = await journal_of(callers)
    assert sorted(row["route"][0]["source"] for row in rows) == ["crm", "fallback", "fallback"]
    # The limit ended with the decision: a conversation may last longer.
    assert max(row["talk_seconds"] for row in rows) > 4.4


async def test_a_graceful_stop_during_calls_loses_nothing(stack: Stack) -> None:
    callers = Callers(stack, talk=0.3)
    placing = asyncio.create_task(callers.in_turn([ANNA, STRANGER] * 10, every=0.1))
    await stack.provider.called(BORIS, number=3)
    assert await stack.waybell.stop() == 0
    placed = await placing
    await settled(stack.pbx.cel_path, len(placed))
    said = notes(stack.pbx.cel_path)
    assert {note.source for call in placed for note in said[call.did]} == {"crm", "fallback"}
    assert len(callers.rung()) == len(placed)
    assert all(call.ended.status == 200 for call in placed)
    await stack.waybell.start()
    await journal_of(callers)
    assert "Traceback" not in stack.waybell.log_tail(200)


async def test_a_step_under_way_is_finished_before_a_graceful_stop(stack: Stack) -> None:
    callers = Callers(stack)
    async with proxied(stack.agi_port, None) as proxy:
        await point_at(stack.pbx, proxy.port)
        with locked(stack.waybell.directory / "crm.db"):
            call = asyncio.create_task(callers.call(STRANGER))
            await proxy.asked.wait()
            stopping = asyncio.create_task(stack.waybell.stop())
            placed = await call
        assert await stopping == 0
    await settled(stack.pbx.cel_path, 1)
    (note,) = notes(stack.pbx.cel_path)[placed.did]
    assert (note.step, note.kind, note.source) == ("find", "", "fallback")
