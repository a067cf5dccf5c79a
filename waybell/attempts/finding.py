"""Finds what there is about a parcel: the journal's calls, and Waybell's own notes of those that it placed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.attempts.checksum import checksum
from waybell.attempts.judging import attempt_of, attempt_without_call, contact_of
from waybell.attempts.values import Attempt, Rules, Sheet
from waybell.callbacks.rows import from_row
from waybell.callbacks.values import Callback
from waybell.calls.journal import list_calls
from waybell.calls.queries import OLDEST_FIRST, CallFilter
from waybell.calls.search_deadline import TooSlowError, bounded
from waybell.calls.values import Call, micros
from waybell.store.callback_tables import callbacks

_SECONDS = 5.0
_MOST = 1000
# The journal is seconds behind; what it does not tell of after that is lost to it.
_SETTLED = 600_000_000


class NothingKnownError(LookupError):
    """The journal tells of no call about this parcel."""


class AttemptsFinder:
    """Questions on one store."""

    def __init__(
        self,
        engine: AsyncEngine,
        rules: Rules = Rules(),  # noqa: B008 -- a value
        *,
        seconds: float = _SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine, self._rules, self._seconds, self._clock = engine, rules, seconds, clock

    async def sheet(self, parcel: str, until: int | None = None) -> Sheet:
        """All that had ended by ``until`` (microseconds; now, if that is earlier or nothing is said).

        Asked again with the ``made_at`` of a sheet it gives the same sheet, unless the journal has learned of more.
        Raises :class:`NothingKnownError`, :class:`~waybell.calls.search_deadline.TooSlowError` and SQLAlchemy's errors.
        """
        now = micros(self._clock()) or 0
        made_at = now if until is None else min(until, now)
        try:
            async with asyncio.timeout(self._seconds):
                placed = await self._placed(parcel)
                page = await list_calls(
                    self._engine, CallFilter(parcel=parcel), order=OLDEST_FIRST, limit=_MOST, seconds=self._seconds
                )
        except TimeoutError:
            raise TooSlowError(self._seconds) from None
        # A database may take "10 " for "10".
        ended = [call for call in page.calls if call.ended_at is not None and call.ended_at <= made_at]
        calls = [call for call in ended if call.parcel == parcel]
        known = {call.id for call in page.calls}
        lost = {id_: one for id_, one in placed.items() if id_ not in known and not page.cursor}
        attempts = self._attempts(calls, placed, lost, made_at)
        contacts = tuple(contact for call in calls if (contact := contact_of(call)))
        if not attempts and not contacts:
            raise NothingKnownError(parcel)
        complete = not page.cursor and len(placed) < _MOST
        told = checksum(parcel, attempts, contacts, self._rules)
        return Sheet(parcel, attempts, contacts, self._rules, made_at, complete, told)

    def _attempts(
        self, calls: list[Call], placed: Mapping[str, Callback], lost: Mapping[str, Callback], made_at: int
    ) -> tuple[Attempt, ...]:
        found = [attempt for call in calls if (attempt := attempt_of(call, placed.get(call.id), self._rules))]
        for id_, callback in lost.items():
            ended = micros(callback.ended_at)
            if ended is not None and ended + _SETTLED <= made_at:
                alone = attempt_without_call(callback, id_.removesuffix(f"-{callback.id}"), self._rules)
                found += [alone] if alone else []
        return tuple(sorted(found, key=lambda attempt: (attempt.at, attempt.id)))

    async def _placed(self, parcel: str) -> dict[str, Callback]:
        """The calls that Waybell placed about it, by the journal's id."""
        query = select(callbacks).where(callbacks.c.parcel == parcel).order_by(callbacks.c.created_at).limit(_MOST)
        async with bounded(self._engine, self._seconds) as connection:
            rows = (await connection.execute(query)).mappings().all()
        return {f"{row['pbx']}-{row['id']}": from_row(dict(row)) for row in rows if row["parcel"] == parcel}
