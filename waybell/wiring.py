"""Settings made into the values and ports that the rooms work with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell import numbers
from waybell.calls.fold import plain
from waybell.calls.recorder import Recorder
from waybell.calls.writer import SqlJournalStore
from waybell.numbers import NumberPlan
from waybell.people.cache import CachedPeople
from waybell.people.crm import SqlPeople, open_people
from waybell.people.demo import create_demo_crm
from waybell.people.values import People
from waybell.routing.dialling import Dialling
from waybell.routing.flow import Flow, default_flow, load_flow
from waybell.settings import DEMO_CRM, Settings
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate

_MIGRATE_AGAIN_SECONDS = 2.0


def number_plan(settings: Settings) -> NumberPlan:
    """How numbers are written where the PBX stands."""
    chosen = settings.numbers
    return NumberPlan(chosen.region, chosen.outside_code, chosen.extension_digits)


def normalise(settings: Settings) -> Callable[[str], str]:
    """Gives a number's digits as the journal holds them; empty text for what is none.

    A number with a foreign character is anonymous here as it is in the dialplan: the journal names nobody who was
    not asked for.
    """
    plan = number_plan(settings)
    return lambda raw: numbers.parse(raw, plan).digits if plain(raw) else ""


def dialling(settings: Settings) -> Dialling:
    """How people are rung."""
    calls = settings.calls
    return Dialling(
        company_number=calls.company_number,
        phone_dial=calls.phone_dial,
        extension_dial=calls.extension_dial,
        ring_seconds=calls.ring_seconds,
        office=calls.office,
        courier_prefix=calls.courier_prefix,
        client_prefix=calls.client_prefix,
        show_recipient=calls.show_recipient,
        language=calls.language,
        plan=number_plan(settings),
    )


def flow(settings: Settings) -> Flow:
    """The way of a call. Raises :class:`waybell.routing.flow.FlowError`."""
    return load_flow(Path(settings.routing.flow)) if settings.routing.flow else default_flow()


@asynccontextmanager
async def crm(settings: Settings) -> AsyncIterator[SqlPeople]:
    """The CRM, connected as far as it can be. Raises :class:`waybell.people.queries.QueryError` for wrong queries."""
    chosen = settings.crm
    if chosen.url == DEMO_CRM:
        create_demo_crm(Path(make_url(chosen.url).database or ""))
    source = open_people(chosen.url, chosen.queries, chosen.deadline, chosen.connections)
    await source.start()
    try:
        yield source
    finally:
        await source.close()


def cached(settings: Settings, source: People) -> People:
    """``source`` with its last answers kept for when it fails."""
    return CachedPeople(source, max_age=settings.crm.cache_hours * 3600)


@asynccontextmanager
async def people(settings: Settings) -> AsyncIterator[People]:
    """Who is behind a number, for a command that asks once."""
    async with crm(settings) as source:
        yield source


@asynccontextmanager
async def journal(settings: Settings) -> AsyncIterator[Callable[[], bool]]:
    """The journal, kept up to date from the event log inside the block, and written to its end on leaving it.

    Gives a function that tells whether all is well with it.
    """
    engine = make_engine(settings.store.url)
    cel = settings.cel
    store = SqlJournalStore(engine, cel.pbx)
    recorder = Recorder(store, Path(cel.path), pbx=cel.pbx, normalise=normalise(settings))
    stop, migrated = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(_keep_journal(engine, recorder, stop, migrated), name="journal")
    try:
        yield lambda: migrated.is_set() and recorder.well
    finally:
        stop.set()
        await task
        await engine.dispose()


async def _keep_journal(engine: AsyncEngine, recorder: Recorder, stop: asyncio.Event, migrated: asyncio.Event) -> None:
    if await _migrated(engine, stop):
        migrated.set()
        await recorder.run(stop)


async def _migrated(engine: AsyncEngine, stop: asyncio.Event) -> bool:
    """Whether the store has its tables; waits for a store that is down, because calls go on without it."""
    log, said = structlog.get_logger("journal"), False
    while not stop.is_set():
        try:
            await migrate(engine)
        except (SQLAlchemyError, OSError) as error:
            if not said:
                log.error("the store cannot be prepared; calls go on, the journal catches up later", error=str(error))
            said = True
            await _pause(stop, _MIGRATE_AGAIN_SECONDS)
        else:
            return True
    return False


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
