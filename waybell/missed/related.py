"""What else the people of some missed calls said or heard: by their numbers and parcels, from the search index.

The index proposes, the rows decide, as in :mod:`waybell.calls.search_find`; what it does not know yet is looked at row
by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from waybell.calls.rows import from_row
from waybell.calls.search_deadline import bounded
from waybell.calls.search_terms import NUMBER, PARCEL
from waybell.calls.values import Call, Direction, Leg, Status, utc
from waybell.missed.fold import numbers_of, parcel_of
from waybell.store.tables import call_terms, calls

_AT_ONCE = 500
_HEAVY = ("legs", "route", "names", "rating", "facets", "pbx")
_LIGHT = tuple(column for column in calls.c if column.name not in _HEAVY)
_WITHOUT: Mapping[str, Any] = {"legs": "[]", "route": "[]"}


class Related:
    """Calls that began at ``since`` (microseconds) or later. Raises what the journal's questions raise."""

    def __init__(self, engine: AsyncEngine, since: int, seconds: float) -> None:
        self._engine, self._since, self._seconds = engine, since, seconds
        self._known: set[str] = set()
        self._calls: dict[str, Call] = {}
        self._fresh: list[Call] | None = None

    async def to(self, proposed: Sequence[Call]) -> list[Call]:
        """Every call that has to do with those who are outside in ``proposed``, and those themselves; without legs.

        Asked again, it gives what it gave before, too: two that belong together may be proposed apart.
        """
        parcels = {parcel_of(call) for call in proposed} - {""}
        terms = _numbers(proposed) | {PARCEL + parcel for parcel in parcels}
        async with bounded(self._engine, self._seconds) as connection:
            if self._fresh is None:  # first what is not indexed: what becomes so meanwhile is seen twice, never missed
                self._fresh = await self._unindexed(connection)
                self._calls |= {call.id: call for call in self._fresh}
            await self._look_up(connection, terms)
            # A recipient who called about the same parcel from another number may have been reached there.
            theirs = [call for call in self._calls.values() if parcel_of(call) in parcels]
            await self._look_up(connection, _numbers(theirs))
        self._calls |= {call.id: call for call in proposed}
        return list(self._calls.values())

    async def _look_up(self, connection: AsyncConnection, terms: set[str]) -> None:
        for some in _batches(sorted(terms - self._known)):
            self._calls |= {call.id: call for call in await self._indexed(connection, some)}
        self._known |= terms

    async def legs(self, ids: Iterable[str]) -> Mapping[str, tuple[Leg, ...]]:
        """The phones that rang in the calls of these ids."""
        found: dict[str, tuple[Leg, ...]] = {}
        async with bounded(self._engine, self._seconds) as connection:
            for some in _batches(sorted(ids)):
                query = select(*_LIGHT, calls.c.legs).where(calls.c.id.in_(some))
                for row in (await connection.execute(query)).mappings():
                    found[row["id"]] = from_row({**row, "route": "[]"}).legs
        return found

    async def _unindexed(self, connection: AsyncConnection) -> list[Call]:
        return await self._rows(connection, calls.c.facets.is_(None))

    async def _indexed(self, connection: AsyncConnection, terms: Sequence[str]) -> list[Call]:
        with_term = select(call_terms.c.call_id).where(call_terms.c.term.in_(terms), call_terms.c.at >= self._since)
        # A courier's number is in every call that they answered: of those from outside only the caller's counts.
        numbers = [term.removeprefix(NUMBER) for term in terms if term.startswith(NUMBER)]
        parcels = [term.removeprefix(PARCEL) for term in terms if term.startswith(PARCEL)]
        theirs = or_(_OURS, calls.c.caller_number.in_(numbers), calls.c.parcel.in_(parcels))
        return await self._rows(connection, and_(calls.c.id.in_(with_term), theirs))

    async def _rows(self, connection: AsyncConnection, which: ColumnElement[bool]) -> list[Call]:
        query = select(*_LIGHT).where(which, calls.c.started_at >= utc(self._since), _TELLS)
        return [_light(row) for row in (await connection.execute(query)).mappings()]


_OURS = calls.c.direction != Direction.INBOUND.value
# Answered, or missed by somebody outside: all else changes nothing.
_TELLS = or_(
    calls.c.answered_at.is_not(None),
    and_(calls.c.direction == Direction.INBOUND.value, calls.c.status != Status.IN_PROGRESS.value),
)


def _numbers(found: Iterable[Call]) -> set[str]:
    return {NUMBER + number for call in found for number in numbers_of(call)}


def _light(row: RowMapping) -> Call:
    return from_row({**row, **_WITHOUT})


def _batches(values: list[str]) -> Iterator[list[str]]:
    return (values[begin : begin + _AT_ONCE] for begin in range(0, len(values), _AT_ONCE))
