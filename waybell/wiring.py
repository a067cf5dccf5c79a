"""Settings made into the values and ports that the rooms work with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy.engine import make_url

from waybell import numbers
from waybell.calls.fold import plain
from waybell.calls.keeper import Keeper
from waybell.calls.recorder import Recorder
from waybell.calls.writer import SqlJournalStore
from waybell.number_charges import regions_of
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

_GOODBYE_SECONDS = 1.0


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
        regions=regions_of(calls.countries),
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
async def journal(settings: Settings) -> AsyncIterator[Keeper]:
    """The journal, kept up to date from the event log inside the block; on leaving it what waits is written.

    A store that is down, hangs or was made by a newer Waybell keeps nothing else from its work.
    """
    engine = make_engine(settings.store.url)
    cel = settings.cel
    store = SqlJournalStore(engine, cel.pbx)

    def recorder() -> Recorder:
        return Recorder(store, Path(cel.path), pbx=cel.pbx, normalise=normalise(settings))

    keeper, stop = Keeper(lambda: migrate(engine), recorder), asyncio.Event()
    task = asyncio.create_task(keeper.keep(stop), name="journal")
    try:
        yield keeper
    finally:
        stop.set()
        await task
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await engine.dispose()
