"""Settings made into the values and ports that the rooms work with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell import numbers
from waybell.calls.fold import plain
from waybell.calls.keeper import Keeper
from waybell.calls.recorder import Recorder
from waybell.calls.search_index import keep_indexed
from waybell.calls.table_recorder import TableRecorder
from waybell.calls.writer import SqlJournalStore
from waybell.feedback.lately import Lately
from waybell.feedback.store import FeedbackStore, write_feedback
from waybell.keeping.purging import Job, Kind, forget_in_index, keep_purged
from waybell.number_charges import regions_of
from waybell.numbers import NumberPlan
from waybell.people.cache import CachedPeople
from waybell.people.crm import SqlPeople, open_people
from waybell.people.demo import create_demo_crm
from waybell.people.values import People
from waybell.routing.dialling import Dialling
from waybell.routing.extras import NO_EXTRAS, Extras
from waybell.routing.flow import Flow, default_flow, load_flow
from waybell.settings import DEMO_CRM, Settings
from waybell.store.callback_tables import callbacks
from waybell.store.engine import make_engine
from waybell.store.feedback_tables import feedback, recording_listens
from waybell.store.migrate import migrate
from waybell.store.tables import calls

if TYPE_CHECKING:
    from waybell.keeping.forgetting import Eraser
    from waybell.live.clients import LiveFeed
    from waybell.recordings.library import Library
    from waybell.recordings.service import Recordings

_GOODBYE_SECONDS = 1.0
# The caller waits for it in silence, and is asked once too often rather than not at all.
_ASKED_SECONDS = 0.5


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


def extras(settings: Settings) -> Extras:
    """Which calls are recorded, and which callers are asked how it was."""
    recordings, feedback = settings.recordings, settings.feedback
    if not recordings.record and not feedback.ask:
        return NO_EXTRAS
    return Extras(recordings.rule(), recordings.announce, feedback.rule(), feedback.seconds, feedback.comment_seconds)


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


def recordings(settings: Settings, engine: AsyncEngine) -> Recordings:
    """Recordings, wherever they are."""
    from waybell.recordings.listens import Listens
    from waybell.recordings.service import Recordings

    return Recordings(library(settings), Listens(engine))


def asked_lately(settings: Settings, engine: AsyncEngine) -> Callable[[str], Awaitable[bool]] | None:
    """Whether a person may not be asked for a rating again yet; ``None``: everybody may."""
    chosen = settings.feedback
    if not chosen.ask or not chosen.days:
        return None
    return Lately(FeedbackStore(engine, _ASKED_SECONDS), chosen.days).asked


def live(settings: Settings, engine: AsyncEngine) -> LiveFeed:
    """What happens to calls as it happens. It follows the event log only while somebody looks."""
    from waybell.live.clients import LiveFeed
    from waybell.live.feed import Feed

    cel = settings.cel
    place = SqlJournalStore(engine, cel.pbx).place
    return LiveFeed(Feed(Path(cel.path), place, pbx=cel.pbx, normalise=normalise(settings)))


def library(settings: Settings) -> Library:
    """Recordings, wherever they are."""
    from waybell.recordings.library import Library

    chosen = settings.recordings
    return Library(chosen.url, chosen.options, seconds=chosen.seconds, at_once=chosen.at_once)


def erasers(settings: Settings) -> list[Eraser]:
    """All that may hold a person, in the order in which they are to be freed of one."""
    from waybell.keeping.erasers import CallbackEraser, FeedbackEraser, JournalEraser, WebhookEraser
    from waybell.keeping.recorded import RecordingEraser

    files = RecordingEraser(library(settings))
    return [files, JournalEraser(), CallbackEraser(), FeedbackEraser(), WebhookEraser()]


def _purged_files(settings: Settings, engine: AsyncEngine) -> list[Job]:
    """Where nothing is to be deleted, what reads recordings is not even loaded."""
    days = settings.keep.recordings_days
    if not days:
        return []
    from waybell.keeping.recorded import purge_recordings

    files = library(settings)
    return [("recordings", lambda now: purge_recordings(engine, files, days, now))]


def kept(settings: Settings) -> list[Kind]:
    """What is kept for how long."""
    keep, ended = settings.keep, callbacks.c.ended_at
    return [
        Kind("calls", calls, calls.c.started_at, keep.journal_days, before=forget_in_index),
        Kind("callbacks", callbacks, callbacks.c.created_at, keep.callbacks_days, ended.is_not(None)),
        Kind("ratings", feedback, feedback.c.asked_at, keep.ratings_days, key="call_id"),
        Kind("listens", recording_listens, recording_listens.c.at, keep.listens_days),
    ]


@asynccontextmanager
async def journal(settings: Settings) -> AsyncIterator[Keeper]:
    """The journal, kept up to date from the event log inside the block; on leaving it what waits is written.

    A store that is down, hangs or was made by a newer Waybell keeps nothing else from its work.
    """
    engine = make_engine(settings.store.url)
    cel = settings.cel
    store = SqlJournalStore(engine, cel.pbx, write_feedback)
    log = make_engine(cel.url) if cel.url else None

    def recorder() -> Recorder:
        if log is not None:
            return TableRecorder(store, log, cel.table, pbx=cel.pbx, normalise=normalise(settings))
        return Recorder(store, Path(cel.path), pbx=cel.pbx, normalise=normalise(settings))

    keeper, stop = Keeper(lambda: migrate(engine), recorder), asyncio.Event()
    task = asyncio.create_task(keeper.keep(stop), name="journal")
    indexing = asyncio.create_task(keep_indexed(engine, stop), name="search index")
    purging = asyncio.create_task(
        keep_purged(engine, kept(settings), stop, more=_purged_files(settings, engine)), name="purging"
    )
    try:
        yield keeper
    finally:
        stop.set()
        await task
        for beside in (indexing, purging):  # what is not done yet is done after the next start
            beside.cancel()
        # Awaited: a connection that is let go of in the middle of a question keeps its thread, and the process with it.
        await asyncio.wait((indexing, purging), timeout=_GOODBYE_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await engine.dispose()
                if log is not None:
                    await log.dispose()
