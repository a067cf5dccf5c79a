"""The highest rate of calls that a variant holds without a single failed or misrouted call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench import sipp
from bench.rounds import Say
from bench.traffic import Traffic
from bench.variants import Variant

_LATE_SECONDS = 2.0
# Calls that an overload has broken end by themselves in up to two times 32 s (RFC 3261, timers B and F).
_DRAIN_SECONDS = 180.0
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Search:
    """The rates to try, rising, and for how many seconds each."""

    rates: Sequence[int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Held:
    """What a rate did: ``failed`` calls of ``calls``, ``misrouted`` among the others."""

    rate: int
    calls: int
    failed: int
    misrouted: int
    late_seconds: float

    @property
    def well(self) -> bool:
        """Nothing failed, and the load itself was what was asked for."""
        return self.failed == 0 and self.misrouted == 0 and self.late_seconds < _LATE_SECONDS


async def highest_rate(search: Search, variant: Variant, traffic: Traffic, folder: Path, say: Say) -> list[Held]:
    """Every rate that was tried on ``variant``, in the order of trying."""
    tried: list[Held] = []

    async def holds(rate: int) -> bool:
        say(f"{variant.name}: {rate} calls/s for {search.seconds:g} s")
        tried.append(await _try(rate, search.seconds, variant, traffic, folder / f"rate-{variant.name}-{rate}"))
        return tried[-1].well

    await last_that(holds, search.rates)
    return tried


async def last_that(holds: Callable[[int], Awaitable[bool]], rising: Sequence[int]) -> int | None:
    """The last of ``rising`` for which ``holds``, by halving; ``None`` when not even the first does."""
    low, high = -1, len(rising)
    while high - low > 1:
        middle = (low + high) // 2
        if await holds(rising[middle]):
            low = middle
        else:
            high = middle
    return rising[low] if low >= 0 else None


def best(tried: Sequence[Held]) -> int:
    """The highest rate that was held; 0 for none."""
    return max((held.rate for held in tried if held.well), default=0)


async def _try(rate: int, seconds: float, variant: Variant, traffic: Traffic, folder: Path) -> Held:
    load = sipp.Load(traffic.calls(int(rate * seconds)), rate)
    meter = variant.meter()
    result = await sipp.call(load, variant.pbx.sip_address, variant.pbx.settings.trunk_host, folder)
    await _until_no_calls(variant)
    await meter.until_idle(_DRAIN_SECONDS)
    calls = len(load.calls)
    failed = result.failed + calls - result.created
    misrouted = max(0, variant.routes.misrouted(load.calls) - failed)
    return Held(rate, calls, failed, misrouted, result.late_seconds)


async def _until_no_calls(variant: Variant) -> None:
    """What one rate has broken must not spoil the next."""
    with suppress(TimeoutError):
        await _no_calls(variant, _PATIENCE_SECONDS)
        return
    await variant.pbx.rx("channel request hangup all")
    await _no_calls(variant, _DRAIN_SECONDS)


async def _no_calls(variant: Variant, deadline: float) -> None:
    async with asyncio.timeout(deadline):
        while await variant.calls_now():  # noqa: ASYNC110 - Asterisk has no event for "all calls are over"
            await asyncio.sleep(0.5)
