"""How much may be called: by one courier, to one number, by the whole company. Pure: counts in, a refusal out.

The windows slide: "a day" is the last 86,400 seconds, not the calendar's day. So a midnight does not double what may be
called, and there is no question of whose midnight or of a day of 23 hours. Whatever began after a window's start
counts, with no upper bound: after the clock was set back, what is stored "in the future" is still counted. A clock that
is set *forward* would empty every window, so :class:`SteadyClock` tells the time for them.

No limit is ever passed, minutes included: a call in progress counts with the longest that it may take.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from math import ceil

from waybell.callbacks.values import Kind, RefusedError

_SECOND, _HOUR, _DAY = 1, 3_600, 86_400
_SOON = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """The most there may be; 0: nobody may call. Times are in the unit of the name.

    ``courier_…`` hold for each courier's callbacks, ``destination_per_day`` for each outside number and whoever calls
    it, ``company_…`` for all calls that Waybell places. ``longest_call_seconds`` is what two may talk,
    ``set_up_seconds`` what a call may hold its first phone besides: the key, the ringing, what is said of a failure.
    Raises :class:`ValueError` with one line that says what is allowed.
    """

    courier_at_once: int = 1
    courier_per_hour: int = 60
    courier_per_day: int = 300
    destination_per_day: int = 10
    company_at_once: int = 30
    company_per_second: int = 30
    company_minutes_per_day: int = 3_000
    longest_call_seconds: int = 1_800
    set_up_seconds: int = 120

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not isinstance(value, int) or value < 0:
                raise ValueError(f"{item.name} {value!r} must be a whole number, 0 or more")
        if self.longest_call_seconds < 1:
            raise ValueError("longest_call_seconds must be at least 1")
        if 0 < self.company_minutes_per_day * 60 < self.reserved_seconds:
            least = ceil(self.reserved_seconds / 60)
            raise ValueError(f"company_minutes_per_day must be 0 or at least {least}: so long may one call take")

    @property
    def reserved_seconds(self) -> int:
        """What a call counts with while it is up."""
        return self.longest_call_seconds + self.set_up_seconds


@dataclass(frozen=True, slots=True)
class Usage:
    """What there is already, without the call that is asked for. Calls that were refused are not among these.

    ``…_at_once`` count calls that have not ended; ``…_in_…`` those placed after the start of the :class:`Windows`.
    ``destination_in_day`` counts calls whose second phone is that number and was dialled or still may be.
    ``company_talk_seconds_in_day`` sums the calls that *ended* after the day's start, each from its first answer to its
    end.
    """

    courier_at_once: int = 0
    courier_in_hour: int = 0
    courier_in_day: int = 0
    destination_in_day: int = 0
    company_at_once: int = 0
    company_in_second: int = 0
    company_talk_seconds_in_day: float = 0.0


@dataclass(frozen=True, slots=True)
class Windows:
    """Where each window starts; whatever is later than that counts, however late."""

    second: datetime
    hour: datetime
    day: datetime


@dataclass(frozen=True, slots=True)
class SteadyClock:
    """The wall's time (with zone) at one moment of the monotonic clock (seconds): the time since then, whatever
    somebody does to the wall's clock.
    """

    wall: datetime
    monotonic: float

    def at(self, monotonic: float) -> datetime:
        """The time when the monotonic clock says ``monotonic``; never before ``wall``."""
        return self.wall + timedelta(seconds=max(0.0, monotonic - self.monotonic))


def windows(now: datetime) -> Windows:
    """The windows that end at ``now`` (with zone)."""
    return Windows(*(now - timedelta(seconds=length) for length in (_SECOND, _HOUR, _DAY)))


def over(limits: Limits, usage: Usage, kind: Kind = Kind.CALLBACK, *, outside: bool = True) -> RefusedError | None:
    """The refusal (429) of one more call, or ``None``. ``outside``: the second phone is no extension of ours."""
    for check in _checks(limits, usage, kind, outside=outside):
        if check.used >= check.most:
            detail = f"{check.what}, and {check.most} are allowed: {check.advice}."
            retry_after = check.retry_after if check.most else 0
            return RefusedError(check.type, 429, "Too many calls", detail, retry_after)
    return _over_minutes(limits, usage)


@dataclass(frozen=True, slots=True)
class _Check:
    type: str
    used: int
    most: int
    what: str
    advice: str
    retry_after: int


def _checks(limits: Limits, usage: Usage, kind: Kind, *, outside: bool) -> Iterator[_Check]:
    if kind is Kind.CALLBACK:
        yield from _courier_checks(limits, usage)
    if outside:
        used, most = usage.destination_in_day, limits.destination_per_day
        what = f"This number was called {used} times in 24 hours"
        yield _Check("destination-per-day", used, most, what, "try again tomorrow", _gap(_DAY, most))
    used, most = usage.company_at_once, limits.company_at_once
    yield _Check("company-at-once", used, most, f"The company has {used} calls up", "try again when one ends", _SOON)
    used, most = usage.company_in_second, limits.company_per_second
    what = f"The company placed {used} calls in a second"
    yield _Check("company-per-second", used, most, what, "try again in a second", _SECOND)


def _courier_checks(limits: Limits, usage: Usage) -> Iterator[_Check]:
    used, most = usage.courier_at_once, limits.courier_at_once
    yield _Check("courier-at-once", used, most, f"The courier has {used} calls up", "end one first", _SOON)
    used, most = usage.courier_in_hour, limits.courier_per_hour
    what = f"The courier placed {used} calls in an hour"
    yield _Check("courier-per-hour", used, most, what, "try again later", _gap(_HOUR, most))
    used, most = usage.courier_in_day, limits.courier_per_day
    what = f"The courier placed {used} calls in 24 hours"
    yield _Check("courier-per-day", used, most, what, "try again later", _gap(_DAY, most))


def _over_minutes(limits: Limits, usage: Usage) -> RefusedError | None:
    """Room is needed for this call and for all that are up, each at its longest; else all of them together could pass
    the limit after the last was let through.
    """
    most = limits.company_minutes_per_day
    reserved = (usage.company_at_once + 1) * limits.reserved_seconds
    if usage.company_talk_seconds_in_day + reserved <= most * 60:
        return None
    talked = int(usage.company_talk_seconds_in_day // 60)
    detail = (
        f"The company talked {talked} minutes in 24 hours and {usage.company_at_once} calls are up, "
        f"and {most} minutes are allowed: try again when calls have ended."
    )
    return RefusedError("company-minutes-per-day", 429, "Too many minutes", detail, 60 if most else 0)


def _gap(window: int, most: int) -> int:
    """Seconds after which one call leaves the window, if they were spread evenly over it."""
    return ceil(window / most) if most else 0
