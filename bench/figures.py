"""The arithmetic of the benchmark: percentiles, medians over rounds, and how sure a ratio is."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

_RESAMPLES = 2000
_LOW, _HIGH = 5.0, 95.0
_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Figure:
    """A value, and the range that holds it in nine of ten resamplings of the rounds."""

    median: float
    low: float
    high: float


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest-rank percentile. Raises ``ValueError`` for no values."""
    if not values:
        raise ValueError("no values to take a percentile of")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def best_quarter(yardstick: Sequence[float]) -> float:
    """The median of the lowest quarter: what ``yardstick`` measures when nothing disturbs it."""
    return median(sorted(yardstick)[: max(1, len(yardstick) // 4)])


def steady(values: Sequence[float], yardstick: Sequence[float], best: float) -> list[float]:
    """``values`` of each round as they would be had the machine been as quick as when ``yardstick`` is ``best``.

    ``yardstick`` is the CPU time that work which is the same in every round took, SIPp's. A neighbour that is busy, be
    it in another virtual machine of the host's, makes a call cost half as much again, and that work too: without this
    what was measured a minute apart could not be compared. What a variant slows SIPp down by (a few percent) is lost.
    """
    return [value * best / length for value, length in zip(values, yardstick, strict=True)]


def added(values: Sequence[float], zero: Sequence[float]) -> Figure:
    """``median(values) - median(zero)``."""
    return _resampled((values, zero), lambda medians: medians[0] - medians[1])


def ratio(upper: Sequence[float], lower: Sequence[float], zero: Sequence[float]) -> Figure:
    """What ``upper`` adds to ``zero`` over what ``lower`` adds to it, by their medians.

    Raises ``ValueError`` when the lower one adds nothing: such rounds are noise.
    """
    if median(lower) <= median(zero):
        raise ValueError("what is divided by is not above zero: the rounds are too short or the machine is too busy")
    return _resampled(
        (upper, lower, zero), lambda medians: (medians[0] - medians[2]) / max(medians[1] - medians[2], _TINY)
    )


def _resampled(rounds: Sequence[Sequence[float]], statistic: Callable[[Sequence[float]], float]) -> Figure:
    source = random.Random(1)
    seen = [statistic([median(source.choices(values, k=len(values))) for values in rounds]) for _ in range(_RESAMPLES)]
    return Figure(statistic([median(values) for values in rounds]), percentile(seen, _LOW), percentile(seen, _HIGH))
