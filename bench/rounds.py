"""The main measurement: the same load on each variant in turn, round after round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import sipp
from bench.cpu import Others
from bench.traffic import Traffic
from bench.variants import Variant

Say = Callable[[str], None]

QUIET_CORES = 0.1
"""Less than so much work of others' does not show in what is measured."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``rounds`` of ``calls`` at ``rate`` a second for each variant; a round under 500 calls is noise.

    A load during which the machine was busy with something else is noise too: up to ``spare`` of them in all are made
    again, and the quietest counts.
    """

    rounds: int
    calls: int
    spare: int = 0
    rate: float = 100.0
    warm_up: int = 200


@dataclass(frozen=True, slots=True)
class Measured:
    """One variant in one round: CPU milliseconds per call by role, and what became of the calls.

    ``others``: how many cores were busy with anything but the benchmark.
    """

    cpu_ms: Mapping[str, float]
    ring_ms: tuple[float, ...]
    failed: int
    misrouted: int
    others: float = 0.0

    @property
    def total_ms(self) -> float:
        """All processes together."""
        return sum(self.cpu_ms.values())


async def measure_rounds(
    plan: Plan, variants: Mapping[str, Variant], traffic: Traffic, folder: Path, say: Say
) -> dict[str, list[Measured]]:
    """What each variant took in each round. The first calls of a process cost more: they are made before."""
    for name, variant in variants.items():
        say(f"warming up {name}")
        await one_load(variant, sipp.Load(traffic.calls(plan.warm_up), plan.rate / 2), folder / f"warm-{name}")
    rounds = _Rounds(plan, traffic, folder)
    for number in range(plan.rounds):
        for name in turn(list(variants), number):
            say(f"round {number + 1} of {plan.rounds}: {name}")
            await rounds.measure(variants[name])
    return rounds.found


class _Rounds:
    def __init__(self, plan: Plan, traffic: Traffic, folder: Path) -> None:
        self.found: dict[str, list[Measured]] = {}
        self._plan, self._traffic, self._folder = plan, traffic, folder
        self._spare = plan.spare
        self._loads = 0

    async def measure(self, variant: Variant) -> None:
        """One load; another one, as long as there are spare ones, when the machine was busy with something else."""
        tried = [await self._load(variant)]
        while tried[-1].others > QUIET_CORES and self._spare > 0:
            self._spare -= 1
            tried.append(await self._load(variant))
        self.found.setdefault(variant.name, []).append(quietest(tried))

    async def _load(self, variant: Variant) -> Measured:
        self._loads += 1
        load = sipp.Load(self._traffic.calls(self._plan.calls), self._plan.rate)
        return await one_load(variant, load, self._folder / f"load-{self._loads}")


def quietest(tried: Sequence[Measured]) -> Measured:
    """The one that others disturbed least. What failed in the others has failed all the same."""
    best = min(tried, key=lambda measured: measured.others)
    return replace(best, failed=sum(each.failed for each in tried), misrouted=sum(each.misrouted for each in tried))


async def one_load(variant: Variant, load: sipp.Load, folder: Path) -> Measured:
    """Puts ``load`` on ``variant`` and waits until all that follows from it is done too."""
    meter, others = variant.meter(), Others()
    result = await sipp.call(load, variant.pbx.sip_address, variant.pbx.settings.trunk_host, folder)
    await meter.until_idle()
    busy = others.cores()
    calls = len(load.calls)
    return Measured(
        {role: seconds * 1000 / calls for role, seconds in meter.seconds().items()},
        result.ring_ms,
        result.failed + (calls - result.created),
        variant.routes.misrouted(load.calls),
        busy,
    )


def turn(names: Sequence[str], number: int) -> Iterator[str]:
    """``names``, beginning with another one each round, so that no variant always follows the same one's clean-up."""
    shift = number % len(names)
    yield from (*names[shift:], *names[:shift])
