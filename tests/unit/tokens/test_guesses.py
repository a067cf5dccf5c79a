from __future__ import annotations

from waybell.tokens.guesses import Guesses


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def wrong(guesses: Guesses, key: str) -> int:
    """One wrong try; gives how long it had to wait instead."""
    wait = guesses.begin(key)
    if not wait:
        guesses.end(key, wrong=True)
    return wait


def test_after_the_free_ones_each_wrong_try_waits_twice_as_long_up_to_the_longest() -> None:
    clock = Clock()
    guesses = Guesses(3, 3, longest=10, clock=clock)
    assert [wrong(guesses, "a") for _ in range(3)] == [0, 0, 0]
    for seconds in (1, 2, 4, 8, 10, 10):
        assert wrong(guesses, "a") == seconds
        clock.now += seconds
        assert wrong(guesses, "a") == 0


def test_others_do_not_wait() -> None:
    guesses = Guesses(1, 1, clock=Clock())
    wrong(guesses, "a")
    assert guesses.begin("a") == 1
    assert guesses.begin("b") == 0


def test_what_is_right_costs_nothing_and_is_not_remembered() -> None:
    guesses = Guesses(2, 2, clock=Clock())
    for _ in range(100):
        assert guesses.begin("a") == 0
        guesses.end("a", wrong=False)
    assert not guesses._tries


def test_only_so_many_are_under_way_at_once_fewer_after_wrong_ones_but_always_one() -> None:
    clock = Clock()
    guesses = Guesses(4, 8, clock=clock)
    assert [guesses.begin("a") for _ in range(9)] == [0] * 8 + [1]
    for _ in range(8):
        guesses.end("a", wrong=False)
    wrong(guesses, "a")
    assert [guesses.begin("a") for _ in range(7)] == [0] * 6 + [1]
    for _ in range(6):
        guesses.end("a", wrong=True)
    clock.now += 100
    assert [guesses.begin("a") for _ in range(2)] == [0, 1]


def test_who_did_nothing_wrong_for_long_begins_anew() -> None:
    clock = Clock()
    guesses = Guesses(2, 2, memory=60, clock=clock)
    wrong(guesses, "a")
    clock.now += 60
    assert [wrong(guesses, "a") for _ in range(3)] == [0, 0, 1]


def test_the_table_is_bounded_and_forgets_who_was_quiet_longest() -> None:
    guesses = Guesses(1, 1, keys=100, clock=Clock())
    guesses.begin("under way")
    for number in range(1000):
        wrong(guesses, str(number))
    assert len(guesses._tries) <= 100
    assert guesses.begin("999") == 1
    assert guesses.begin("0") == 0
    guesses.end("under way", wrong=False)
