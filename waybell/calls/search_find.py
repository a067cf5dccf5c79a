"""Finds the calls of a filter: the index proposes in the order of time, the rows themselves decide.

What the index does not know yet (``facets`` is NULL: calls under way, the last seconds' calls) is looked at row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice, repeat
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from waybell.calls.queries import CallFilter, by_time, row_conditions
from waybell.calls.search_sql import IndexSql, OneOf, Part, Query, Run, Stretch, What
from waybell.calls.search_terms import (
    ALL_CALLS,
    CLIENT,
    COURIER,
    MANAGER,
    MOST_PART,
    NUMBER,
    PARCEL,
    WORD,
    facets_with,
)
from waybell.calls.values import utc
from waybell.store.tables import calls

Place = tuple[int, str]
"""When a call began, and its id: where it stands in the journal, whatever becomes of it."""

Columns = tuple[ColumnElement[Any], ...]

# The first few runs are mostly the largest: what they give bounds how far the others have to be looked through.
_RUNS_FIRST = (1, 4, 12)
_RUNS_AT_ONCE = 40
_BEGAN_AT_ONCE = 100
_IDS_A_QUERY = 500
# Of so few calls all are looked at; of more, those that come first are soon found. What is in many numbers or words
# has too many runs for that.
_FEW_CALLS = 2_000
_COUNTED = 50_000
_FEW_TERMS = 20
# What so many numbers have is in so many calls that looking through the newest ones finds some sooner.
_MANY_TERMS = 15_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Calls are found by ``what``, all of its calls looked at where it ``is_small``, and have ``also`` too.

    ``what`` is None where the calls themselves are looked through in the order of time.
    """

    what: What | None
    also: tuple[What, ...] = ()
    is_small: bool = False


_EPOCH = utc(0)
_MICROSECOND = timedelta(microseconds=1)


