"""From what was measured to the figures that are shown and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from bench.capacity import Held, best
from bench.figures import added, best_quarter, percentile, ratio, steady
from bench.rounds import Measured
from bench.variants import FUNC_ODBC, PLAIN, WAYBELL

ROLES = ("asterisk", "database", "app")
_PERCENTILES = (50, 95, 99)


def summarise(measured: Mapping[str, Sequence[Measured]], rates: Mapping[str, Sequence[Held]]) -> dict[str, Any]:
    """``variants`` by name; ``ratio``: what Waybell adds to a call over what the hand-written dialplan adds;
    ``busy_with_others``: how many cores did something else, at the median. CPU figures are steadied
    (:func:`bench.figures.steady`); what was read is under ``rounds``.
    """
    everything = [found for rounds in measured.values() for found in rounds]
    cpu = _Cpu(best_quarter([found.sipp_ms for found in everything]))
    totals = {name: cpu.total(rounds) for name, rounds in measured.items()}
    return {
        "variants": {
            name: _variant(cpu, rounds, measured[PLAIN], rates.get(name, ())) for name, rounds in measured.items()
        },
        "ratio": asdict(ratio(totals[WAYBELL], totals[FUNC_ODBC], totals[PLAIN])),
        "busy_with_others": median(found.others for found in everything),
    }


@dataclass(frozen=True, slots=True)
class _Cpu:
    """CPU milliseconds per call of each round, as if SIPp had needed ``sipp_ms`` in it."""

    sipp_ms: float

    def total(self, rounds: Sequence[Measured]) -> list[float]:
        return self._steady([found.total_ms for found in rounds], rounds)

    def role(self, role: str, rounds: Sequence[Measured]) -> list[float]:
        return self._steady([found.cpu_ms.get(role, 0.0) for found in rounds], rounds)

    def _steady(self, values: Sequence[float], rounds: Sequence[Measured]) -> list[float]:
        return steady(values, [found.sipp_ms for found in rounds], self.sipp_ms)


def _variant(cpu: _Cpu, rounds: Sequence[Measured], zero: Sequence[Measured], tried: Sequence[Held]) -> dict[str, Any]:
    setup, base = _setup(rounds), _setup(zero)
    roles = {role: (median(cpu.role(role, rounds)), median(cpu.role(role, zero))) for role in ROLES}
    return {
        "cpu_ms_per_call": {role: own for role, (own, _) in roles.items()} | {"total": median(cpu.total(rounds))},
        "cpu_ms_added": {role: own - plain for role, (own, plain) in roles.items()}
        | {"total": asdict(added(cpu.total(rounds), cpu.total(zero)))},
        "setup_ms": setup,
        "setup_ms_added": {name: value - base[name] for name, value in setup.items()},
        "failed": sum(found.failed for found in rounds),
        "misrouted": sum(found.misrouted for found in rounds),
        "highest_rate": best(tried),
        "rates_tried": [asdict(held) for held in tried],
        "rounds": [{"cpu_ms": found.cpu_ms, "sipp_ms": found.sipp_ms, "others": found.others} for found in rounds],
    }


def _setup(rounds: Sequence[Measured]) -> dict[str, float]:
    """INVITE to 180 at the caller, over all rounds."""
    times = [time for found in rounds for time in found.ring_ms]
    return {f"p{percent}": percentile(times, percent) for percent in _PERCENTILES}
