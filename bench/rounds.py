"""The main measurement: the same load on each variant in turn, round after round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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

    A round in which the machine was busy with something else is noise too: up to ``spare`` more rounds are made, and
    the quietest ``rounds`` count.
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
    found: list[dict[str, Measured]] = []
    while len(quiet(found)) < plan.rounds and len(found) < plan.rounds + plan.spare:
        say(f"round {len(found) + 1}, {len(quiet(found))} of {plan.rounds} done")
        found.append(
            await _round(plan, variants, traffic, folder / f"round-{len(found)}", turn(list(variants), len(found)))
        )
    best = sorted(found, key=noise)[: plan.rounds]
    return {name: [measured[name] for measured in best] for name in variants}


async def _round(
    plan: Plan, variants: Mapping[str, Variant], traffic: Traffic, folder: Path, order: Iterator[str]
) -> dict[str, Measured]:
    return {
        name: await one_load(variants[name], sipp.Load(traffic.calls(plan.calls), plan.rate), folder / name)
        for name in order
    }


def quiet(rounds: Sequence[Mapping[str, Measured]]) -> list[Mapping[str, Measured]]:
    """Those of ``rounds`` that nobody disturbed."""
    return [measured for measured in rounds if noise(measured) <= QUIET_CORES]


def noise(measured: Mapping[str, Measured]) -> float:
    """The most that others did while any of the round's variants was measured, in cores."""
    return max(each.others for each in measured.values())


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
