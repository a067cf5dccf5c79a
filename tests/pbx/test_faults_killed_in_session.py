"""Waybell is killed (SIGKILL) at every point of a session, and while a call rings or is talked in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from lab.phone import BUSY, NO_ANSWER, Answer, Behaviour
from lab.stack import Stack, point_at
from tests.pbx.faults.agi_proxy import Cut, proxied
from tests.pbx.faults.callers import ANNA, BORIS, OFFICE, Callers
from tests.pbx.faults.company import company, journal_of
from tests.pbx.faults.event_log import notes, settled
from tests.pbx.faults.locked_crm import locked
from tests.pbx.journal import JournalReader
from waybell.people.demo import COMPANY_NUMBER

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

ENVIRONMENT = {
    "after accepting, nothing read": Cut(0),
    "after the first byte": Cut(1),
    "inside the environment": Cut(200),
    "before the environment's last byte": Cut(-1),
}
ANSWER = {
    "after the environment, before a byte of the answer": Cut(answer=0),
    "after the answer's first byte": Cut(answer=1),
    "inside the answer's state": Cut(answer=60),
    "inside the answer's note": Cut(answer=-40),
    "before the answer's last quote": Cut(answer=-2),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with company(tmp_path_factory.mktemp("killed")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def stack(shared: Stack) -> AsyncIterator[Stack]:
    """The company with a Waybell that runs, and with an empty event log and journal as far as a test can tell."""
    if not shared.waybell.running:
        await shared.waybell.start()
    await point_at(shared.pbx, shared.agi_port)
    yield shared
