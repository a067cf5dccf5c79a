"""The whole run, in order, and the document that comes of it."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.capacity import Held, Search, highest_rate
from bench.folding import measure_folding
from bench.live import measure_live
from bench.lookup import measure_lookups
from bench.memory import measure_memory
from bench.placing import measure_placing
from bench.reconnecting import measure_reconnecting
from bench.rounds import Plan, Say, measure_rounds
from bench.summary import summarise
from bench.traffic import Traffic
from bench.variants import WAYBELL, Variant
from bench.world import BIG, SMALL, Stage, stage


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of each is measured."""

    plan: Plan
    search: Search
    lookups: int
    memory_calls: int
    placing_seconds: float
    cuts: int


FULL = Extent(Plan(rounds=16), Search((100, 150, 200, 250, 300, 350, 400), 30.0), 20_000, 100_000, 30.0, 10)
QUICK = Extent(Plan(rounds=4), Search((200, 300), 8.0), 5_000, 20_000, 10.0, 3)


async def measure(extent: Extent, folder: Path, say: Say, *, quick: bool) -> dict[str, Any]:
    """Everything, as the document of ``bench/last.json``."""
    async with stage(folder, say) as there:
        traffic = Traffic(there.company)
        measured = await measure_rounds(extent.plan, there.variants, traffic, folder, say)
        waybell = there.variants[WAYBELL]
        say("folding the event log")
        folding = await measure_folding(waybell.pbx.cel_path, folder)
        say("looking people up in a small and in a big CRM")
        lookups = await measure_lookups(there.server, there.crms, extent.lookups)
        rates = await _rates(extent.search, there, traffic, folder, say)
        memory = await measure_memory(waybell.pids["app"], waybell.agi_port, extent.memory_calls, traffic, say)
        placing = await measure_placing(
            there.server, there.crms[BIG], there.company, folder, say, seconds=extent.placing_seconds
        )
        reconnecting = await measure_reconnecting(
            there.server, there.crms[BIG], there.company, folder, say, rounds=extent.cuts
        )
        live = await measure_live(folder, say, calls=int(extent.placing_seconds * 10))
        document: dict[str, Any] = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "quick": quick,
            "machine": await _machine(waybell),
            "plan": asdict(extent.plan),
            **summarise(measured, rates),
            "lookup": {str(size): asdict(lookups[size]) for size in (SMALL, BIG)},
            "memory": asdict(memory) | {"last_mb": memory.last_mb, "growth_mb": memory.growth_mb},
            "folding": asdict(folding),
            "placing": asdict(placing),
            "live": asdict(live),
            "reconnecting": asdict(reconnecting),
        }
    return document


async def _rates(search: Search, there: Stage, traffic: Traffic, folder: Path, say: Say) -> dict[str, list[Held]]:
    return {name: await highest_rate(search, variant, traffic, folder, say) for name, variant in there.variants.items()}


async def _machine(variant: Variant) -> dict[str, Any]:
    version = (await variant.pbx.rx("core show version")).split(" built ")[0]
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "asterisk": version.removeprefix("Asterisk "),
        "load_at_the_end": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
