"""Where calls that Waybell places are kept: once for each key, counted and placed by one instance at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, case, delete, func, insert, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from waybell.callbacks.rows import from_row, naive, to_row
from waybell.callbacks.values import Callback, Kind, Reason
from waybell.store.callback_tables import callback_gate, callbacks

T = TypeVar("T")

_HOUR, _DAY, _SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
_TRIES = 5
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Draft:
    """A call that is wanted: by whom (``owner``), under which key, and the hash of what was asked."""

    owner: str
    key: str
    request_hash: str
    callback: Callback
    longest_seconds: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A call with whom it belongs to."""

    owner: str
    request_hash: str
    callback: Callback


@dataclass(frozen=True, slots=True)
class Counts:
    """What has been used up to now. ``lines``: calls under way by line; seconds are those of calls that have ended."""

    courier_at_once: int
    courier_in_hour: int
    courier_in_day: int
    destination_in_day: int
    company_at_once: int
    company_in_second: int
    company_talk_seconds_in_day: int
    lines: Mapping[str, int]


Decide = Callable[[Counts], Callback]
"""Gives the call as it is to be stored, or raises what refuses it."""

Switch = Callable[[Callback, Mapping[str, int]], Callback | None]
"""Gives the call as it goes on, by what it is and how many calls each line has, its own among them."""


class CallbackStore:
    """Calls in the store's database. Raises SQLAlchemy's errors, and :class:`TimeoutError` after ``deadline`` seconds.

    Windows slide, and a row of the future counts: neither midnight nor a clock that jumps gives anybody more calls.
    """

    def __init__(self, engine: AsyncEngine, deadline: float = 3.0, pbx: str = "pbx1") -> None:
        """``pbx``: whose calls :meth:`under_way` gives; everything else is about all of them."""
        self._engine = engine
        self._pbx = pbx
        self._deadline = deadline

    async def find(self, owner: str, key: str) -> Stored | None:
        """The call that was asked for under this key."""
        async with asyncio.timeout(self._deadline), self._engine.connect() as connection:
            return await _find(connection, owner, key)

    async def get(self, callback_id: str) -> Stored | None:
        """The call of this id."""
        async with asyncio.timeout(self._deadline), self._engine.connect() as connection:
            return await _one(connection, callbacks.c.id == callback_id)

    async def under_way(self) -> list[Callback]:
        """All calls of this PBX that have not ended."""
        query = select(callbacks).where(callbacks.c.ended_at.is_(None), callbacks.c.pbx == self._pbx)
        async with asyncio.timeout(self._deadline), self._engine.connect() as connection:
            return [from_row(dict(row._mapping)) for row in await connection.execute(query)]

    async def place(self, draft: Draft, decide: Decide) -> tuple[Stored, bool]:
        """Stores the call and tells that it did, or gives the one that is there under this key already.

        ``decide`` sees the counts while nobody else can place a call, here or in another instance.
        """
        async with asyncio.timeout(self._deadline):
            return await self._patiently(lambda: self._place(draft, decide))

    async def change(self, callback_id: str, step: Callable[[Callback], Callback | None]) -> Callback | None:
        """Puts the call one step on; ``None`` when ``step`` leaves it as it is, or there is no such call."""
        async with asyncio.timeout(self._deadline):
            for _ in range(_TRIES):
                async with self._engine.begin() as connection:
                    row = (await connection.execute(select(callbacks).where(callbacks.c.id == callback_id))).first()
                    before = from_row(dict(row._mapping)) if row else None
                    after = step(before) if before else None
                    if row is None or after is None:
                        return None
                    if await _replace(connection, after, row.version):
                        return after
                await asyncio.sleep(_PAUSE)
        raise _restless(callback_id)

    async def switch(self, callback_id: str, step: Switch) -> Callback | None:
        """As :meth:`change`, for a step that needs to know how many calls each line has: one at a time looks there."""
        async with asyncio.timeout(self._deadline):
            for _ in range(_TRIES):
                with suppress(_OvertakenError):
                    return await self._patiently(lambda: self._switch(callback_id, step))
        raise _restless(callback_id)

    async def withdraw(self, callback_id: str) -> None:
        """Forgets a call that surely was never placed, so that its key can be used again."""
        async with asyncio.timeout(self._deadline), self._engine.begin() as connection:
            await connection.execute(delete(callbacks).where(callbacks.c.id == callback_id))

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        for number in range(_TRIES):
            try:
                return await attempt()
            except OperationalError as error:  # a deadlock, or SQLite busy with the journal: nothing was written
                if number == _TRIES - 1 or error.connection_invalidated:
                    raise
                await asyncio.sleep(_PAUSE * (number + 1))
        raise AssertionError("unreachable")

    async def _place(self, draft: Draft, decide: Decide) -> tuple[Stored, bool]:
        async with self._engine.begin() as connection:
            await _enter(connection)
            there = await _find(connection, draft.owner, draft.key)
            if there is not None:
                return there, False
            callback = decide(await _counts(connection, draft.callback))
            row = to_row(callback) | {
                "pbx": self._pbx,
                "owner": draft.owner,
                "request_key": draft.key,
                "request_hash": draft.request_hash,
                "longest_seconds": draft.longest_seconds,
                "version": 0,
            }
            await connection.execute(insert(callbacks).values(row))
            return Stored(draft.owner, draft.request_hash, callback), True

    async def _switch(self, callback_id: str, step: Switch) -> Callback | None:
        async with self._engine.begin() as connection:
            await _enter(connection)
            row = (await connection.execute(select(callbacks).where(callbacks.c.id == callback_id))).first()
            after = step(from_row(dict(row._mapping)), _by_line(await _under_way(connection))) if row else None
            if row is None or after is None:
                return None
            if not await _replace(connection, after, row.version):
                raise _OvertakenError
            return after


