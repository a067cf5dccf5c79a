"""A company for tests of faults: quick to start, quicker to end, its log and its journal at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lab.asterisk import Asterisk
from lab.stack import Stack, running_stack
from lab.waybell_process import Section, Waybell, free_port
from tests.pbx.faults.callers import Callers
from tests.pbx.faults.event_log import dialled, finished_rows, settled
from tests.pbx.journal import JournalReader

RING_SECONDS = 2


@asynccontextmanager
async def company(
    directory: Path, changes: Mapping[str, Section] | None = None, pbx: Asterisk | None = None
) -> AsyncIterator[Stack]:
    """The demo company; a phone that nobody answers rings :data:`RING_SECONDS`. No graceful end for Asterisk."""
    calls: Section = {"ring_seconds": RING_SECONDS}
    async with running_stack(directory, changes={"calls": calls, **(changes or {})}, pbx=pbx) as stack:
        yield stack
        await stack.pbx.kill9()


@asynccontextmanager
async def another_waybell(stack: Stack) -> AsyncIterator[tuple[Waybell, int]]:
    """A second instance beside the stack's own, which only answers Asterisk, and its port."""
    port = free_port()
    directory = stack.waybell.directory / "second"
    settings: dict[str, Section] = {
        "crm": {"url": f"sqlite+aiosqlite:///{stack.waybell.directory}/crm.db"},
        "agi": {"listen": f"127.0.0.1:{port}"},
        "calls": {"company_number": "74951234567", "ring_seconds": RING_SECONDS},
    }
    async with Waybell(directory, settings, "agi") as waybell:
        yield waybell, port


async def journal_of(callers: Callers, deadline: float = 15.0) -> list[dict[str, Any]]:
    """The journal's rows, newest first, once it has every call of ``callers``; fails when one is missing or double."""
    await settled(callers.stack.pbx.cel_path, len(callers.log))
    async with JournalReader(callers.stack) as journal:
        rows = await finished_rows(journal, len(callers.log), deadline)
    assert dialled(rows) == callers.dids
    return rows
