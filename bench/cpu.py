"""CPU time of processes as the kernel counts it, all their threads, ended ones too."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_LOOK_SECONDS = 0.5
# What idle processes may use between two looks: timers, the journal looking for news.
_IDLE_SECONDS = 0.02


def cpu_seconds(pid: int) -> float:
    """User and system time that process ``pid`` has used since its start."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS


def resident_mb(pid: int) -> float:
    """Resident memory of process ``pid`` in MB (10⁶ bytes)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Meter:
    """CPU time by role (``asterisk``, ``database``, ``app``) since it was made."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._before = self._read()

    def seconds(self) -> dict[str, float]:
        """Seconds by role."""
        now = self._read()
        return {role: now[role] - self._before[role] for role in self._pids}

    async def until_idle(self, deadline: float = 20.0) -> None:
        """Waits until all of them together do next to nothing, so that work which trails behind a load is counted."""
        async with asyncio.timeout(deadline):
            before = sum(self._read().values())
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                now = sum(self._read().values())
                if now - before <= _IDLE_SECONDS:
                    return
                before = now

    def _read(self) -> dict[str, float]:
        return {role: cpu_seconds(pid) for role, pid in self._pids.items()}
