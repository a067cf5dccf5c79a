"""How much may be called."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybell.callbacks.limits import Limits, SteadyClock, Usage, over, windows
from waybell.callbacks.values import Kind

LIMITS = Limits()
NOW = datetime(2026, 11, 22, 23, 59, 59, 500_000, UTC)

AT_THE_LIMIT = [
    ("courier-at-once", Usage(courier_at_once=1)),
    ("courier-per-hour", Usage(courier_in_hour=60)),
    ("courier-per-day", Usage(courier_in_day=300)),
    ("destination-per-day", Usage(destination_in_day=10)),
    ("company-at-once", Usage(company_at_once=30)),
    ("company-per-second", Usage(company_in_second=30)),
    ("company-minutes-per-day", Usage(company_talk_seconds_in_day=3_000 * 60 - LIMITS.reserved_seconds + 1)),
]


def test_a_company_that_has_called_nobody_may_call() -> None:
    assert over(LIMITS, Usage()) is None


@pytest.mark.parametrize(("type_", "usage"), AT_THE_LIMIT)
def test_each_limit_refuses_by_its_own_name_and_says_how_long_to_wait(type_: str, usage: Usage) -> None:
    refusal = over(LIMITS, usage)
    assert refusal is not None
    assert (refusal.type, refusal.status) == (type_, 429)
    assert refusal.retry_after > 0
    assert refusal.detail.endswith(".")


@pytest.mark.parametrize(("type_", "usage"), AT_THE_LIMIT)
def test_one_call_below_a_limit_there_is_room_for_one(type_: str, usage: Usage) -> None:
    counts = {field.name: getattr(usage, field.name) for field in fields(usage)}
    below = replace(usage, **{name: count - 1 for name, count in counts.items() if count})
    assert over(LIMITS, below) is None


@pytest.mark.parametrize(
    "name", [field.name for field in fields(Limits) if field.name not in ("longest_call_seconds", "set_up_seconds")]
)
def test_zero_lets_nobody_call_and_promises_nothing(name: str) -> None:
    refusal = over(replace(LIMITS, **{name: 0}), Usage())
    assert refusal is not None
    assert refusal.type == name.replace("_", "-")
    assert refusal.retry_after == 0


@pytest.mark.parametrize("kind", [Kind.CLICK, Kind.TEST])
def test_a_courier_s_limits_are_for_couriers(kind: Kind) -> None:
    usage = Usage(courier_at_once=9, courier_in_hour=999, courier_in_day=999)
    assert over(LIMITS, usage, kind) is None


def test_an_extension_is_called_as_often_as_one_likes() -> None:
    assert over(LIMITS, Usage(destination_in_day=99), outside=False) is None


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"courier_at_once": -1}, "courier_at_once -1 must be a whole number"),
        ({"company_per_second": 0.5}, "company_per_second 0.5 must be a whole number"),
        ({"longest_call_seconds": 0}, "at least 1"),
        ({"company_minutes_per_day": 31}, "must be 0 or at least 32"),
    ],
)
def test_limits_that_mean_nothing_are_an_error(limits: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Limits(**limits)


@given(st.lists(st.integers(0, 1_920), max_size=200), st.integers(32, 300), st.integers(1, 40))
def test_the_minutes_are_never_exceeded_however_long_the_calls_that_are_up_take(
    lengths: list[int], minutes: int, at_once: int
) -> None:
    limits = Limits(company_minutes_per_day=minutes, company_at_once=at_once, company_per_second=10_000)
    ended, up = 0, list[int]()
    for length in lengths:
        if len(up) == at_once:
            ended += up.pop(0)
        if over(limits, Usage(company_at_once=len(up), company_talk_seconds_in_day=ended)) is None:
            up.append(length)
    assert ended + sum(up) <= minutes * 60


def test_windows_slide_so_midnight_frees_nothing() -> None:
    before, after = windows(NOW), windows(NOW + timedelta(seconds=1))
    assert after.day - before.day == timedelta(seconds=1)
    assert (NOW - before.second, NOW - before.hour, NOW - before.day) == (
        timedelta(seconds=1),
        timedelta(hours=1),
        timedelta(days=1),
    )


def test_a_change_to_summer_time_changes_no_window() -> None:
    zoned = NOW.astimezone(timezone(timedelta(hours=3)))
    assert windows(zoned) == windows(NOW)


def test_a_clock_that_is_set_frees_nothing_for_whoever_goes_by_the_steady_one() -> None:
    clock = SteadyClock(NOW, 1000.0)
    assert clock.at(1060.5) == NOW + timedelta(seconds=60.5)
    assert clock.at(0.0) == NOW
