"""Writes what the real Asterisk logs of every shape of call, as tables: ``python -m lab.record_shapes DIR [NAME…]``."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable
from functools import partial
from pathlib import Path

from lab.callbacks import calling_stack
from lab.cel_table import to_table
from lab.scene import play
from lab.shapes import SCENES
from lab.shapes_pbx import shapes_pbx
from lab.shapes_placed import LIMITS, PLACED


async def record(directory: Path, names: list[str]) -> None:
    """Play the scenes ``names`` (all when there are none) and write a table of each into ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as own:
        async with calling_stack(Path(own), pbx=shapes_pbx(), changes=LIMITS) as company:
            scenes: dict[str, partial[Awaitable[None]]] = {
                name: partial(scene, company.stack) for name, scene in SCENES.items()
            } | {name: partial(scene, company) for name, scene in PLACED.items()}
            titles = {name: scene.__doc__ for name, scene in (SCENES | PLACED).items()}
            for name in names or list(scenes):
                log = await play(company.stack, scenes[name])
                title = " ".join((titles[name] or name).split())
                (directory / f"{name}.txt").write_text(to_table(log, title), encoding="utf-8")
                print(f"{name}: {log.count(chr(10))} records")


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1]), sys.argv[2:]))