class Finder:
    """Looks for ``chosen`` in ``order`` on ``connection``. Raises :class:`~waybell.calls.queries.BadFilterError`.

    ``plan``: that of another one that looked for the same; it need not be made again.
    """

    def __init__(self, connection: AsyncConnection, chosen: CallFilter, order: str, plan: Plan | None = None) -> None:
        self.plan = plan
        self._connection = connection
        self._chosen = chosen.checked()
        self._order = order
        self._sql = IndexSql(connection.dialect.name)
        self._facets = facets_with(chosen.status, chosen.direction, chosen.kind, chosen.rating)

    async def rows(self, after: Place | None, limit: int) -> list[RowMapping]:
        """The next ``limit`` rows behind ``after``; fewer only at the end."""
        return await self.look(tuple(calls.c), after, limit)

    async def count(self, most: int) -> int:
        """How many calls there are, counted up to ``most``."""
        return len(await self.look((calls.c.started_at, calls.c.id), None, most))

    async def look(self, columns: Columns, after: Place | None, limit: int) -> list[RowMapping]:
        """As :meth:`rows`, with these columns; when a call began and its id are among them."""
        self.plan = plan = self.plan or await self._plan()
        if plan.what is None:
            return await self._by_time(columns, after, limit)
        # First what is not indexed: a call that becomes so meanwhile is seen twice, but never missed.
        found = {place_of(row): row for row in await self._unindexed(columns, after, limit)}
        newest_first = self._newest_first
        while True:
            places = await self._proposed(plan, after, limit)
            found |= await self._decided(columns, places)
            end = len(places) < limit
            ready = sorted(found, reverse=newest_first)
            if not end:  # what the index has behind its last proposal is not known yet
                last = places[-1]
                ready = [place for place in ready if (place >= last) == newest_first or place == last]
            if end or len(ready) >= limit:
                return [found[place] for place in ready[:limit]]
            after = places[-1]

    @property
    def _newest_first(self) -> bool:
        return Stretch(self._order).newest_first

    async def _plan(self) -> Plan:
        """By what the calls are found, and how."""
        found = self._terms()
        if not found:
            return Plan(ALL_CALLS if self._facets is not None else None)
        wanted = [await self._fewer(one) for one in found]
        if len(wanted) > 1 or isinstance(wanted[0], Part):
            sizes = {one: await self._size(one) for one in wanted}
            wanted.sort(key=sizes.__getitem__)
            if sizes[wanted[0]] < (_COUNTED if isinstance(wanted[0], Part) else _FEW_CALLS):
                return Plan(wanted[0], tuple(wanted[1:]), is_small=True)
        known = next((one for one in wanted if not isinstance(one, Part)), None)
        if known is None:
            return Plan(ALL_CALLS if self._facets is not None else None, tuple(wanted))
        return Plan(known, tuple(one for one in wanted if one is not known))

    def _terms(self) -> list[What]:
        chosen = self._chosen
        ids = ((PARCEL, chosen.parcel), (COURIER, chosen.courier), (CLIENT, chosen.client), (MANAGER, chosen.manager))
        found: list[What] = [kind + value for kind, value in ids if value]
        digits, exact = chosen.digits()
        if digits:
            found.append(NUMBER + digits if exact else Part(NUMBER, digits))
        return found + [Part(WORD, word) for word in dict.fromkeys(chosen.words())]

    async def _fewer(self, what: What) -> What:
        """The terms that a part is in, where they are few: the index tells sooner than the calls which have one."""
        if not isinstance(what, Part) or len(what.text) > MOST_PART:
            return what
        rows = await self._all(self._sql.terms(what, _FEW_TERMS))
        return OneOf(tuple(sorted({term for (term,) in rows}))) if 0 < len(rows) < _FEW_TERMS else what

    async def _size(self, what: What) -> int:
        """How many calls have it, counted no further than it matters."""
        if isinstance(what, Part) and await self._number(self._sql.spread(what, _MANY_TERMS)) == _MANY_TERMS:
            return _COUNTED
        return await self._number(self._sql.size(what, _COUNTED))

    async def _number(self, query: Query) -> int:
        return int((await self._all(query))[0][0])

    async def _by_time(self, columns: Columns, after: Place | None, limit: int) -> list[RowMapping]:
        query = by_time(columns, self._chosen, self._order, after, limit).where(*row_conditions(self._chosen))
        for dialect in ("mysql", "mariadb"):
            query = query.with_hint(calls, "FORCE INDEX (calls_started_at)", dialect)
        return await self._mappings(query)

    async def _unindexed(self, columns: Columns, after: Place | None, limit: int) -> list[RowMapping]:
        query = by_time(columns, self._chosen, self._order, after, limit)
        return await self._mappings(query.where(calls.c.facets.is_(None), *row_conditions(self._chosen)))

    async def _decided(self, columns: Columns, places: Sequence[Place]) -> dict[Place, RowMapping]:
        """The rows that are as the index says, out of those that it proposed."""
        proposed, found = set(places), dict[Place, RowMapping]()
        for begin in range(0, len(places), _IDS_A_QUERY):
            ids = [id_ for _, id_ in places[begin : begin + _IDS_A_QUERY]]
            query = select(*columns).where(calls.c.id.in_(ids), *row_conditions(self._chosen))
            for row in await self._mappings(query):
                if (place := place_of(row)) in proposed:
                    found[place] = row
        return found

    async def _mappings(self, query: Select[Any]) -> list[RowMapping]:
        return list((await self._connection.execute(query)).mappings().all())

    async def _proposed(self, plan: Plan, after: Place | None, limit: int) -> list[Place]:
        stretch = Stretch(self._order, self._chosen.since, self._chosen.until, after)
        assert plan.what is not None
        if plan.is_small or isinstance(plan.what, Part):
            query = self._sql.direct(plan.what, self._facets, stretch, plan.also, limit)
            return [(_micros(at), id_) for at, id_ in await self._all(query)]
        runs = iter(await self._runs(plan.what, stretch, plan.also))
        found: list[Place] = []
        sizes = chain(_RUNS_FIRST, repeat(_RUNS_AT_ONCE))
        while batch := list(islice(runs, next(sizes))):
            if len(found) >= limit:
                if self._is_behind(batch[0], found[-1]):
                    break
                stretch = stretch.no_further_than(found[-1][0])
            query = self._sql.calls(batch, stretch, plan.also, limit)
            places = [(_micros(at), id_) for at, id_ in await self._all(query)]
            found = sorted({*found, *places}, reverse=self._newest_first)[:limit]
        return found

    def _is_behind(self, run: Run, place: Place) -> bool:
        return run.began < place[0] if self._newest_first else run.began > place[0]

    async def _runs(self, what: str | OneOf, stretch: Stretch, also: Sequence[What]) -> list[Run]:
        """In the order in which their first calls began."""
        found: list[Run] = []
        pairs = [(term, facets) for term, facets in await self._all(self._sql.runs(what, self._facets, also))]
        for begin in range(0, len(pairs), _BEGAN_AT_ONCE):
            some = pairs[begin : begin + _BEGAN_AT_ONCE]
            for number, at in await self._all(self._sql.began(some, stretch)):
                found.append(Run(some[number][0], some[number][1], _micros(at)))
        return sorted(found, key=lambda run: run.began, reverse=self._newest_first)

    async def _all(self, query: Query) -> Sequence[Any]:
        return (await self._connection.exec_driver_sql(*query)).all()


def place_of(row: RowMapping) -> Place:
    """Where a call stands."""
    return _micros(row["started_at"]), row["id"]


def _micros(at: Any) -> int:
    """Of a call itself a time is a database's, in the index it is a number."""
    if isinstance(at, int):
        return at
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return int((moment - _EPOCH) // _MICROSECOND)
