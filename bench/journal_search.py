"""``python -m bench.journal_search``: how fast a journal of millions of calls is searched and exported.

Each question is asked several times with other values; what counts is the slowest question's 95th percentile.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.figures import percentile
from bench.journal_data import fill
from bench.journal_questions import QUESTIONS
from bench.progress import Progress
from bench.rounds import Say
from lab.mariadb import MariaDB
from waybell.calls import export
from waybell.calls.journal import list_calls
from waybell.calls.queries import CallFilter
from waybell.store.engine import make_engine

_ASKED = 20
_EXPORTED = 100_000
# A tenth of the data or less, as where the journal is years long.
_DATABASE_OPTIONS = ("--innodb-buffer-pool-size=2G", "--innodb-log-file-size=512M")


@dataclass(frozen=True, slots=True)
class Searched:
    """One store. ``first_page_ms``: of each question p50, p95 and the slowest; ``export_per_second``: rows, as CSV."""

    calls: int
    fill_seconds: float
    first_page_ms: Mapping[str, Mapping[str, float]]
    export_per_second: float

    @property
    def slowest(self) -> str:
        """The question with the highest p95."""
        return max(self.first_page_ms, key=lambda name: self.first_page_ms[name]["p95"])


async def measure_search(folder: Path, calls: int, say: Say) -> dict[str, Searched]:
    """MariaDB with ``calls`` calls, and SQLite with a tenth of them."""
    with MariaDB(*_DATABASE_OPTIONS) as server:
        found = {"mariadb": await _measure(server.database().store(), calls, say)}
    found["sqlite"] = await _measure(f"sqlite+aiosqlite:///{folder}/journal.db", calls // 10, say)
    return found


async def _measure(url: str, calls: int, say: Say) -> Searched:
    engine = make_engine(url)
    try:
        began = time.monotonic()
        await fill(engine, calls, say, first=min(200_000, calls // 4))
        filled = time.monotonic() - began
        questions = {}
        for name in QUESTIONS:
            say(f"searching {calls:,} calls: {name}")
            questions[name] = await _ask(engine, name)
        say(f"exporting from {calls:,} calls")
        return Searched(calls, filled, questions, await _export(engine, min(_EXPORTED, calls)))
    finally:
        await engine.dispose()


async def _ask(engine: AsyncEngine, name: str) -> dict[str, float]:
    source, times = random.Random(7), []
    for _ in range(_ASKED):
        chosen, order = QUESTIONS[name](source)
        began = time.perf_counter()
        await list_calls(engine, chosen, order=order, seconds=60)
        times.append((time.perf_counter() - began) * 1000)
    return {"p50": percentile(times, 50), "p95": percentile(times, 95), "max": max(times)}


async def _export(engine: AsyncEngine, wanted: int) -> float:
    """The slower of two: all calls, and those with a status and a kind."""
    speeds = []
    for chosen in (CallFilter(), CallFilter(status="answered", kind="recipient")):
        began, done = time.perf_counter(), 0
        found = export.batches(engine, chosen)
        async for rows in found:
            export.csv_lines(rows)
            done += len(rows)
            if done >= wanted:
                break
        speeds.append(done / (time.perf_counter() - began))
    return min(speeds)


def document(found: Mapping[str, Searched]) -> dict[str, Any]:
    """As it is kept in ``bench/last.json``."""
    return {name: asdict(searched) | {"slowest": searched.slowest} for name, searched in found.items()}


def table(journal: Mapping[str, Any], worst: int = 10) -> Table:
    """The slowest questions side by side."""
    shown = Table("first page, ms", title="The journal, searched", title_justify="left")
    for name, found in journal.items():
        shown.add_column(f"{name}, {found['calls']:,} calls: p50", justify="right")
        shown.add_column("p95", justify="right")
    pages = [found["first_page_ms"] for found in journal.values()]
    for question in sorted(pages[0], key=lambda name: -max(page[name]["p95"] for page in pages))[:worst]:
        shown.add_row(question, *(f"{page[question][part]:.1f}" for page in pages for part in ("p50", "p95")))
    shown.add_section()
    speeds = [cell for found in journal.values() for cell in (f"{found['export_per_second']:,.0f}", "")]
    shown.add_row("exported as CSV, rows/s", *speeds)
    return shown


def main(
    calls: Annotated[int, typer.Option(min=1000, help="in MariaDB; SQLite gets a tenth. 10M take 20 GB")] = 10_000_000,
) -> None:
    """Fills MariaDB and SQLite with made-up calls, searches and exports them."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="waybell-bench-") as name, Progress(Console(stderr=True)) as progress:
        found = asyncio.run(measure_search(Path(name), calls, progress.say))
    console.print(table(document(found)))


if __name__ == "__main__":
    typer.run(main)
