"""The service that places calls, put together from the settings."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell import wiring
from waybell.callbacks.asking import Asking
from waybell.callbacks.destinations import Policy
from waybell.callbacks.limits import Limits, SteadyClock
from waybell.callbacks.lines import Line
from waybell.callbacks.placing import Options, Placing
from waybell.callbacks.ports import Pbx
from waybell.callbacks.refusals import RefusalNotes
from waybell.callbacks.service import CallbackService, Parts
from waybell.callbacks.store import CallbackStore
from waybell.number_charges import regions_of
from waybell.people.crm import SqlPeople
from waybell.people.directory import Directory
from waybell.settings import Settings
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate

_WATCH_SECONDS = 1.0
_DEFAULT_LINE = "default"
_UNLIMITED = 1_000_000
_SEVEN = frozenset({"RU", "KZ"})
# What is said to whoever is asked for a key, or hears that nobody was reached.
_WORDS_SECONDS = 40


@dataclass(slots=True)
class Placed:
    """The service; whether Asterisk can be asked just now, and what has the calls compared with its channels (both set
    by whoever listens to it).
    """

    service: CallbackService
    engine: AsyncEngine
    connected: Callable[[], bool] = bool
    check: Callable[[], None] = lambda: None

    async def watch(self, stop: asyncio.Event) -> None:
        """Has the calls checked now and then, until ``stop``; makes the store ready first."""
        log = structlog.get_logger("callbacks")
        migrated, told = False, ""
        while not stop.is_set():
            try:
                if not migrated:
                    await migrate(self.engine)
                    migrated = True
                self.check()
                told = ""
            except Exception as error:  # whatever it is, it is tried again
                why = f"{type(error).__name__}: {error}"[:300]
                if why != told:
                    log.error("the store could not be made ready for calls; it is tried again", why=why)
                told = why
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_WATCH_SECONDS):
                    await stop.wait()


@asynccontextmanager
async def service(settings: Settings, crm: SqlPeople, pbx: Pbx) -> AsyncIterator[Placed]:
    """The service, on a connection pool of its own."""
    engine = make_engine(settings.store.url)
    clock = SteadyClock(datetime.now(UTC), time.monotonic())
    asking, placing = Asking(Directory(crm), policy(settings)), Placing(options(settings))
    notes = RefusalNotes(engine, settings.cel.pbx)
    parts = Parts(CallbackStore(engine, pbx=settings.cel.pbx), asking, placing, pbx, lambda: placed.connected(), notes)  # noqa: PLW0108 - set later
    placed = Placed(CallbackService(parts, lambda: clock.at(time.monotonic())), engine)
    try:
        yield placed
    finally:
        await engine.dispose()


def policy(settings: Settings) -> Policy:
    """Which numbers may be called."""
    calls = settings.calls
    return Policy(
        plan=wiring.number_plan(settings),
        regions=regions_of(calls.countries) or _own(settings.numbers.region),
        allowed_numbers=frozenset(settings.callbacks.allowed_numbers),
        office=calls.office,
        company_number=calls.company_number,
    )


def _own(region: str) -> frozenset[str]:
    """The company's own country; Russia and Kazakhstan, which share their numbers, as one."""
    return _SEVEN if region in _SEVEN else frozenset({region})


def options(settings: Settings) -> Options:
    """How calls are placed."""
    calls, chosen = settings.calls, settings.callbacks
    fallback = Line(_DEFAULT_LINE, calls.phone_dial, calls.company_number.removeprefix("+"), at_once=_UNLIMITED)
    return Options(
        pbx=settings.cel.pbx,
        lines=tuple(line.line() for line in calls.lines),
        fallback=None if calls.lines else fallback,
        extension_dial=calls.extension_dial,
        courier_prefix=calls.courier_prefix,
        client_prefix=calls.client_prefix,
        company_number=calls.company_number.removeprefix("+"),
        ring_seconds=calls.ring_seconds,
        confirm_seconds=chosen.confirm_seconds if chosen.confirm else 0,
        language=calls.language,
        limits=_limits(settings),
        hours=chosen.hours(),
        policy=policy(settings),
        extras=wiring.extras(settings),
    )


def _limits(settings: Settings) -> Limits:
    """Before two can talk, a call may hold its first phone for the key, each line to the second, a last word."""
    calls, limits = settings.calls, settings.callbacks.limits()
    before = 2 * settings.callbacks.confirm_seconds + calls.ring_seconds * max(1, len(calls.lines)) + _WORDS_SECONDS
    return replace(limits, set_up_seconds=max(limits.set_up_seconds, before))
