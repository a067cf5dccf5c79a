"""The main measurement: the same load on each variant in turn, round after round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import sipp
from bench.cpu import Meter, Others
from bench.traffic import Traffic
from bench.variants import Variant

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """``rounds`` of ``calls`` at ``rate`` a second for each variant; a round under 500 calls is noise."""

    rounds: int
    calls: int = 500
    rate: float = 100.0
    warm_up: int = 200


@dataclass(frozen=True, slots=True)
class Measured:
    """One variant in one round: CPU milliseconds per call by role, and what became of the calls.

    ``sipp_ms``: the same of SIPp, whose work is the same in all rounds and for all variants. ``others``: how many
    cores were busy with anything but the benchmark.
    """

    cpu_ms: Mapping[str, float]
    sipp_ms: float
    ring_ms: tuple[float, ...]
    failed: int
    misrouted: int
    others: float

    @property
    def total_ms(self) -> float:
        """All processes of the variant together."""
        return sum(self.cpu_ms.values())


async def measure_rounds(
    plan: Plan, variants: Mapping[str, Variant], traffic: Traffic, folder: Path, say: Say
) -> dict[str, list[Measured]]:
    """What each variant took in each round. The first calls of a process cost more: they are made before."""
    for name, variant in variants.items():
        say(f"warming up {name}")
        await one_load(variant, sipp.Load(traffic.calls(plan.warm_up), plan.rate / 2), folder / f"warm-{name}")
    found: dict[str, list[Measured]] = {name: [] for name in variants}
    for number in range(plan.rounds):
        for name in turn(list(variants), number):
            say(f"round {number + 1} of {plan.rounds}: {name}")
            load = sipp.Load(traffic.calls(plan.calls), plan.rate)
            found[name].append(await one_load(variants[name], load, folder / f"round-{number}-{name}"))
    return found


async def one_load(variant: Variant, load: sipp.Load, folder: Path) -> Measured:
    """Puts ``load`` on ``variant`` and waits until all that follows from it is done too."""
    meter, phones, others = variant.meter(), Meter(variant.phones), Others()
    result = await sipp.call(load, variant.pbx.sip_address, variant.pbx.settings.trunk_host, folder)
    await meter.until_idle()
    calls = len(load.calls)
    sipp_seconds = sum(phones.seconds().values()) + result.cpu_seconds
    return Measured(
        cpu_ms={role: seconds * 1000 / calls for role, seconds in meter.seconds().items()},
        sipp_ms=sipp_seconds * 1000 / calls,
        ring_ms=result.ring_ms,
        failed=result.failed + (calls - result.created),
        misrouted=variant.routes.misrouted(load.calls),
        others=others.cores(),
    )


def turn(names: Sequence[str], number: int) -> Iterator[str]:
    """``names``, beginning with another one each round, so that no variant always follows the same one's clean-up."""
    shift = number % len(names)
    yield from (*names[shift:], *names[:shift])
