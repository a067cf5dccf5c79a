"""``python -m bench [--quick]``: measures, prints tables, writes ``bench/last.json``."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import journal_search
from bench.measuring import FULL, QUICK, measure
from bench.progress import Progress
from bench.report import show
from bench.targets import verdicts

LAST = Path(__file__).parent / "last.json"


def main(
    quick: Annotated[bool, typer.Option("--quick", help="some four minutes instead of twenty-five; noisier")] = False,
    calls: Annotated[
        int | None, typer.Option(help="calls in the journal that is searched; 10,000,000 (20 GB), quick 200,000")
    ] = None,
) -> None:
    """Measures Waybell beside a plain dialplan, func_odbc and an empty FastAGI server. Needs root."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="waybell-bench-") as name, Progress(Console(stderr=True)) as progress:
        document = asyncio.run(measure(QUICK if quick else FULL, Path(name), progress.say, quick=quick))
        calls = calls or (200_000 if quick else 10_000_000)
        document["journal"] = journal_search.document(
            asyncio.run(journal_search.measure_search(Path(name), calls, progress.say))
        )
    document["targets"] = [asdict(verdict) for verdict in verdicts(document)]
    LAST.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    show(document, console)
    console.print(f"written to {LAST}")


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
