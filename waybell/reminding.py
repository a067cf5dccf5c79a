"""What reminds of callers who wait, put together from the settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from zoneinfo import ZoneInfo

from waybell.callbacks.ports import Callbacks
from waybell.missed.claims import Claims
from waybell.missed.finding import MissedCalls
from waybell.missed.reminding import Reminder, Reminding, Tell
from waybell.settings import Settings
from waybell.store.engine import make_engine

_GOODBYE_SECONDS = 1.0


@asynccontextmanager
async def reminding(settings: Settings, callbacks: Callbacks | None, tell: Tell | None = None) -> AsyncIterator[None]:
    """Reminds inside the block, on a connection pool of its own, if the settings name a phone or ``tell`` is given."""
    chosen = settings.missed
    if tell is None and not (chosen.ring and callbacks):
        yield
        return
    engine, stop = make_engine(settings.store.url), asyncio.Event()
    waiting = MissedCalls(engine, hours=max(chosen.look_back_hours, chosen.give_up_hours))
    reminder = Reminder(
        chosen.after_minutes,
        chosen.give_up_hours,
        chosen.ring,
        chosen.hours_from,
        chosen.hours_until,
        ZoneInfo(settings.callbacks.time_zone),
    )
    pause = min(20.0, chosen.after_minutes * 15)
    work = Reminding(waiting, Claims(engine), callbacks, reminder, tell=tell, pause=pause)
    task = asyncio.create_task(work.keep(stop), name="missed calls")
    try:
        yield
    finally:
        stop.set()
        _, unfinished = await asyncio.wait({task}, timeout=_GOODBYE_SECONDS)
        if unfinished:
            task.cancel()
            await asyncio.wait({task}, timeout=_GOODBYE_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await engine.dispose()
