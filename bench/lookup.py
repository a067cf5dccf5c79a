"""What a lookup costs in a small and in a big CRM: it must not grow with the number of recipients."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

from bench.cpu import Meter
from bench.traffic import Traffic
from lab.crm_data import Company
from lab.mariadb import Database, MariaDB
from waybell.people.crm import open_people
from waybell.people.values import People, Source

_DEADLINE = 10.0


class LookupFailedError(Exception):
    """The CRM did not answer in the middle of the measurement."""


@dataclass(frozen=True, slots=True)
class Lookups:
    """Microseconds per lookup: elapsed, and of the database's CPU."""

    recipients: int
    elapsed_us: float
    database_cpu_us: float


async def measure_lookups(
    server: MariaDB, crms: dict[int, Database], lookups: int, rounds: int = 5
) -> dict[int, Lookups]:
    """``crms`` by their number of recipients, asked in turn, one lookup after the other."""
    elapsed: dict[int, list[float]] = {size: [] for size in crms}
    used: dict[int, list[float]] = {size: [] for size in crms}
    callers = {size: Traffic(Company(recipients=size)) for size in crms}
    for _ in range(rounds):
        for size, crm in crms.items():
            numbers = [call.caller for call in callers[size].calls(lookups // rounds)]
            wall, cpu = await _ask_all(server, crm, numbers)
            elapsed[size].append(wall * 1e6 / len(numbers))
            used[size].append(cpu * 1e6 / len(numbers))
    return {size: Lookups(size, median(elapsed[size]), median(used[size])) for size in crms}


async def _ask_all(server: MariaDB, crm: Database, numbers: list[str]) -> tuple[float, float]:
    people = open_people(crm.reader(), "measoft", _DEADLINE, 1)
    await people.start()
    try:
        await _ask(people, numbers[: len(numbers) // 10])
        meter, began = Meter({"database": server.pid}), time.perf_counter()
        await _ask(people, numbers)
        return time.perf_counter() - began, meter.seconds()["database"]
    finally:
        await people.close()


async def _ask(people: People, numbers: list[str]) -> None:
    for number in numbers:
        lookup = await people.identify(number)
        if lookup.source is not Source.CRM:
            raise LookupFailedError(lookup.why)
