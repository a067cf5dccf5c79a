"""The arithmetic of the benchmark: percentiles, medians over rounds, and how sure a ratio is."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

_RESAMPLES = 2000
_LOW, _HIGH = 5.0, 95.0

_Statistic = Callable[[Sequence[int]], float]


@dataclass(frozen=True, slots=True)
class Figure:
    """A median and the range that holds it in nine of ten resamplings of the rounds."""

    median: float
    low: float
    high: float


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest-rank percentile. Raises ``ValueError`` for no values."""
    if not values:
        raise ValueError("no values to take a percentile of")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def figure(values: Sequence[float]) -> Figure:
    """The median of one value a round."""
    return _resampled(len(values), lambda rounds: median(values[n] for n in rounds))


def ratio(upper: Sequence[float], lower: Sequence[float]) -> Figure:
    """``median(upper) / median(lower)``; both hold one value for each round, in the same order.

    Raises ``ValueError`` when the lower median is not above zero: such rounds are noise.
    """
    if median(lower) <= 0:
        raise ValueError("what is divided by is not above zero: the rounds are too short or the machine is too busy")
    return _resampled(
        len(upper), lambda rounds: median(upper[n] for n in rounds) / (median(lower[n] for n in rounds) or 1e-9)
    )


def added(values: Sequence[float], zero: Sequence[float]) -> list[float]:
    """What each round has over the zero of the same round: a machine that is slower for a while is so for both."""
    return [value - base for value, base in zip(values, zero, strict=True)]


def _resampled(rounds: int, statistic: _Statistic) -> Figure:
    if rounds < 1:
        raise ValueError("there were no rounds")
    source = random.Random(1)
    all_rounds = range(rounds)
    seen = [statistic(source.choices(all_rounds, k=rounds)) for _ in range(_RESAMPLES)]
    return Figure(statistic(all_rounds), percentile(seen, _LOW), percentile(seen, _HIGH))