class _OvertakenError(Exception):
    """Somebody changed the call between our reading and our writing."""


def _restless(callback_id: str) -> TimeoutError:
    return TimeoutError(f"call {callback_id} is being changed by somebody else all the time")


async def _enter(connection: AsyncConnection) -> None:
    """First of all: the gate is a lock on MariaDB, and SQLite takes its write lock before it reads anything."""
    await connection.execute(update(callback_gate).values(turn=callback_gate.c.turn + 1))


async def _find(connection: AsyncConnection, owner: str, key: str) -> Stored | None:
    return await _one(connection, (callbacks.c.owner == owner) & (callbacks.c.request_key == key))


async def _one(connection: AsyncConnection, where: ColumnElement[bool]) -> Stored | None:
    row = (await connection.execute(select(callbacks).where(where))).first()
    return Stored(row.owner, row.request_hash, from_row(dict(row._mapping))) if row else None


async def _replace(connection: AsyncConnection, callback: Callback, version: int) -> bool:
    where = (callbacks.c.id == callback.id) & (callbacks.c.version == version)
    done = await connection.execute(update(callbacks).where(where).values(to_row(callback) | {"version": version + 1}))
    return done.rowcount == 1


async def _counts(connection: AsyncConnection, wanted: Callback) -> Counts:
    now, plan, c = naive(wanted.created_at), wanted.plan, callbacks.c
    under_way = await _under_way(connection)
    hour, day = await _pair(connection, (c.courier == plan.courier) & (c.kind == Kind.CALLBACK.value), now)
    unseen = c.reason.in_((Reason.UNKNOWN.value, Reason.INTERRUPTED.value))
    dialled = c.second_rung_at.is_not(None) | c.ended_at.is_(None) | unseen  # or may have been
    to_them = (c.second_number == plan.second.number) & (c.created_at > now - _DAY) & dialled
    talked = func.coalesce(func.sum(c.used_seconds), 0)
    return Counts(
        courier_at_once=sum((row.courier, row.kind) == (plan.courier, Kind.CALLBACK.value) for row in under_way),
        courier_in_hour=hour,
        courier_in_day=day,
        destination_in_day=await _number(connection, func.count(), to_them),
        company_at_once=len(under_way),
        company_in_second=await _number(connection, func.count(), c.created_at > now - _SECOND),
        company_talk_seconds_in_day=await _number(connection, talked, c.ended_at > now - _DAY),
        lines=_by_line(under_way),
    )


async def _under_way(connection: AsyncConnection) -> Sequence[Row[Any, Any, Any, Any]]:
    c = callbacks.c
    query = select(c.courier, c.kind, c.first_line, c.second_line).where(c.ended_at.is_(None))
    return (await connection.execute(query)).all()


def _by_line(under_way: Sequence[Row[Any, Any, Any, Any]]) -> Mapping[str, int]:
    return Counter(line for row in under_way for line in (row.first_line, row.second_line) if line)


async def _pair(connection: AsyncConnection, who: ColumnElement[bool], now: datetime) -> tuple[int, int]:
    created = callbacks.c.created_at
    lately = func.coalesce(func.sum(case((created > now - _HOUR, 1), else_=0)), 0)
    row: Any = (await connection.execute(select(lately, func.count()).where(who, created > now - _DAY))).one()
    return int(row[0]), int(row[1])


async def _number(connection: AsyncConnection, what: Any, where: ColumnElement[bool]) -> int:
    return int((await connection.execute(select(what).where(where))).scalar_one())
