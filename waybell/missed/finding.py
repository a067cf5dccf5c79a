"""Finds missed calls in the journal, at the time of the question: nothing is kept that could be out of date.

Missed calls are proposed by the journal's own search, the latest first; what else those people said or heard is looked
up by their numbers and parcels, and the fold decides.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2s

from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls.journal import list_calls
from waybell.calls.queries import BadCursorError, CallFilter
from waybell.calls.search_deadline import TooSlowError
from waybell.calls.values import Call, Direction, Status, micros, utc
from waybell.missed.fold import is_missed, missed, with_rung
from waybell.missed.related import Related
from waybell.missed.values import Missed, MissedFilter, Page, State

_OVER = (Status.MISSED, Status.BUSY, Status.FAILED, Status.REJECTED, Status.INTERRUPTED)
_SECONDS = 5.0
# After so many seconds of looking a page may be short, and its cursor goes on.
_PATIENCE = 1.0
_MOST_AT_ONCE = 1600
_HOUR = 3_600_000_000

Place = tuple[int, str]


@dataclass(frozen=True, slots=True)
class _Turn:
    """Where a page begins: behind ``after``. What began at ``until`` or later is no missed call of this question.

    ``floor``: entries whose last call began before are not wanted, though such calls count.
    """

    since: int
    until: int
    after: Place | None = None
    floor: int = 0


class MissedCalls:
    """Questions on one store. ``hours``: how far back one looks that does not say from when."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        hours: int = 168,
        seconds: float = _SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine, self._hours, self._seconds, self._clock = engine, hours, seconds, clock

    async def page(self, chosen: MissedFilter, limit: int = 50, cursor: str = "") -> Page:
        """One page. A cursor goes on with the same question as of the same moment, so that nobody is shown twice.

        Raises :class:`~waybell.calls.queries.BadFilterError`, :class:`~waybell.calls.search_deadline.TooSlowError` and
        SQLAlchemy's errors.
        """
        chosen.calls.checked()
        turn = read_cursor(cursor, chosen) if cursor else self._first(chosen.calls)
        try:
            async with asyncio.timeout(self._seconds):
                found, after = await self._look(chosen, turn, limit)
                entries = await self._with_rung(found)
        except TimeoutError:
            raise TooSlowError(self._seconds) from None
        return Page(tuple(entries), cursor_behind(replace(turn, after=after), chosen) if after else "")

    async def waiting(self, since: int) -> list[Missed]:
        """Everybody who still waits and whose last call began at ``since`` or later; without the phones that rang.

        Raises as :meth:`page` does.
        """
        chosen, found = MissedFilter(), list[Missed]()
        turn: _Turn | None = replace(self._first(chosen.calls), floor=since)
        while turn is not None:
            some, after = await self._look(chosen, turn, _MOST_AT_ONCE)
            found += some
            turn = replace(turn, after=after) if after else None
        return found

    def _first(self, calls: CallFilter) -> _Turn:
        now = micros(self._clock()) or 0
        since = now - self._hours * _HOUR if calls.since is None else calls.since
        return _Turn(since, now + 1 if calls.until is None else calls.until)

    async def _look(self, chosen: MissedFilter, turn: _Turn, limit: int) -> tuple[list[Missed], Place | None]:
        """Up to ``limit`` entries, and where to go on; ``None`` for the latter at the end."""
        related, started = Related(self._engine, turn.since, self._seconds), self._now()
        found: list[Missed] = []
        after, size = turn.after, 2 * limit + 1
        while True:
            proposed = await self._proposed(chosen.calls, turn, after, size)
            entries = {entry.calls[-1]: entry for entry in missed(await related.to(proposed), turn.until)}
            for call in proposed:
                if len(found) == limit:
                    return found, after
                after = call.started_at, call.id
                entry = entries.get(call.id)
                if entry is not None and _is_wanted(entry, chosen.state):
                    found.append(entry)
            if len(proposed) < size:
                return found, None
            if self._now() - started > _PATIENCE:
                return found, after
            size = min(2 * size, _MOST_AT_ONCE)

    async def _proposed(self, calls: CallFilter, turn: _Turn, after: Place | None, size: int) -> list[Call]:
        """The next ``size`` missed calls behind ``after``, the latest first; fewer only at the end."""
        until = turn.until if after is None else min(turn.until, after[0] + 1)
        wanted = replace(calls, since=max(turn.since, turn.floor), until=until, direction=Direction.INBOUND.value)
        statuses = [status for status in _OVER if calls.status in ("", status)]
        # Calls of one and the same microsecond as the last one may have been shown: they are asked for once more.
        found: list[Call] = []
        for status in statuses:
            found += await self._of(replace(wanted, status=status.value), after, size)
        found.sort(key=lambda call: (call.started_at, call.id), reverse=True)
        return found[:size]

    async def _of(self, chosen: CallFilter, after: Place | None, size: int) -> list[Call]:
        found: list[Call] = []
        cursor = ""
        while len(found) < size:
            page = await list_calls(self._engine, chosen, limit=size, cursor=cursor, seconds=self._seconds)
            calls = [call for call in page.calls if is_missed(call)]
            found += [call for call in calls if after is None or (call.started_at, call.id) < after]
            cursor = page.cursor
            if not cursor:
                break
        return found

    async def _with_rung(self, found: Sequence[Missed]) -> Iterable[Missed]:
        legs = await Related(self._engine, 0, self._seconds).legs([call for entry in found for call in entry.calls])
        return [with_rung(entry, legs) for entry in found]

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _is_wanted(entry: Missed, state: State) -> bool:
    return state is State.ALL or (entry.closed is None) == (state is State.OPEN)


def cursor_behind(turn: _Turn, chosen: MissedFilter) -> str:
    """The cursor with which the next page of ``chosen`` begins at ``turn``."""
    assert turn.after is not None
    text = f"{_question(chosen)}:{turn.since}:{turn.until}:{turn.after[0]}:{turn.after[1]}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, chosen: MissedFilter) -> _Turn:
    """What :func:`cursor_behind` wrote. Raises :class:`~waybell.calls.queries.BadCursorError`."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        question, *times, last = text.split(":", 4)
        since, until, at = (_micros(text) for text in times)
    except (binascii.Error, ValueError, OverflowError):
        raise BadCursorError from None
    if question != _question(chosen):
        raise BadCursorError
    return _Turn(since, until, (at, last))


def _micros(text: str) -> int:
    """Raises :class:`ValueError` or :class:`OverflowError` for what is no time of a database's."""
    if not text.isascii():
        raise ValueError(text)
    utc(int(text))
    return int(text)


def _question(chosen: MissedFilter) -> str:
    """Eight letters that tell one question from another: a cursor is of no use for any but its own."""
    asked = repr((chosen.state.value, *astuple(chosen.calls)))
    return blake2s(asked.encode("utf-8", "replace"), digest_size=4).hexdigest()
