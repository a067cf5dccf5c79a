"""Calls that Waybell places: from the request to the first INVITE on the wire, beside the same asked of ARI alone."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from ari_app.access import Access
from ari_app.client import AriClient
from bench.figures import percentile
from bench.rounds import Say
from lab import sip
from lab.callbacks import CallingStack, calling_stack
from lab.crm_data import Company
from lab.mariadb import Database, MariaDB
from lab.phone import BUSY, Phone
from lab.waybell_process import Section
from waybell.callbacks.ports import Originate

_PERCENTILES = (50, 95, 99)
_AT_ONCE = 20
# What is measured is not to be stopped by what it is not about.
_LIMITS = (
    *("courier_at_once", "courier_per_hour", "courier_per_day", "destination_per_day", "company_at_once"),
    *("company_per_second", "company_minutes_per_day"),
)
NO_LIMITS: Section = dict.fromkeys(_LIMITS, 1_000_000)

Ask = Callable[[int], Awaitable[str]]
"""Places the ``n``-th call; gives the number that rings first."""


@dataclass(frozen=True, slots=True)
class Placing:
    """``invite_ms``: request to first INVITE, by way and percentile; ``accepted_per_second``: as fast as they go."""

    rate: float
    calls: int
    invite_ms: dict[str, dict[str, float]]
    accepted_per_second: float
    failed: int


class _Watch:
    """When an INVITE came to each number of ``phone``, which is always busy."""

    def __init__(self, phone: Phone) -> None:
        self.came: dict[str, float] = {}
        self._pass_on = phone.on_request
        phone.default = BUSY
        phone.on_request = self._see  # type: ignore[method-assign] # nearer to the wire than what comes after it

    def _see(self, request: sip.Message) -> None:
        if request.method == b"INVITE":
            user = request.uri.partition(b"@")[0].rpartition(b":")[2].decode()
            self.came.setdefault(user, asyncio.get_running_loop().time())
        self._pass_on(request)


async def measure_placing(
    server: MariaDB, crm: Database, company: Company, folder: Path, say: Say, *, rate: float = 20.0, seconds: float
) -> Placing:
    """``rate`` calls a second over each way in turn, then as many as are accepted."""
    changes: dict[str, Section] = {
        "crm": {"url": crm.reader()},
        "store": {"url": server.database().store()},
        "callbacks": NO_LIMITS,
    }
    calls = int(rate * seconds)
    async with calling_stack(folder / "placing", changes=changes) as here:
        access = Access(here.stack.pbx.ari_url, "waybell", here.stack.pbx.settings.ari_password)
        watch = _Watch(here.stack.provider)
        async with AriClient(access) as ari:
            ways: dict[str, Ask] = {"waybell": _over_waybell(here, company), "ari": _over_ari(ari, company)}
            found: dict[str, dict[str, float]] = {}
            failed = 0
            for way, ask in ways.items():
                await _load(ask, range(1, 21), rate, watch)  # the first of each costs more
                say(f"placing {calls} calls at {rate:g}/s over {way}")
                times, lost = await _load(ask, range(100, 100 + calls), rate, watch)
                found[way] = {f"p{percent}": percentile(times, percent) for percent in _PERCENTILES}
                failed += lost
        say("placing calls as fast as they are accepted")
        accepted = await _as_fast_as_they_go(ways["waybell"], range(1_000, 1_000 + 2 * calls))
    return Placing(rate, calls, found, accepted, failed)


def _over_waybell(here: CallingStack, company: Company) -> Ask:
    async def ask(number: int) -> str:
        parcel = 2 * number + 1  # odd ones are in a courier's hands
        courier = company.courier_of(parcel)
        answer = await here.app.place(str(uuid.uuid4()), courier=str(courier), parcel=str(parcel))
        if answer.status_code != 202:
            raise RuntimeError(answer.text)
        return company.courier_number(courier)

    return ask


def _over_ari(ari: AriClient, company: Company) -> Ask:
    async def ask(number: int) -> str:
        phone = company.courier_number(company.courier_of(2 * number + 1))
        dial = f"PJSIP/{phone}@trunk"
        nothing: dict[str, str] = {}
        await ari.originate(Originate(uuid.uuid4().hex, dial, "waybell-callback", "s", "74951234567", "", 25, nothing))
        return phone

    return ask


async def _load(ask: Ask, numbers: range, rate: float, watch: _Watch) -> tuple[list[float], int]:
    """Milliseconds to the INVITE of each call, and how many were refused or never rang."""
    loop = asyncio.get_running_loop()
    watch.came.clear()
    began = loop.time()

    async def one(place: int, number: int) -> float:
        at = began + place / rate
        await asyncio.sleep(at - loop.time())
        phone = await ask(number)
        async with asyncio.timeout(5):
            while phone not in watch.came:  # noqa: ASYNC110 - the time that counts is the watch's own
                await asyncio.sleep(0.005)
        return (watch.came[phone] - at) * 1000

    results = await asyncio.gather(
        *(one(place, number) for place, number in enumerate(numbers)), return_exceptions=True
    )
    times = [result for result in results if isinstance(result, float)]
    return times, len(results) - len(times)


async def _as_fast_as_they_go(ask: Ask, numbers: range) -> float:
    waiting = iter(numbers)

    async def worker() -> None:
        for number in waiting:
            await ask(number)

    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))
    return len(numbers) / (asyncio.get_running_loop().time() - began)
