"""The journal as it is asked: by ``waybell journal``, and over HTTP."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls.queries import NEWEST_FIRST, CallFilter, by_id, cursor_behind, read_cursor
from waybell.calls.rows import from_row
from waybell.calls.search_deadline import TooSlowError, bounded
from waybell.calls.search_find import Finder
from waybell.calls.values import Call

SECONDS = 5.0
"""How long a question may take, unless the settings say otherwise."""

_MOST_CANDIDATES = 20
_MOST_COUNTED = 1000
_COUNT_SECONDS = 0.1


class NoSuchCallError(LookupError):
    """No call, or more than one, answers to the id that was given; the text says which."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some calls. ``cursor`` gives the next ones; it is empty at the end."""

    calls: tuple[Call, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many calls there are: just so many, or ``calls`` at least where counting all would take too long."""

    calls: int
    exact: bool


async def list_calls(
    engine: AsyncEngine,
    chosen: CallFilter | None = None,
    *,
    order: str = NEWEST_FIRST,
    limit: int = 50,
    cursor: str = "",
    seconds: float = SECONDS,
) -> Page:
    """One page of the calls that ``chosen`` describes.

    A call's place is when it began, which never changes. So a call that comes or changes while somebody turns the pages
    neither shows another twice nor hides it. Raises :class:`~waybell.calls.queries.BadFilterError`,
    :class:`~waybell.calls.search_deadline.TooSlowError` and SQLAlchemy's errors.
    """
    chosen = chosen or CallFilter()
    after = read_cursor(cursor, chosen, order) if cursor else None
    async with bounded(engine, seconds) as connection:
        rows = await Finder(connection, chosen, order).rows(after, limit + 1)
    found = tuple(from_row(row) for row in rows[:limit])
    return Page(found, cursor_behind(found[-1], chosen, order) if len(rows) > limit and found else "")


async def count_calls(engine: AsyncEngine, chosen: CallFilter, page: Page) -> Count:
    """How many calls ``chosen`` describes; ``page`` is its first. Exact up to 1,000, and where it is found out at once.

    Raises SQLAlchemy's errors.
    """
    if not page.cursor:
        return Count(len(page.calls), exact=True)
    try:
        async with bounded(engine, _COUNT_SECONDS) as connection:
            found = await Finder(connection, chosen, NEWEST_FIRST).count(_MOST_COUNTED + 1)
    except TooSlowError:
        return Count(len(page.calls), exact=False)
    return Count(min(found, _MOST_COUNTED), exact=found <= _MOST_COUNTED)


async def get_call(engine: AsyncEngine, id_: str, seconds: float = SECONDS) -> Call:
    """The call with this id. Raises :class:`NoSuchCallError`, and as :func:`list_calls`."""
    async with bounded(engine, seconds) as connection:
        row = (await connection.execute(by_id(id_, 1, whole=True))).mappings().first()
    if row is None:
        raise NoSuchCallError(f"no call in the journal has the id {id_!r}")
    return from_row(row)


async def show_call(engine: AsyncEngine, text: str) -> Call:
    """The call whose id is ``text``, or the only one whose id holds it. Raises :class:`NoSuchCallError`."""
    try:
        return await get_call(engine, text)
    except NoSuchCallError:
        pass
    async with engine.connect() as connection:
        rows = (await connection.execute(by_id(text, _MOST_CANDIDATES))).mappings().all()
    if not rows:
        raise NoSuchCallError(f"no call in the journal has {text!r} in its id; see waybell journal list")
    if len(rows) > 1:
        ids = ", ".join(row["id"] for row in rows)
        raise NoSuchCallError(f"several calls have {text!r} in their id; say which: {ids}")
    return from_row(rows[0])
