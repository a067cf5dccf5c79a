"""Reminds of callers who have waited too long: a manager's phone rings and is connected to them, a program is told.

Each at most once for each entry. What is about to be done is claimed in the store before it is; and what may have been
done is not done again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import SQLAlchemyError

from waybell.callbacks.ports import Callbacks
from waybell.callbacks.values import Asker, Click, RefusedError
from waybell.calls.search_deadline import TooSlowError
from waybell.calls.values import micros
from waybell.missed.claims import Claim, Claims, State, What
from waybell.missed.values import Missed

ASKER = Asker("missed")
"""Whose calls these are: no token's and no AMI user's."""

Tell = Callable[[Missed], Awaitable[None]]
"""Tells a program that a caller is overdue, once an entry; what it raises is logged, and it is not tried again."""

_PAUSE_SECONDS = 20.0
_AGAIN_SECONDS = 60
_MINUTE = 60_000_000


class Waiting(Protocol):
    """See :class:`waybell.missed.finding.MissedCalls`."""

    async def waiting(self, since: int) -> list[Missed]:
        """Everybody who still waits and who called last at ``since`` or later, in any order."""
        ...


@dataclass(frozen=True, slots=True)
class Reminder:
    """When, and whom. ``ring``: the extension that rings between ``start`` and ``end`` (``24:00`` is midnight) of
    ``zone``; empty: none.
    """

    after_minutes: float = 30.0
    give_up_hours: int = 24
    ring: str = ""
    start: str = "09:00"
    end: str = "18:00"
    zone: ZoneInfo = ZoneInfo("Europe/Moscow")  # noqa: RUF009 -- a value

    def is_open(self, now: datetime) -> bool:
        """Whether the phone may ring at ``now`` (with zone)."""
        clock = now.astimezone(self.zone).time()
        return time.fromisoformat(self.start) <= clock and (self.end == "24:00" or clock < time.fromisoformat(self.end))


class Reminding:
    """``pause``: seconds between looks."""

    def __init__(
        self,
        waiting: Waiting,
        claims: Claims,
        callbacks: Callbacks | None,
        reminder: Reminder,
        *,
        tell: Tell | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: float = _PAUSE_SECONDS,
    ) -> None:
        self._waiting, self._claims, self._callbacks, self._reminder = waiting, claims, callbacks, reminder
        self._tell, self._clock, self._pause = tell, clock, pause
        self._ringing = ""
        self._log = structlog.get_logger("missed")

    async def keep(self, stop: asyncio.Event) -> None:
        """Looks now and then until ``stop``. A store that is down is waited for."""
        told = ""
        while not stop.is_set():
            try:
                await self.look()
                told = ""
            except (SQLAlchemyError, TooSlowError, OSError, TimeoutError) as error:
                if told != (told := type(error).__name__):
                    self._log.error("missed calls cannot be looked at; it is tried again", error=told)
            except Exception as error:
                self._log.error("an error of Waybell's own; please report this", exc_info=error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause):
                    await stop.wait()

    async def look(self) -> None:
        """Does what is due now; of phone calls one at a time."""
        now = self._clock()
        overdue = await self._overdue(now)
        if self._tell is not None:
            await self._each(overdue, What.TELL, now, self._told)
        if self._reminder.ring and self._callbacks and self._reminder.is_open(now) and not await self._is_ringing():
            await self._each([entry for entry in overdue if entry.numbers], What.RING, now, self._rung)

    async def _overdue(self, now: datetime) -> list[Missed]:
        at = micros(now) or 0
        found = await self._waiting.waiting(at - self._reminder.give_up_hours * 60 * _MINUTE)
        late = [entry for entry in found if entry.first_at <= at - self._reminder.after_minutes * _MINUTE]
        return sorted(late, key=lambda entry: (entry.first_at, entry.id))

    async def _each(
        self, entries: list[Missed], what: What, now: datetime, do: Callable[[Missed, str, datetime], Awaitable[bool]]
    ) -> None:
        """Has ``do`` done with each entry that nobody has claimed, until it says that this is enough for now."""
        claims = await self._claims.of(entries, what)
        for entry in entries:
            claim = claims.get(entry.id)
            if claim is not None and claim.later:
                await self._claims.add(claim, what, now)
            lead = await self._take(entry, claim, what, now)
            if lead and await do(entry, lead, now):
                return

    async def _take(self, entry: Missed, claim: Claim | None, what: What, now: datetime) -> str:
        if claim is None:
            return await self._claims.take(entry, what, now)
        due = claim.state is State.WAITING and (claim.again_at or 0) <= (micros(now) or 0)
        return claim.lead if due and await self._claims.take_again(claim.lead, what, now) else ""

    async def _told(self, entry: Missed, lead: str, _now: datetime) -> bool:
        assert self._tell is not None
        try:
            await self._tell(entry)
        except Exception as error:
            self._log.error("nobody could be told of an overdue caller", call=lead, exc_info=error)
        await self._claims.settle(Claim(lead, State.DONE), What.TELL)
        return False

    async def _rung(self, entry: Missed, lead: str, now: datetime) -> bool:
        assert self._callbacks is not None
        number = entry.caller.number or entry.numbers[-1]
        try:
            # Under its own key it is one call, should this be asked again after an answer that got lost.
            placed = await self._callbacks.request(ASKER, Click(self._reminder.ring, number), f"missed:{lead}")
        except RefusedError as refusal:
            await self._put_off(lead, refusal, now)
            return refusal.status in (429, 503)
        self._ringing = placed.id
        self._log.info("a manager's phone rings for a caller who waits", call=lead, callback=placed.id)
        await self._claims.settle(Claim(lead, State.DONE, callback=placed.id), What.RING)
        return True

    async def _put_off(self, lead: str, refusal: RefusedError, now: datetime) -> None:
        """A refusal says that nothing rang; what waiting helps against is asked again."""
        claim = Claim(lead, State.REFUSED)
        if refusal.retry_after > 0 or refusal.status in (429, 503):
            seconds = max(refusal.retry_after, _AGAIN_SECONDS)
            claim = replace(claim, state=State.WAITING, again_at=(micros(now) or 0) + seconds * 1_000_000)
        self._log.info("no phone rings for a caller who waits", call=lead, why=refusal.type, again=claim.state.value)
        await self._claims.settle(claim, What.RING, refusal.type)

    async def _is_ringing(self) -> bool:
        """Whether the last of our calls is still up: a manager has one phone."""
        if not self._ringing or self._callbacks is None:
            return False
        try:
            placed = await self._callbacks.get(ASKER, self._ringing)
        except RefusedError:
            return True
        return placed is not None and not placed.is_final
