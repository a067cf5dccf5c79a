"""Guessing is slow, a double tap is one call, and neither memory grows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address

from ami_app.guard import Guard
from ami_app.taps import Taps

HERE, THERE = ip_address("192.0.2.1"), ip_address("192.0.2.2")
FROM, TO = "+79010000011", "79161234567"


def test_each_failure_of_an_address_makes_its_next_attempt_wait_longer() -> None:
    guard, now, waits = Guard(), 0.0, []
    for _ in range(7):
        wait = guard.wait(HERE, now)
        assert wait is not None
        waits.append(wait)
        now += wait
        guard.failed(HERE, now)
    assert waits == [0, 0.5, 1, 2, 4, 8, 8]
    assert guard.wait(THERE, now) == 0


def test_a_hundred_connections_of_one_address_guess_no_faster_than_one() -> None:
    guard = Guard()
    guard.failed(HERE, 0)
    waits = [guard.wait(HERE, 0) for _ in range(100)]
    looked_at = [wait for wait in waits if wait is not None]
    assert looked_at == [number / 2 for number in range(1, 17)]
    for wait in looked_at:
        guard.failed(HERE, wait)
    assert guard.wait(HERE, 8.0) == 8.0
    assert guard.wait(HERE, 8.0) is None


def test_a_success_or_fifteen_quiet_minutes_forget_it() -> None:
    guard = Guard()
    for _ in range(5):
        guard.failed(HERE, 0)
        guard.failed(THERE, 0)
    guard.succeeded(HERE)
    assert guard.wait(HERE, 1) == 0
    assert guard.wait(THERE, 901) == 0
    guard.failed(THERE, 901)
    assert guard.wait(THERE, 901) == 0.5


def test_the_addresses_of_one_ipv6_network_are_one() -> None:
    guard = Guard()
    guard.failed(ip_address("2001:db8::1"), 0)
    assert guard.wait(ip_address("2001:db8::ffff:2"), 0) == 0.5
    assert guard.wait(ip_address("2001:db8:0:1::1"), 0) == 0


def test_a_million_addresses_are_not_remembered() -> None:
    guard = Guard()
    for number in range(3000):
        guard.failed(ip_address(0x0A000000 + number), 0)
    assert len(guard) == 1024
    assert guard.wait(ip_address(0x0A000000 + 2999), 0) == 0.5


class Clock:
    """A clock that is set by hand."""

    def __init__(self, hour: int, minute: int = 0, second: int = 0) -> None:
        self.now = datetime(2026, 11, 22, hour, minute, second, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def goes(self, seconds: float) -> None:
        """Forward, or back."""
        self.now += timedelta(seconds=seconds)


def test_two_taps_within_a_minute_have_one_key_also_where_a_minute_ends_between_them() -> None:
    clock = Clock(12, 0, 59)
    taps = Taps(clock)
    first = taps.key("u", FROM, TO)
    assert first == "79010000011>79161234567@2026-11-22T12:00Z"
    clock.goes(2)
    assert taps.key("u", FROM, TO) == first
    assert taps.key("u", FROM.lstrip("+"), "+" + TO) == first


def test_a_wish_a_minute_after_the_first_is_another_call_however_often_it_was_repeated() -> None:
    clock = Clock(12, 0, 59)
    taps = Taps(clock)
    keys = []
    for _ in range(7):
        keys.append(taps.key("u", FROM, TO))
        clock.goes(20)
    assert [keys.index(key) for key in keys] == [0, 0, 0, 3, 3, 3, 6]


def test_two_processes_give_one_key_within_a_minute() -> None:
    clock = Clock(12, 0, 5)
    first = Taps(clock).key("u", FROM, TO)
    clock.goes(50)
    assert Taps(clock).key("u", FROM, TO) == first


def test_other_numbers_and_the_way_back_have_other_keys() -> None:
    taps = Taps(Clock(12))
    keys = {taps.key("u", FROM, TO), taps.key("u", TO, FROM), taps.key("u", FROM, TO + "1")}
    assert len(keys) == 3


def test_a_clock_set_back_by_a_second_between_two_taps_makes_no_second_call() -> None:
    clock = Clock(12, 1, 0)
    taps = Taps(clock)
    first = taps.key("u", FROM, TO)
    clock.goes(-1)
    assert taps.key("u", FROM, TO) == first
    clock.goes(-3600)
    assert taps.key("u", FROM, TO) != first


def test_the_minute_is_of_utc_whatever_the_clocks_zone() -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    assert Taps(lambda: datetime(2026, 11, 22, 17, 30, tzinfo=zone)).key("u", "1", "2") == "1>2@2026-11-22T12:00Z"


def test_a_million_pairs_are_not_remembered() -> None:
    taps = Taps(Clock(12))
    for number in range(10_000):
        taps.key("u", FROM, str(number))
    assert len(taps) == 4096
