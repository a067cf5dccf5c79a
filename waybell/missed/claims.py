"""Who reminds of a caller: each once, whatever breaks in between and however many Waybells there are.

All calls of an entry are claimed together. So it is known again by any of them, whichever calls are written late, and
of two who claim it at once only one gets it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls.values import micros, utc
from waybell.missed.values import Missed
from waybell.store.missed_tables import missed_alarms

_SECONDS = 5.0
_AT_ONCE = 500


class What(StrEnum):
    """How somebody is reminded: a phone rings, or a program is told."""

    RING = "ring"
    TELL = "tell"


class State(StrEnum):
    """How far that has come. Whoever dies with a claim in hand may have done it, so nobody does it again."""

    CLAIMED = "claimed"
    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Claim:
    """``lead`` names the entry, for good. ``again_at`` (microseconds): not before, where it was put off.

    ``later``: calls that belong to it and came after it was claimed.
    """

    lead: str
    state: State
    again_at: int | None = None
    callback: str = ""
    later: tuple[str, ...] = ()


class Claims:
    """The claims in one store. Raises SQLAlchemy's errors, and :class:`TimeoutError`."""

    def __init__(self, engine: AsyncEngine, seconds: float = _SECONDS) -> None:
        self._engine, self._seconds = engine, seconds

    async def of(self, entries: Iterable[Missed], what: What) -> dict[str, Claim]:
        """Of each entry that was ever claimed what came of that, by the entry's id."""
        entries = list(entries)
        rows = await self._rows(sorted({call for entry in entries for call in entry.calls}), what)
        leads = await self._rows(sorted({row["lead"] for row in rows.values()} - rows.keys()), what)
        found: dict[str, Claim] = {}
        for entry in entries:
            row = next((rows[call] for call in entry.calls if call in rows), None)
            if row is not None:
                later = tuple(call for call in entry.calls if call not in rows)
                found[entry.id] = _claim((rows | leads).get(row["lead"], row), later)
        return found

    async def take(self, entry: Missed, what: What, now: datetime) -> str:
        """Claims what nobody has claimed yet: its lead, or empty text when somebody was faster."""
        # In one order everywhere, so that two who claim the same wait for each other and not both for ever.
        calls = sorted(entry.calls)
        rows = [_row(call, what, entry.id, now, State.CLAIMED if call == entry.id else State.SAME) for call in calls]
        try:
            async with asyncio.timeout(self._seconds), self._engine.begin() as connection:
                await connection.execute(insert(missed_alarms), rows)
        except IntegrityError:
            return ""
        return entry.id

    async def take_again(self, lead: str, what: What, now: datetime) -> bool:
        """Claims what was put off and may be tried now; whether nobody was faster."""
        table, moment = missed_alarms.c, _naive(now)
        due = (table.call_id == lead) & (table.what == what.value) & (table.again_at <= moment)
        query = update(missed_alarms).where(due, table.state == State.WAITING.value)
        async with asyncio.timeout(self._seconds), self._engine.begin() as connection:
            done = await connection.execute(query.values(state=State.CLAIMED.value, again_at=None, at=moment))
        return done.rowcount == 1

    async def settle(self, claim: Claim, what: What, why: str = "") -> None:
        """Tells what came of a claim that is in hand."""
        again = None if claim.again_at is None else utc(claim.again_at)
        values = {"state": claim.state.value, "again_at": again, "callback": claim.callback, "why": why[:60]}
        mine = (missed_alarms.c.call_id == claim.lead) & (missed_alarms.c.what == what.value)
        async with asyncio.timeout(self._seconds), self._engine.begin() as connection:
            await connection.execute(update(missed_alarms).where(mine).values(values))

    async def add(self, claim: Claim, what: What, now: datetime) -> None:
        """The later calls of an entry are claimed with it."""
        rows = [_row(call, what, claim.lead, now, State.SAME) for call in sorted(claim.later)]
        with suppress(IntegrityError):  # another Waybell did
            async with asyncio.timeout(self._seconds), self._engine.begin() as connection:
                await connection.execute(insert(missed_alarms), rows)

    async def _rows(self, calls: list[str], what: What) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        async with asyncio.timeout(self._seconds), self._engine.connect() as connection:
            for begin in range(0, len(calls), _AT_ONCE):
                chosen = missed_alarms.c.call_id.in_(calls[begin : begin + _AT_ONCE])
                query = select(missed_alarms).where(chosen, missed_alarms.c.what == what.value)
                found |= {row["call_id"]: dict(row) for row in (await connection.execute(query)).mappings()}
        return found


def _row(call: str, what: What, lead: str, now: datetime, state: State) -> dict[str, Any]:
    whole = {"call_id": call, "what": what.value, "lead": lead, "state": state.value, "at": _naive(now)}
    return whole | {"again_at": None, "callback": "", "why": ""}


def _claim(row: dict[str, Any], later: tuple[str, ...]) -> Claim:
    return Claim(row["lead"], State(row["state"]), micros(row["again_at"]), row["callback"], later)


def _naive(moment: datetime) -> datetime:
    return utc(micros(moment) or 0)
