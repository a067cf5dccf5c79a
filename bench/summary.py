"""From what was measured to the figures that are shown and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from bench.capacity import Held, best
from bench.figures import added, figure, percentile, ratio
from bench.rounds import Measured
from bench.variants import FUNC_ODBC, PLAIN, WAYBELL

ROLES = ("asterisk", "database", "app")
_PERCENTILES = (50, 95, 99)


def summarise(measured: Mapping[str, Sequence[Measured]], rates: Mapping[str, Sequence[Held]]) -> dict[str, Any]:
    """``variants`` by name; ``ratio``: what Waybell adds to a call over what the hand-written dialplan adds;
    ``busy_with_others``: how many cores did something else in the worst round.
    """
    zero = measured[PLAIN]
    return {
        "variants": {name: _variant(rounds, zero, rates.get(name, ())) for name, rounds in measured.items()},
        "ratio": asdict(ratio(_over(measured[WAYBELL], zero), _over(measured[FUNC_ODBC], zero))),
        "busy_with_others": max(found.others for rounds in measured.values() for found in rounds),
    }


def _variant(rounds: Sequence[Measured], zero: Sequence[Measured], tried: Sequence[Held]) -> dict[str, Any]:
    setup, base = _setup(rounds), _setup(zero)
    return {
        "cpu_ms_per_call": {role: median(_role(rounds, role)) for role in ROLES}
        | {"total": median(found.total_ms for found in rounds)},
        "cpu_ms_added": {
            **{role: median(added(_role(rounds, role), _role(zero, role))) for role in ROLES},
            "total": asdict(figure(_over(rounds, zero))),
        },
        "setup_ms": setup,
        "setup_ms_added": {name: value - base[name] for name, value in setup.items()},
        "failed": sum(found.failed for found in rounds),
        "misrouted": sum(found.misrouted for found in rounds),
        "highest_rate": best(tried),
        "rates_tried": [asdict(held) for held in tried],
    }


def _over(rounds: Sequence[Measured], zero: Sequence[Measured]) -> list[float]:
    return added([found.total_ms for found in rounds], [found.total_ms for found in zero])


def _role(rounds: Sequence[Measured], role: str) -> list[float]:
    return [found.cpu_ms.get(role, 0.0) for found in rounds]


def _setup(rounds: Sequence[Measured]) -> dict[str, float]:
    """INVITE to 180 at the caller, over all rounds."""
    times = [time for found in rounds for time in found.ring_ms]
    return {f"p{percent}": percentile(times, percent) for percent in _PERCENTILES}
