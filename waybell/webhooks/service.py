"""Webhooks put together: sources, the outbox and one deliverer a webhook, for as long as Waybell runs."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls.feed import CallFeed
from waybell.calls.fold import Normalise
from waybell.calls.writer import SqlJournalStore
from waybell.settings import Settings
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate
from waybell.webhook_settings import EventName, Webhook
from waybell.webhooks.collecting import Collector
from waybell.webhooks.delivery import Deliverer, Pace
from waybell.webhooks.outbox import Outbox
from waybell.webhooks.sending import Sender
from waybell.webhooks.sources import CallbackSource, LogSource, Source

_log = structlog.get_logger("webhooks")

Run = Callable[[asyncio.Event], Awaitable[None]]

_TIDY_SECONDS = 3600.0
_AGAIN_SECONDS = 2.0
_LAST_SECONDS = 3.5
_KEEP, _KEEP_DEAD = timedelta(days=7), timedelta(days=90)
_FROM_CALLS = frozenset(EventName) - {EventName.CALLBACK_CHANGED}


def utcnow() -> datetime:
    """Now, as the store has it."""
    return datetime.now(UTC).replace(tzinfo=None)


@asynccontextmanager
async def webhooks(settings: Settings, normalise: Normalise, pace: Pace | None = None) -> AsyncIterator[None]:
    """Everybody in ``settings.webhooks`` is told what happens, inside the block.

    A store that is down, hangs or was made by a newer Waybell keeps nothing else from its work.
    """
    engine, stop = make_engine(settings.store.url), asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        senders = [await stack.enter_async_context(Sender(webhook, 8)) for webhook in settings.webhooks]
        work = _Work(settings, engine, normalise, pace or Pace(), senders)
        task = asyncio.create_task(work.run(stop), name="webhooks")
        stack.push_async_callback(_end, task, stop)
        yield


async def _end(task: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Whatever hangs, the rest of Waybell has its own last words to write."""
    stop.set()
    done, _ = await asyncio.wait({task}, timeout=_LAST_SECONDS)
    if not done:
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)


class _Work:
    def __init__(
        self, settings: Settings, engine: AsyncEngine, normalise: Normalise, pace: Pace, senders: Sequence[Sender]
    ) -> None:
        self._engine, self._pace = engine, pace
        self._outbox = Outbox(engine)
        self._lease = secrets.token_hex(8)
        self._deliverers = [
            Deliverer(webhook.name, self._outbox, sender, f"{self._lease}-{number}", utcnow, pace)
            for number, (webhook, sender) in enumerate(zip(settings.webhooks, senders, strict=True))
        ]
        wanted = by_event(settings.webhooks)
        self._collectors = [
            Collector(source, self._outbox, wanted, utcnow, self._tell)
            for source in _sources(settings, engine, normalise, wanted)
        ]

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set."""
        await self._prepare(stop)
        if stop.is_set():
            return
        parts: list[Run] = [self._tidy]
        parts += [one.run for one in self._collectors]
        parts += [one.run for one in self._deliverers]
        await asyncio.gather(*(_keep(part, stop) for part in parts))

    def _tell(self) -> None:
        for deliverer in self._deliverers:
            deliverer.tell()

    async def _prepare(self, stop: asyncio.Event) -> None:
        told = False
        while not stop.is_set():
            try:
                await migrate(self._engine)
                return
            except Exception as error:  # whatever it is, it is tried again
                if not told:
                    _log.error(
                        "the store cannot be used; webhooks begin later", error=f"{type(error).__name__}: {error}"[:300]
                    )
                told = True
            await _pause(stop, _AGAIN_SECONDS)

    async def _tidy(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError, SQLAlchemyError):  # the others complain
                await self._outbox.tidy(utcnow(), self._pace.give_up, _KEEP, _KEEP_DEAD)
            await _pause(stop, _TIDY_SECONDS)


def by_event(webhooks: Sequence[Webhook]) -> dict[str, list[str]]:
    """Which webhooks want which type of event."""
    return {
        event.value: names
        for event in EventName
        if (names := [webhook.name for webhook in webhooks if event in webhook.events])
    }


def _sources(
    settings: Settings, engine: AsyncEngine, normalise: Normalise, wanted: Mapping[str, Sequence[str]]
) -> list[Source]:
    """Those from which somebody wants anything."""
    cel = settings.cel
    found: list[Source] = []
    if _FROM_CALLS & wanted.keys():
        new_feed = partial(CallFeed, pbx=cel.pbx, normalise=normalise)
        found.append(LogSource(Path(cel.path), cel.pbx, new_feed, SqlJournalStore(engine, cel.pbx).place))
    if EventName.CALLBACK_CHANGED in wanted:
        found.append(CallbackSource(engine, cel.pbx, utcnow))
    return found


async def _keep(run: Run, stop: asyncio.Event) -> None:
    """Until ``stop`` is set, also when an error of our own ends it."""
    while not stop.is_set():
        try:
            await run(stop)
        except Exception as error:  # whatever it is, others must still be told
            _log.error("an error of Waybell's own in webhooks; they go on, please report this", exc_info=error)
            await _pause(stop, _AGAIN_SECONDS)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
