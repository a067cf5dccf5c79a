"""What callers said, in the store: written with the call that they said it of, and asked for.

The rating is in the event log first. So the rows are made again with the journal, and a store that is down loses none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, String, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from waybell.calls.rows import feedback_text
from waybell.calls.values import Call, micros, utc
from waybell.feedback.values import Average, By, FeedbackFilter, Said
from waybell.store.feedback_tables import feedback
from waybell.store.tables import calls

_EQUAL = ("courier", "operator", "manager", "client", "parcel", "number", "rating")
_MOST_GROUPS = 1000
_SECONDS = 5.0
_LIMITS = {column.name: column.type.length or 0 for column in feedback.c if type(column.type) is String}


async def write_feedback(connection: AsyncConnection, written: Sequence[Call]) -> None:
    """What was said of the calls just ``written``, in the same transaction."""
    rows = [_row(call) for call in written if call.feedback]
    if not rows:
        return
    ids = [row["call_id"] for row in rows]
    await connection.execute(delete(feedback).where(feedback.c.call_id.in_(ids)))
    await connection.execute(insert(feedback), rows)
    for call in written:
        if call.feedback:
            said = {"rating": call.feedback.rating, "feedback": feedback_text(call.feedback), "facets": None}
            await connection.execute(update(calls).where(calls.c.id == call.id).values(said))


class FeedbackStore:
    """Questions, each answered within ``seconds``. They raise SQLAlchemy's errors and :class:`TimeoutError`."""

    def __init__(self, engine: AsyncEngine, seconds: float = _SECONDS) -> None:
        self._engine = engine
        self._seconds = seconds

    async def page(self, chosen: FeedbackFilter, limit: int, after: tuple[int, str] | None) -> list[Said]:
        """Ratings, the newest question first; those behind ``after`` (when asked, id of the call)."""
        query = select(feedback).where(feedback.c.rating.is_not(None), *_conditions(chosen))
        if after is not None:
            at, call_id = utc(after[0]), after[1]
            older = and_(feedback.c.asked_at == at, feedback.c.call_id < call_id)
            query = query.where(or_(feedback.c.asked_at < at, older))
        query = query.order_by(feedback.c.asked_at.desc(), feedback.c.call_id.desc()).limit(limit)
        return [_said(row) for row in await self._rows(query)]

    async def averages(self, chosen: FeedbackFilter, by: By) -> list[Average]:
        """Ratings put together, the most rated first (days: the latest first); at most 1,000 groups."""
        day = by is By.DAY
        key: ColumnElement[Any] = func.date(feedback.c.asked_at) if day else feedback.c[by.value]
        asked, rated = func.count(), func.count(feedback.c.rating)
        counted: Select[Any] = select(key, asked, rated, func.avg(feedback.c.rating))
        query = counted.where(key.is_not(None), *_conditions(chosen))
        if by is By.COURIER:  # a call that an employee took says nothing of the courier
            query = query.where(feedback.c.operator.is_(None))
        order = [key.desc()] if day else [rated.desc(), key]
        query = query.group_by(key).order_by(*order).limit(_MOST_GROUPS)
        found = [tuple[Any, ...](row) for row in await self._rows(query)]
        return [Average(str(name), of, n, round(float(mean), 2) if n else None) for name, of, n, mean in found]

    async def asked_since(self, number: str, since: int) -> bool:
        """Whether the person with this number was asked then or later."""
        query = select(feedback.c.call_id).where(feedback.c.number == number, feedback.c.asked_at >= utc(since))
        return bool(await self._rows(query.limit(1)))

    async def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        async with asyncio.timeout(self._seconds), self._engine.connect() as connection:
            rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
            return rows


def _conditions(chosen: FeedbackFilter) -> list[ColumnElement[bool]]:
    found = [feedback.c[name] == value for name in _EQUAL if (value := getattr(chosen, name))]
    if chosen.since is not None:
        found.append(feedback.c.asked_at >= utc(chosen.since))
    if chosen.until is not None:
        found.append(feedback.c.asked_at < utc(chosen.until))
    return found


def _row(call: Call) -> dict[str, Any]:
    said, answerer = call.feedback, call.answered_by
    assert said is not None
    operator = answerer.number if answerer and answerer.kind == "employee" else None
    row: dict[str, Any] = {
        "call_id": call.id,
        "asked_at": utc(said.asked_at),
        "rated_at": utc(said.at) if said.at is not None else None,
        "rating": said.rating,
        "comment": said.comment,
        "number": call.caller.number,
        "parcel": call.parcel,
        "courier": call.courier,
        "operator": operator,
        "client": call.client,
        "manager": operator if call.manager else None,
    }
    return row | {name: text[:longest] for name, longest in _LIMITS.items() if (text := row[name])}


def _said(row: Row[Any]) -> Said:
    asked, rated = micros(row.asked_at), micros(row.rated_at)
    assert asked is not None
    assert rated is not None
    return Said(
        *(row.call_id, asked, rated, row.rating, row.comment, row.number),
        *(row.parcel, row.courier, row.operator, row.client, row.manager),
    )
