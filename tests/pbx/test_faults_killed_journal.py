"""The journal equals what the callers know, however often Waybell is killed and the log rotated meanwhile."""

from __future__ import annotations

import asyncio
import json
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.pbx.faults.callers import ANNA, DARIA, STRANGER, Callers
from tests.pbx.faults.company import company, journal_of
from tests.pbx.faults.event_log import incoming, records, rotate, rotated

pytestmark = pytest.mark.pbx

CALLS, KILLS = 60, 6
_EVERY = 0.12


async def test_no_row_is_lost_or_doubled_by_kills_and_rotations(tmp_path: Path) -> None:
    async with company(tmp_path) as stack:
        callers, log = Callers(stack, talk=0.3), stack.pbx.cel_path
        placing = asyncio.create_task(callers.in_turn(islice(cycle([ANNA, STRANGER, DARIA]), CALLS), _EVERY))
        for kill in range(KILLS):
            # A different number of calls is under way, ended and written each time.
            await callers.begun((kill + 1) * CALLS // (KILLS + 1))
            await asyncio.sleep(kill * 0.07)
            if kill == 1:
                rotate(log)
            await stack.waybell.kill9()
            if kill in (2, 4):
                rotate(log)
            await stack.waybell.start()
            if kill == 3:
                rotate(log)
        await placing
        rows = await journal_of(callers)
        logs = rotated(log)
        assert len(logs) == 5
        assert [file.name for file in logs][-2:] == ["waybell.csv.1", "waybell.csv"]
        assert sorted(incoming(records(*logs)).values()) == callers.dids
        known = {placed.did: placed.caller for placed in callers.log}
        assert {row["dialed"]: row["caller"]["number"] for row in rows} == known
        assert {row["status"] for row in rows} == {"answered"}
        assert await stack.waybell.stop() == 0
        await same_rows_after_a_rebuild(callers, rows)


async def same_rows_after_a_rebuild(callers: Callers, rows: list[dict[str, object]]) -> None:
    code, output, errors = await callers.stack.waybell.command("journal", "rebuild", "--json")
    assert code == 0, errors
    assert json.loads(output) == {"calls": CALLS, "files": 5, "skipped": 0}
    assert await journal_of(callers) == rows
