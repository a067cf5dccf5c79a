"""CPU time of processes as the kernel counts it, all their threads, ended ones too."""

from __future__ import annotations

import asyncio
import os
import resource
import time
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


def ended_children_seconds() -> float:
    """CPU time of our own children that have ended; exact to the microsecond."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def family_seconds(pid: int) -> float:
    """CPU time of process ``pid``, of all its descendants and of those of them that have ended."""
    parents: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        child = int(stat.parent.name)
        parents.setdefault(int(fields[1]), []).append(child)
        used[child] = sum(int(field) for field in fields[11:15]) / _TICKS
    total, waiting = 0.0, [pid]
    while waiting:
        member = waiting.pop()
        total += used.get(member, 0.0)
        waiting += parents.get(member, ())
    return total


def busy_seconds() -> float:
    """CPU time that all cores together have spent on anything since the machine started."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = (
        int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / _TICKS


def resident_mb(pid: int) -> float:
    """Resident memory of process ``pid`` in MB (10⁶ bytes)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Others:
    """How many cores' worth of work anybody but us has done since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._before = self._seconds()

    def cores(self) -> float:
        """What else the machine was busy with, in cores."""
        return (self._seconds() - self._before) / (time.monotonic() - self._began)

    @staticmethod
    def _seconds() -> float:
        return busy_seconds() - family_seconds(os.getpid())


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
