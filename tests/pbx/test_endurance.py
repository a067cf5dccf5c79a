"""The journal equals the callers' own log and Asterisk's CDR, row for row, whatever is killed or full meanwhile.

``WAYBELL_ENDURANCE_CALLS=10000`` makes it as many calls; the seed of what happens when is told, and may be given in
``WAYBELL_ENDURANCE_SEED``.
"""

from __future__ import annotations

import asyncio
import csv
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import cycle, islice
from pathlib import Path

import pytest

from lab.mariadb import MariaDB
from lab.stack import Stack
from tests.fixtures_mariadb import mariadb_alone  # noqa: F401 - a fixture
from tests.pbx.faults.callers import ANNA, DARIA, STRANGER, Callers
from tests.pbx.faults.company import company
from tests.pbx.faults.event_log import dialled, finished_rows, incoming, records, rotate, rotated, settled
from tests.pbx.journal import JournalReader

CALLS = int(os.environ.get("WAYBELL_ENDURANCE_CALLS", "240"))
SEED = int(os.environ.get("WAYBELL_ENDURANCE_SEED", "0")) or random.randrange(1, 1 << 30)
_EVERY = 0.04
_CATCH_UP_SECONDS = 60.0
_WHOLE_SECONDS = 1.1

pytestmark = [pytest.mark.pbx, pytest.mark.timeout(120 + CALLS // 5)]

Fault = Callable[[], Awaitable[None]]


async def killed(stack: Stack) -> None:
    await stack.waybell.kill9()
    await stack.waybell.start()


async def stopped_and_started(stack: Stack) -> None:
    await stack.waybell.stop()
    await stack.waybell.start()


async def stood_still(stack: Stack, chance: random.Random) -> None:
    os.kill(stack.waybell.pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(chance.uniform(0.1, 1.5))
    finally:
        os.kill(stack.waybell.pid, signal.SIGCONT)


async def log_rotated(stack: Stack) -> None:
    if stack.pbx.cel_path.exists():
        rotate(stack.pbx.cel_path)


async def store_killed(server: MariaDB, chance: random.Random) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(chance.uniform(0, 1))
    await asyncio.to_thread(server.start)


async def store_frozen(server: MariaDB, chance: random.Random) -> None:
    with server.frozen():
        await asyncio.sleep(chance.uniform(0.1, 2))


async def disk_full(disk: Path, chance: random.Random) -> None:
    """Nothing more can be written beside the store."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65536))
    await asyncio.sleep(chance.uniform(0.5, 2))
    filler.unlink()


async def run(stack: Stack, faults: list[Fault], chance: random.Random) -> Callers:
    """All calls, one fault after another meanwhile, each at least once."""
    callers = Callers(stack, talk=0.2)
    placing = asyncio.create_task(callers.in_turn(islice(cycle([ANNA, STRANGER, DARIA]), CALLS), _EVERY))
    happened = 0
    while not placing.done() or happened < len(faults):
        await asyncio.sleep(chance.uniform(0.05, 0.6))
        fault = faults[happened] if happened < len(faults) else chance.choice(faults)
        await fault()
        happened += 1
    await placing
    print(f"seed {SEED}: {CALLS} calls, {happened} faults")
    return callers


async def compared(callers: Callers, url: str = "") -> None:
    """Journal, callers' log, event log and CDR tell of the same calls."""
    stack = callers.stack
    await settled(stack.pbx.cel_path, CALLS)
    async with JournalReader(stack, url) as journal:
        rows = await finished_rows(journal, CALLS, _CATCH_UP_SECONDS)
    assert dialled(rows) == callers.dids
    assert sorted(incoming(records(*rotated(stack.pbx.cel_path))).values()) == callers.dids
    assert {row["dialed"]: row["caller"]["number"] for row in rows} == {one.did: one.caller for one in callers.log}
    talked = cdr_seconds(stack.pbx.cdr_path)
    assert {row["id"] for row in rows} == set(talked)
    assert not [row for row in rows if abs(row["talk_seconds"] - talked[row["id"]]) > _WHOLE_SECONDS]


def cdr_seconds(master: Path) -> dict[str, float]:
    """What Asterisk's own record says each conversation talked, in whole seconds, by its linkedid."""
    with master.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return {row[-2]: float(row[13]) for row in csv.reader(file)}


@asynccontextmanager
async def small_disk(folder: Path) -> AsyncIterator[Path]:
    """A disk of its own that can be filled."""
    folder.mkdir()
    await told("mount", "-t", "tmpfs", "-o", f"size={32 + CALLS // 50}m", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        await told("umount", "-l", str(folder))


async def told(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0, command


async def test_with_the_store_in_a_file_and_its_disk_full_at_times(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    async with small_disk(tmp_path / "disk") as disk:
        url = f"sqlite+aiosqlite:///{disk}/waybell.db"
        async with company(tmp_path / "company", {"store": {"url": url}}) as stack:
            faults: list[Fault] = [
                lambda: killed(stack),
                lambda: log_rotated(stack),
                lambda: disk_full(disk, chance),
                lambda: stood_still(stack, chance),
                lambda: stopped_and_started(stack),
            ]
            await compared(await run(stack, faults, chance), url)
            await stack.waybell.stop()


@pytest.mark.mariadb
async def test_with_the_store_on_a_server_that_dies_and_stands_still_at_times(
    tmp_path: Path,
    mariadb_alone: MariaDB,  # noqa: F811
) -> None:
    chance, url = random.Random(SEED), mariadb_alone.database().store()
    async with company(tmp_path, {"store": {"url": url}}) as stack:
        faults: list[Fault] = [
            lambda: killed(stack),
            lambda: log_rotated(stack),
            lambda: store_killed(mariadb_alone, chance),
            lambda: stood_still(stack, chance),
            lambda: store_frozen(mariadb_alone, chance),
            lambda: stopped_and_started(stack),
        ]
        await compared(await run(stack, faults, chance), url)
        await stack.waybell.stop()
