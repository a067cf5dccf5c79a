"""At which hours of the day somebody may be rung, by the clock where they are.

Where a number is, ``phonenumbers`` tells by its leading digits; its time-zone data costs a fraction of a megabyte. A
landline's zone is certain as a rule, and so is that of every number of a country with one time. Where zones come close
(Idaho has two), it must be a good hour in all of them. But a mobile number of Russia may be anywhere in eleven zones,
and there are two hours a day at which that is allowed everywhere: then the company's own zone is taken, since most of
its customers live around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from math import ceil
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import timezone

from waybell.callbacks.values import RefusedError
from waybell.number_plans import library_number

_CLOSE = timedelta(hours=3)
_MIDNIGHT = "24:00"
_DAYS_AHEAD = range(4)
_TOMORROW = 86_400
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Hours:
    """From ``start`` to before ``end`` (``HH:MM``; ``24:00`` ends a day) people may be rung.

    ``zone`` (IANA's name, ``Europe/Moscow``) is the company's own. Raises :class:`ValueError` with one line that says
    what is allowed.
    """

    start: str = "08:00"
    end: str = "21:00"
    zone: str = "Europe/Moscow"

    def __post_init__(self) -> None:
        if not _minutes(self.start) < _minutes(self.end):
            raise ValueError(f"hours from {self.start} to {self.end} must begin before they end, within one day")
        try:
            _zone(self.zone)
        except ValueError:
            raise ValueError(f"time zone {self.zone!r} is unknown: IANA's name is needed, as 'Europe/Moscow'") from None


def outside_hours(digits: str, hours: Hours, now: datetime) -> RefusedError | None:
    """The refusal (403, with the seconds until it is allowed) to ring ``digits`` (E.164) at ``now`` (with zone).

    ``None`` when it may be rung; what is no E.164 number, an extension as a rule, may be at any hour.
    """
    zones = zones_of(digits, hours, now)
    if all(_is_open(hours, zone, now) for zone in zones):
        return None
    closed = next(zone for zone in zones if not _is_open(hours, zone, now))
    detail = (
        f"It is {now.astimezone(closed):%H:%M} where this number is ({closed.key}), and people are called "
        f"from {hours.start} to {hours.end}: try again then."
    )
    return RefusedError("outside-hours", 403, "Outside the hours for calls", detail, _wait(hours, zones, now))


def zones_of(digits: str, hours: Hours, now: datetime) -> tuple[ZoneInfo, ...]:
    """The zones whose clocks decide about ``digits``; none for what is no E.164 number."""
    names = _names(digits)
    if names is None:
        return ()
    try:
        zones = [_zone(name) for name in names]
    except ValueError:  # newer than this machine's data
        return (_zone(hours.zone),)
    at = {zone.utcoffset(now.astimezone(zone)) or timedelta(): zone for zone in zones}
    if not at or max(at) - min(at) > _CLOSE:
        return (_zone(hours.zone),)
    return tuple(at[offset] for offset in sorted(at))


@lru_cache(maxsize=_REMEMBERED)
def _names(digits: str) -> tuple[str, ...] | None:
    number = library_number(digits) if digits.isascii() and digits.isdigit() else None
    if number is None or not phonenumbers.is_valid_number(number):
        return None
    # Of a mobile the library gives all zones of its country code, rightly: its prefix only tells where it was sold. But
    # a country that shares another's code is told by the prefix: Kazakhstan is no part of Russia's zones.
    main = phonenumbers.region_code_for_country_code(number.country_code or 0)
    shares = phonenumbers.region_code_for_number(number) != main
    by_prefix, by_kind = timezone.time_zones_for_geographical_number, timezone.time_zones_for_number
    names = by_prefix(number) if shares else by_kind(number)
    return tuple(name for name in names if name != timezone.UNKNOWN_TIMEZONE)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:  # a folder's name gives an OSError
        raise ValueError(name) from error


def _is_open(hours: Hours, zone: ZoneInfo, now: datetime) -> bool:
    local = now.astimezone(zone)
    return _minutes(hours.start) <= local.hour * 60 + local.minute < _minutes(hours.end)


def _wait(hours: Hours, zones: tuple[ZoneInfo, ...], now: datetime) -> int:
    """Seconds until all ``zones`` are open; a day if they never are in the next few."""
    start = time.fromisoformat(hours.start)
    for moment in sorted(
        datetime.combine(now.astimezone(zone).date() + timedelta(days=days), start, zone).astimezone(now.tzinfo)
        for zone in zones
        for days in _DAYS_AHEAD
    ):
        if moment > now and all(_is_open(hours, zone, moment) for zone in zones):
            return ceil((moment - now).total_seconds())
    return _TOMORROW


def _minutes(text: str) -> int:
    """Minutes since midnight. Raises :class:`ValueError` for what is no ``HH:MM``."""
    if text == _MIDNIGHT:
        return 24 * 60
    try:
        read = time.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or f"{read:%H:%M}" != text:
        raise ValueError(f"{text[:20]!r} is no time of the day: hours and minutes are needed, as '08:00' or '24:00'")
    return read.hour * 60 + read.minute
