"""A process that keeps a journal until it is killed: ``python recording.py URL LOG``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from waybell.calls.recorder import Recorder
from waybell.calls.writer import SqlJournalStore
from waybell.store.engine import make_engine


async def main(url: str, log: str) -> None:
    recorder = Recorder(SqlJournalStore(make_engine(url), "pbx1"), Path(log))
    await recorder.run(asyncio.Event(), interval=0.001, flush_every=0.001, retry=0.001)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
