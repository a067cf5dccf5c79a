"""At which hours of the day somebody may be rung."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from waybell.callbacks.hours import Hours, outside_hours, zones_of

HOURS = Hours()
MOSCOW, NOVOSIBIRSK, MOBILE, IDAHO, BERLIN = "74951234567", "73832234567", "79161234567", "12083201234", "493012345678"


def at(text: str, zone: str = "Europe/Moscow") -> datetime:
    return datetime.fromisoformat(f"2026-11-22T{text}").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def zones(digits: str, hours: Hours = HOURS) -> list[str]:
    return [zone.key for zone in zones_of(digits, hours, at("12:00"))]


@pytest.mark.parametrize(
    ("time", "open_"), [("07:59:59", False), ("08:00", True), ("20:59:59", True), ("21:00", False)]
)
def test_people_are_rung_from_the_start_to_before_the_end(time: str, open_: bool) -> None:
    assert (outside_hours(MOSCOW, HOURS, at(time)) is None) is open_


def test_it_is_the_clock_of_whoever_is_called() -> None:
    assert outside_hours(MOSCOW, HOURS, at("18:00")) is None
    refusal = outside_hours(NOVOSIBIRSK, HOURS, at("18:00"))
    assert refusal is not None
    assert (refusal.type, refusal.status) == ("outside-hours", 403)
    assert "It is 22:00 where this number is (Asia/Novosibirsk)" in refusal.detail
    assert NOVOSIBIRSK not in refusal.detail
    assert outside_hours(NOVOSIBIRSK, HOURS, at("08:00", "Asia/Novosibirsk")) is None


@pytest.mark.parametrize("zone", ["Europe/Moscow", "Asia/Vladivostok"])
def test_a_number_that_may_be_anywhere_is_taken_to_be_where_the_company_is(zone: str) -> None:
    assert zones(MOBILE, Hours(zone=zone)) == [zone]


@pytest.mark.parametrize(
    ("digits", "zone"),
    [("77011234567", "Asia/Almaty"), ("4915112345678", "Europe/Berlin"), ("998901234567", "Asia/Tashkent")],
)
def test_a_mobile_of_a_country_with_one_time_is_there(digits: str, zone: str) -> None:
    now = at("12:00")
    assert [there.utcoffset(now) for there in zones_of(digits, HOURS, now)] == [ZoneInfo(zone).utcoffset(now)]


def test_where_zones_come_close_it_must_be_a_good_hour_in_all_of_them() -> None:
    names = zones(IDAHO)
    assert names == ["America/Los_Angeles", "America/Boise"]
    early, late = (at("08:30", names[-1]), at("20:30", names[0]))
    assert outside_hours(IDAHO, HOURS, early) is not None
    assert outside_hours(IDAHO, HOURS, late) is not None
    assert outside_hours(IDAHO, HOURS, at("14:00", names[0])) is None


@pytest.mark.parametrize("digits", ["500", "112", "", "290412", "٧٩١٦١٢٣٤٥٦٧"])
def test_what_is_no_telephone_outside_may_be_rung_at_any_hour(digits: str) -> None:
    assert outside_hours(digits, HOURS, at("03:00")) is None


@pytest.mark.parametrize("digits", [MOSCOW, NOVOSIBIRSK, MOBILE, IDAHO])
@pytest.mark.parametrize("hour", range(24))
def test_when_the_wait_is_over_it_is_allowed_and_a_second_before_it_was_not(digits: str, hour: int) -> None:
    now = at(f"{hour:02}:30:10")
    refusal = outside_hours(digits, HOURS, now)
    if refusal is not None:
        assert 0 < refusal.retry_after < 86_400
        then = now + timedelta(seconds=refusal.retry_after)
        assert outside_hours(digits, HOURS, then) is None
        assert outside_hours(digits, HOURS, then - timedelta(seconds=2)) is not None


def test_the_wait_counts_the_hour_that_summer_time_takes() -> None:
    night = datetime(2026, 3, 29, 0, 0, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    refusal = outside_hours(BERLIN, HOURS, night)
    assert refusal is not None
    assert refusal.retry_after == 7 * 3600


def test_hours_that_no_common_hour_has_say_to_come_back_tomorrow() -> None:
    refusal = outside_hours(IDAHO, Hours("08:00", "08:30"), at("12:00"))
    assert refusal is not None
    assert refusal.retry_after == 86_400


def test_a_whole_day_has_no_night() -> None:
    assert all(outside_hours(MOSCOW, Hours("00:00", "24:00"), at(f"{hour:02}:00")) is None for hour in range(24))


@pytest.mark.parametrize(
    ("start", "end", "zone", "message"),
    [
        ("21:00", "08:00", "Europe/Moscow", "must begin before they end"),
        ("08:00", "08:00", "Europe/Moscow", "must begin before they end"),
        ("8:00", "21:00", "Europe/Moscow", "'8:00' is no time of the day"),
        ("08:00", "24:01", "Europe/Moscow", "'24:01' is no time of the day"),
        ("08:00:30", "21:00", "Europe/Moscow", "is no time of the day"),
        ("08:00+03:00", "21:00", "Europe/Moscow", "is no time of the day"),
        ("08:00", "21:00", "Mars/Olympus", "IANA's name is needed"),
        ("08:00", "21:00", "../etc/passwd", "IANA's name is needed"),
        ("08:00", "21:00", "Europe", "IANA's name is needed"),
        ("08:00", "21:00", "", "IANA's name is needed"),
    ],
)
def test_hours_that_mean_nothing_are_an_error(start: str, end: str, zone: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Hours(start, end, zone)
