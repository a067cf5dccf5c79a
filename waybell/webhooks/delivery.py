"""Sends what is in the outbox to one webhook: events of one subject in order, different ones side by side."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from waybell.webhooks.outbox import Outbox, Waiting
from waybell.webhooks.sending import SEND_SECONDS, Outcome, Sender

_log = structlog.get_logger("webhooks")


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds, but for ``at_once`` (events on their way to one webhook at the same time) and ``give_up``.

    ``first`` and ``longest``: the pauses between tries of one event, doubled with each; ``longest_rest``: where a
    receiver takes nothing at all, it is left alone for up to so long; ``look``: between looks at an idle outbox.
    """

    at_once: int = 8
    first: float = 5.0
    longest: float = 3600.0
    longest_rest: float = 60.0
    look: float = 1.0
    give_up: timedelta = timedelta(days=3)
    lease: timedelta = timedelta(seconds=SEND_SECONDS + 20)
    last_seconds: float = 2.0


class Deliverer:
    """One webhook's deliveries by this instance. Another instance on the same store sends none of them meanwhile."""

    def __init__(
        self, name: str, outbox: Outbox, sender: Sender, lease: str, now: Callable[[], datetime], pace: Pace
    ) -> None:
        """``lease``: this instance's own name; ``now`` gives naive UTC."""
        self._name, self._outbox, self._sender, self._lease = name, outbox, sender, lease
        self._now, self._pace = now, pace
        self._news = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._rest_until = 0.0
        self._trouble = ""

    def tell(self) -> None:
        """Something may be due."""
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set; then what is on its way may take a little longer."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await self._wait(stopped, await self._claim())
        finally:
            stopped.cancel()
            await self._end()

    async def _claim(self) -> float:
        """Begin what is due and has room; how long to wait for the next look."""
        room = self._room()
        if room <= 0:
            return self._pace.look
        self._news.clear()
        try:
            due = await self._outbox.claim(self._name, self._lease, self._now(), self._pace.lease, room)
        except (OSError, SQLAlchemyError) as error:
            self._complain(error)
            return self._pace.look * 5
        self._trouble = ""
        for event in due:
            task = asyncio.create_task(self._deliver(event), name="webhook")
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            task.add_done_callback(lambda _: self._news.set())
        return self._pace.look

    def _room(self) -> int:
        """How many may be begun. While a receiver fails, one at a time, after a rest."""
        if not self._failures:
            return self._pace.at_once - len(self._under_way)
        rests = asyncio.get_running_loop().time() < self._rest_until
        return 0 if rests or self._under_way else 1

    async def _wait(self, stopped: asyncio.Task[bool], seconds: float) -> None:
        news = asyncio.create_task(self._news.wait())
        await asyncio.wait({news, stopped}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        news.cancel()
        if self._failures:  # nothing new makes the rest any shorter
            rest = self._rest_until - asyncio.get_running_loop().time()
            if rest > 0:
                await asyncio.wait({stopped}, timeout=rest)

    async def _deliver(self, event: Waiting) -> None:
        outcome = await self._sender.send(event.event_id, event.type, event.body)
        self._note(outcome)
        try:
            await self._write(event, outcome)
        except (OSError, SQLAlchemyError) as error:
            self._complain(error)  # once the lease is over it is sent again, under the same id

    async def _write(self, event: Waiting, outcome: Outcome) -> None:
        now, pace = self._now(), self._pace
        if outcome.is_delivered:
            await self._outbox.delivered(event, self._lease, outcome.status, now)
            return
        pause = max(
            min(pace.first * 2 ** min(event.attempts, 30), pace.longest), min(outcome.retry_after, pace.longest)
        )
        due_at = now + timedelta(seconds=pause * random.uniform(0.5, 1.5))  # noqa: S311 -- no secret
        if now - event.created_at >= pace.give_up:
            await self._outbox.died(event, self._lease, outcome.status, outcome.why, now)
            _log.error("an event is given up", webhook=self._name, event=event.event_id, why=outcome.why)
        else:
            await self._outbox.failed(event, self._lease, outcome.status, outcome.why, due_at)

    def _note(self, outcome: Outcome) -> None:
        if outcome.is_delivered:
            if self._failures:
                _log.info("a webhook takes events again", webhook=self._name)
            self._failures = 0
            return
        now = asyncio.get_running_loop().time()
        if self._failures and now < self._rest_until:
            return  # it was on its way before the rest began
        self._failures += 1
        if self._failures == 1:
            _log.warning(
                "a webhook does not take events; they are kept and sent later", webhook=self._name, why=outcome.why
            )
        rest = min(self._pace.first / 5 * 2 ** min(self._failures - 1, 20), self._pace.longest_rest)
        self._rest_until = now + rest

    async def _end(self) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._pace.last_seconds)
        for task in list(self._under_way):
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=1.0)
        with contextlib.suppress(OSError, SQLAlchemyError):
            await self._outbox.release(self._lease)

    def _complain(self, error: Exception) -> None:
        trouble = type(error).__name__
        if trouble != self._trouble:
            self._trouble = trouble
            _log.error("the store cannot be used; webhooks wait", webhook=self._name, error=f"{trouble}: {error}"[:300])
