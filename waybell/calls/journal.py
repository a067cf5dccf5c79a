"""The journal as ``waybell journal`` uses it: list, show, export, rebuild."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls.export import FORMATS
from waybell.calls.queries import CallFilter, by_id, cursor_behind, page
from waybell.calls.rows import from_row
from waybell.calls.values import Call

_EXPORT_PAGE = 1000
_MOST_CANDIDATES = 20


class NoSuchCallError(LookupError):
    """No call, or more than one, answers to the id that was given; the text says which."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some calls, newest first. ``cursor`` gives the next ones; it is empty at the end."""

    calls: tuple[Call, ...]
    cursor: str


async def list_calls(
    engine: AsyncEngine, chosen: CallFilter | None = None, *, limit: int = 50, cursor: str = ""
) -> Page:
    """One page of the calls that ``chosen`` describes. Raises :class:`~waybell.calls.queries.BadCursorError`."""
    query = page(chosen or CallFilter(), limit + 1, cursor)
    async with engine.connect() as connection:
        rows = (await connection.execute(query)).mappings().all()
    found = tuple(from_row(row) for row in rows[:limit])
    return Page(found, cursor_behind(found[-1]) if len(rows) > limit and found else "")


async def show_call(engine: AsyncEngine, text: str) -> Call:
    """The call whose id is ``text``, or the only one whose id holds it. Raises :class:`NoSuchCallError`."""
    async with engine.connect() as connection:
        rows = (await connection.execute(by_id(text, _MOST_CANDIDATES))).mappings().all()
    if not rows:
        raise NoSuchCallError(f"no call in the journal has {text!r} in its id; see waybell journal list")
    if len(rows) > 1 and rows[0]["id"] != text:
        ids = ", ".join(row["id"] for row in rows)
        raise NoSuchCallError(f"several calls have {text!r} in their id; say which: {ids}")
    return from_row(rows[0])


async def export(engine: AsyncEngine, chosen: CallFilter | None = None, *, form: str = "csv") -> AsyncIterator[str]:
    """All calls that ``chosen`` describes, as pieces of text: ``csv`` with a header, or ``jsonl``, one call a line.

    Raises :class:`ValueError` for another ``form``.
    """
    if form not in FORMATS:
        raise ValueError(f"format {form!r} is not known; allowed: {', '.join(FORMATS)}")
    header, line = FORMATS[form]
    if header:
        yield header
    cursor = ""
    while True:
        found = await list_calls(engine, chosen, limit=_EXPORT_PAGE, cursor=cursor)
        if found.calls:
            yield "".join(line(call) for call in found.calls)
        cursor = found.cursor
        if not cursor:
            return
