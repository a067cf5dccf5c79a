"""What is still to be delivered: rows that are put in once, claimed by one at a time and kept until they are done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from waybell.calls.values import utc
from waybell.store.webhook_tables import webhook_outbox, webhook_places
from waybell.webhooks.events import Event

WAITING, DELIVERED, DEAD = "waiting", "delivered", "dead"
_BATCH = 200
_LIMITS = {"event_id": 250, "subject": 150, "last_error": 300}


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that is to be sent. ``attempts``: how often that was tried."""

    id: int
    event_id: str
    type: str
    body: str
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Dead:
    """An event that was given up."""

    id: int
    webhook: str
    event_id: str
    type: str
    attempts: int
    last_status: int
    last_error: str
    created_at: datetime


class Outbox:
    """The outbox in the store's database. Times are naive UTC. Raises SQLAlchemy's errors and :class:`TimeoutError`."""

    def __init__(self, engine: AsyncEngine, deadline: float = 10.0) -> None:
        self._engine = engine
        self._deadline = deadline

    async def place(self, name: str) -> dict[str, Any] | None:
        """How far the source ``name`` has been read."""
        async with self._connection() as connection:
            found = await connection.scalar(select(webhook_places.c.place).where(webhook_places.c.name == name))
        return json.loads(found) if found else None

    async def put(
        self, told: Iterable[tuple[str, Event]], now: datetime, places: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Put in events by webhook, those that are there already left as they are, and note how far it was read.

        Both or neither: after any crash what was not put in is found again.
        """
        rows = [self._row(webhook, event, now) for webhook, event in told]
        async with self._connection() as connection:
            for name, place in places.items():
                await connection.execute(self._upsert_place(), {"name": name, "place": json.dumps(dict(place))})
            for begin in range(0, len(rows), _BATCH):
                await connection.execute(self._insert_new(), rows[begin : begin + _BATCH])

    async def put_within(self, connection: AsyncConnection, told: Iterable[tuple[str, Event]], now: datetime) -> None:
        """The same within somebody else's transaction, without a place."""
        if rows := [self._row(webhook, event, now) for webhook, event in told]:
            await connection.execute(self._insert_new(), rows)

    async def claim(self, webhook: str, lease: str, now: datetime, lasts: timedelta, most: int) -> list[Waiting]:
        """Up to ``most`` due events, the first of each subject. Nobody else gets them while the lease lasts."""
        box, earlier = webhook_outbox, webhook_outbox.alias("earlier")
        free = or_(box.c.leased_until.is_(None), box.c.leased_until < now)
        waits = exists().where(
            earlier.c.webhook == webhook,
            earlier.c.subject == box.c.subject,
            earlier.c.status == WAITING,
            earlier.c.id < box.c.id,
        )
        due = and_(box.c.webhook == webhook, box.c.status == WAITING, box.c.due_at <= now)
        query = select(box).where(due, free, ~waits).order_by(box.c.due_at, box.c.id).limit(most)
        async with self._connection() as connection:
            rows = (await connection.execute(query)).all()
        return [_waiting(row) for row in rows if await self._lease(row.id, lease, now, lasts)]

    async def delivered(self, event: Waiting, lease: str, status: int, now: datetime) -> None:
        """It was taken."""
        await self._finish(event, lease, status=DELIVERED, last_status=status, last_error="", done_at=now)

    async def failed(self, event: Waiting, lease: str, status: int, why: str, due_at: datetime) -> None:
        """It was not, and is due again then."""
        await self._finish(event, lease, last_status=status, last_error=why, due_at=due_at)

    async def died(self, event: Waiting, lease: str, status: int, why: str, now: datetime) -> None:
        """It was not, and is given up."""
        await self._finish(event, lease, status=DEAD, last_status=status, last_error=why, done_at=now)

    async def release(self, lease: str) -> None:
        """Whatever is still leased under this name may be sent by anybody."""
        mine = update(webhook_outbox).where(webhook_outbox.c.lease == lease, webhook_outbox.c.status == WAITING)
        async with self._connection() as connection:
            await connection.execute(mine.values(lease="", leased_until=None))

    async def tidy(self, now: datetime, give_up: timedelta, keep: timedelta, keep_dead: timedelta) -> None:
        """Gives up what waits for longer than ``give_up``, and forgets what was done long ago."""
        box = webhook_outbox
        old = and_(box.c.status == WAITING, box.c.created_at < now - give_up)
        free = or_(box.c.leased_until.is_(None), box.c.leased_until < now)
        async with self._connection() as connection:
            await connection.execute(update(box).where(old, free).values(status=DEAD, done_at=now))
            for status, age in ((DELIVERED, keep), (DEAD, keep_dead)):
                await connection.execute(delete(box).where(box.c.status == status, box.c.done_at < now - age))

    async def next_due(self, webhook: str) -> datetime | None:
        """When the next event of ``webhook`` is due; ``None`` when none waits."""
        box = webhook_outbox
        query = select(func.min(box.c.due_at)).where(box.c.webhook == webhook, box.c.status == WAITING)
        async with self._connection() as connection:
            found: datetime | None = await connection.scalar(query)
        return found

    async def counts(self) -> dict[str, dict[str, int]]:
        """How many events there are, by webhook and status."""
        box = webhook_outbox
        query = select(box.c.webhook, box.c.status, func.count()).group_by(box.c.webhook, box.c.status)
        found: dict[str, dict[str, int]] = {}
        async with self._connection() as connection:
            for webhook, status, number in await connection.execute(query):
                found.setdefault(webhook, {})[status] = number
        return found

    async def dead(self, webhook: str = "", limit: int = 100) -> list[Dead]:
        """What was given up, the latest first."""
        box = webhook_outbox
        query = select(box).where(box.c.status == DEAD).order_by(box.c.id.desc()).limit(limit)
        if webhook:
            query = query.where(box.c.webhook == webhook)
        async with self._connection() as connection:
            return [_dead(row) for row in await connection.execute(query)]

    async def retry(self, now: datetime, *, ids: Sequence[int] = (), webhook: str = "") -> int:
        """Has what was given up sent again, for three days more: those ``ids``, or all (of ``webhook``). How many."""
        box = webhook_outbox
        again = update(box).where(box.c.status == DEAD)
        if ids:
            again = again.where(box.c.id.in_(ids))
        if webhook:
            again = again.where(box.c.webhook == webhook)
        values = {"status": WAITING, "attempts": 0, "created_at": now, "due_at": now, "done_at": None}
        async with self._connection() as connection:
            return (await connection.execute(again.values(values))).rowcount

    async def _lease(self, id_: int, lease: str, now: datetime, lasts: timedelta) -> bool:
        box = webhook_outbox
        free = or_(box.c.leased_until.is_(None), box.c.leased_until < now)
        taken = update(box).where(box.c.id == id_, box.c.status == WAITING, free)
        async with self._connection() as connection:
            done = await connection.execute(taken.values(lease=lease, leased_until=now + lasts))
            return done.rowcount == 1

    async def _finish(self, event: Waiting, lease: str, **values: Any) -> None:
        box = webhook_outbox
        values["last_error"] = values["last_error"][: _LIMITS["last_error"]]
        mine = update(box).where(box.c.id == event.id, box.c.lease == lease)
        async with self._connection() as connection:
            await connection.execute(mine.values(**values, attempts=event.attempts + 1, lease="", leased_until=None))

    def _row(self, webhook: str, event: Event, now: datetime) -> dict[str, Any]:
        return {
            "webhook": webhook,
            "event_id": event.id[: _LIMITS["event_id"]],
            "type": event.type,
            "subject": event.subject[: _LIMITS["subject"]],
            "body": event.body,
            "status": WAITING,
            "attempts": 0,
            "last_status": 0,
            "last_error": "",
            "lease": "",
            "happened_at": utc(event.at),
            "created_at": now,
            "due_at": now,
        }

    def _insert_new(self) -> Any:
        if self._engine.dialect.name == "sqlite":
            return sqlite.insert(webhook_outbox).on_conflict_do_nothing(index_elements=["webhook", "event_id"])
        new = mysql.insert(webhook_outbox)
        return new.on_duplicate_key_update(event_id=new.inserted.event_id)  # IGNORE would hide every other fault too

    def _upsert_place(self) -> Any:
        if self._engine.dialect.name == "sqlite":
            lite = sqlite.insert(webhook_places)
            return lite.on_conflict_do_update(index_elements=["name"], set_={"place": lite.excluded.place})
        maria = mysql.insert(webhook_places)
        return maria.on_duplicate_key_update(place=maria.inserted.place)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        async with asyncio.timeout(self._deadline), self._engine.begin() as connection:
            yield connection


def _waiting(row: Any) -> Waiting:
    return Waiting(row.id, row.event_id, row.type, row.body, row.attempts, row.created_at)


def _dead(row: Any) -> Dead:
    names = ("id", "webhook", "event_id", "type", "attempts", "last_status", "last_error", "created_at")
    return Dead(*(getattr(row, name) for name in names))
