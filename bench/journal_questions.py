"""What is asked of the journal: every filter of the contract, common and rare, alone and with others."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from bench.journal_data import COMPANY, FIRST_SECOND, PERIOD_SECONDS
from waybell.calls.queries import NEWEST_FIRST, OLDEST_FIRST, CallFilter

Question = Callable[[random.Random], tuple[CallFilter, str]]


def _ask(make: Callable[[random.Random], CallFilter], order: str = NEWEST_FIRST) -> Question:
    return lambda source: (make(source), order)


def _time(source: random.Random) -> int:
    return (FIRST_SECOND + source.randrange(PERIOD_SECONDS)) * 1_000_000


def _day(source: random.Random) -> CallFilter:
    since = _time(source)
    return CallFilter(since=since, until=since + 86_400_000_000)


def _digits(source: random.Random, number: int) -> str:
    return "".join(source.choice("0123456789") for _ in range(number))


def _one_of(source: random.Random, *choices: str) -> str:
    return source.choice(choices)


QUESTIONS: Final[dict[str, Question]] = {
    "all calls": _ask(lambda _: CallFilter()),
    "the oldest calls": _ask(lambda _: CallFilter(), OLDEST_FIRST),
    "from and until": _ask(_day),
    "until, long ago": _ask(lambda source: CallFilter(until=_time(source))),
    "number, whole": _ask(lambda source: CallFilter(number=f"7901{source.randrange(1000):07}")),
    "number, nobody's": _ask(lambda source: CallFilter(number=f"4407{_digits(source, 8)}")),
    "number, the company's": _ask(lambda _: CallFilter(number=COMPANY)),
    "number, last 4 digits": _ask(lambda source: CallFilter(number=_digits(source, 4))),
    "number, last 7 digits": _ask(lambda source: CallFilter(number=_digits(source, 7))),
    "number, 3 digits in the middle": _ask(lambda source: CallFilter(number=_digits(source, 3))),
    "number, 5 digits at the beginning": _ask(lambda source: CallFilter(number="7916" + _digits(source, 1))),
    "number, 4 digits, the oldest": _ask(lambda source: CallFilter(number=_digits(source, 4)), OLDEST_FIRST),
    "status": _ask(lambda source: CallFilter(status=_one_of(source, "answered", "missed", "failed", "interrupted"))),
    "status that no call has": _ask(lambda _: CallFilter(status="in_progress")),
    "direction": _ask(lambda source: CallFilter(direction=_one_of(source, "inbound", "internal"))),
    "kind": _ask(lambda source: CallFilter(kind=_one_of(source, "recipient", "courier", "client"))),
    "kind that no call has": _ask(lambda _: CallFilter(kind="employee")),
    "rating": _ask(lambda source: CallFilter(rating=source.randint(1, 5))),
    "courier, busy": _ask(lambda source: CallFilter(courier=str(source.randrange(5)))),
    "courier, rare": _ask(lambda source: CallFilter(courier=str(900 + source.randrange(100)))),
    "courier, nobody": _ask(lambda _: CallFilter(courier="x")),
    "client, big": _ask(lambda source: CallFilter(client=str(source.randrange(3)))),
    "parcel": _ask(lambda source: CallFilter(parcel=str(10_000_000 + source.randrange(20_000)))),
    "manager": _ask(lambda source: CallFilter(manager=str(200 + source.randrange(10)))),
    "manager, second of two": _ask(lambda _: CallFilter(manager="199")),
    "search, a common first name": _ask(lambda source: CallFilter(search=_one_of(source, "иван", "анна", "tom"))),
    "search, two letters": _ask(lambda source: CallFilter(search=_one_of(source, "ав", "ки", "уч"))),
    "search, a rare word": _ask(lambda _: CallFilter(search="зайцутдзе")),
    "search, first and last name": _ask(lambda _: CallFilter(search="артем волковчук")),
    "search, nobody": _ask(lambda _: CallFilter(search="бонапарт")),
    "status and manager": _ask(
        lambda source: CallFilter(status=_one_of(source, "failed", "rejected"), manager=str(200 + source.randrange(30)))
    ),
    "no such status with a manager": _ask(
        lambda source: CallFilter(status="in_progress", manager=str(200 + source.randrange(5)))
    ),
    "rating and courier": _ask(lambda source: CallFilter(rating=1, courier=str(source.randrange(50)))),
    "rating and search": _ask(lambda _: CallFilter(rating=2, search="волковчук")),
    "rating and what has none": _ask(lambda _: CallFilter(rating=1, status="missed", client="0")),
    "kind, direction, status, all rare": _ask(
        lambda _: CallFilter(kind="client", direction="internal", status="interrupted")
    ),
    "client, big, and courier, busy": _ask(
        lambda source: CallFilter(client=str(source.randrange(3)), courier=str(source.randrange(5)))
    ),
    "client, big, and courier, rare": _ask(
        lambda source: CallFilter(client=str(source.randrange(3)), courier=str(900 + source.randrange(100)))
    ),
    "client, rare, and manager": _ask(
        lambda source: CallFilter(client=str(1900 + source.randrange(100)), manager=str(200 + source.randrange(30)))
    ),
    "client and manager, big, and a status none has": _ask(
        lambda _: CallFilter(client="0", manager="200", status="rejected", kind="courier", direction="internal")
    ),
    "number, 4 digits, and courier, busy": _ask(
        lambda source: CallFilter(number=_digits(source, 4), courier=str(source.randrange(5)))
    ),
    "number, 3 digits, and status, rare": _ask(
        lambda source: CallFilter(number=_digits(source, 3), status="interrupted")
    ),
    "number, the company's, and courier, rare": _ask(
        lambda source: CallFilter(number=COMPANY, courier=str(900 + source.randrange(100)))
    ),
    "search, common, and client, big": _ask(lambda _: CallFilter(search="анна", client="0")),
    "search, common, and client, rare": _ask(
        lambda source: CallFilter(search="анна", client=str(1900 + source.randrange(100)))
    ),
    "search, two words nobody has together": _ask(lambda _: CallFilter(search="ооо курьер")),
    "search and a day": _ask(lambda source: CallFilter(*_days(source), search="зоя")),
    "status and manager and a day": _ask(lambda source: CallFilter(*_days(source), status="failed", manager="201")),
}


def _days(source: random.Random) -> tuple[int, int]:
    since = _time(source)
    return since, since + 86_400_000_000
