"""Resident memory of Waybell over very many calls."""

from __future__ import annotations

from dataclasses import dataclass

from bench.cpu import resident_mb
from bench.rounds import Say
from bench.steps_client import StepsClient
from bench.traffic import Traffic

_SAMPLES = 10
# From when on it must not grow: the cache of the CRM's answers is full by then.
_SETTLED = 0.5


@dataclass(frozen=True, slots=True)
class Memory:
    """MB (10⁶ bytes) before, and after each tenth of ``calls``."""

    calls: int
    before_mb: float
    after_mb: tuple[float, ...]

    @property
    def last_mb(self) -> float:
        """After all of them."""
        return self.after_mb[-1]

    @property
    def growth_mb(self) -> float:
        """What the second half of the calls added."""
        return self.after_mb[-1] - self.after_mb[int(len(self.after_mb) * _SETTLED) - 1]


async def measure_memory(pid: int, agi_port: int, calls: int, traffic: Traffic, say: Say) -> Memory:
    """Asks Waybell at ``agi_port`` for ``calls`` first steps, each from another number."""
    client, before = StepsClient(agi_port), resident_mb(pid)
    after: list[float] = []
    for part in range(_SAMPLES):
        say(f"memory: {calls * part // _SAMPLES:,} of {calls:,} calls")
        await client.ask(traffic.calls(calls // _SAMPLES))
        after.append(resident_mb(pid))
    return Memory(calls, before, tuple(after))
