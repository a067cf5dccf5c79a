"""Calls as other programs read them: CSV and XLSX for spreadsheets, JSON lines.

However many there are, a few hundred are held at a time.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, BinaryIO, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls.export_cells import HEADER, cells, defused
from waybell.calls.journal import SECONDS
from waybell.calls.queries import NEWEST_FIRST, CallFilter
from waybell.calls.rows import from_row
from waybell.calls.search_deadline import bounded
from waybell.calls.search_find import Finder, place_of
from waybell.store.tables import calls

_PAGE = 1000

Rows = Sequence[Mapping[Any, Any]]


async def batches(
    engine: AsyncEngine,
    chosen: CallFilter | None = None,
    *,
    order: str = NEWEST_FIRST,
    seconds: float = SECONDS,
    columns: Sequence[str] = (),
) -> AsyncIterator[Rows]:
    """All calls that ``chosen`` describes, some hundred rows at a time. No connection is held between two.

    ``columns``: those of a row that are wanted, ``id`` and ``started_at`` among them; all unless said.

    ``seconds`` is how long each may take. Raises as :func:`~waybell.calls.journal.list_calls` does.
    """
    chosen, after, plan = chosen or CallFilter(), None, None
    wanted = tuple(calls.c[name] for name in columns) or tuple(calls.c)
    while True:
        async with bounded(engine, seconds) as connection:
            finder = Finder(connection, chosen, order, plan)
            rows = await finder.look(wanted, after, _PAGE)
        plan = finder.plan
        if rows:
            yield rows
        if len(rows) < _PAGE:
            return
        after = place_of(rows[-1])


async def text(form: str, found: AsyncIterator[Rows]) -> AsyncIterator[str]:
    """``found`` as pieces of text: ``csv`` with a header, or ``jsonl``, one call a line.

    Raises :class:`ValueError` for another ``form``. What is made of many rows is made beside the event loop.
    """
    if form not in TEXTS:
        raise ValueError(f"format {form!r} is not known; allowed: {', '.join(TEXTS)}")
    header, lines = TEXTS[form]
    if header:
        yield header
    async for rows in found:
        yield await asyncio.to_thread(lines, rows)


async def xlsx(found: AsyncIterator[Rows], file: BinaryIO) -> None:
    """Writes ``found`` to ``file`` as a workbook, in sheets of 1,048,575 calls at most."""
    # Only where it is wanted: it takes some 3 MB.
    from waybell.calls.export_xlsx import Workbook

    with Workbook(file) as book:
        async for rows in found:
            await asyncio.to_thread(book.add, rows)
        await asyncio.to_thread(book.finish)


def csv_lines(rows: Rows) -> str:
    """Lines of CSV (RFC 4180); a cell that a spreadsheet would run gets an apostrophe in front."""
    return _csv([[defused(cell) for cell in cells(row)] for row in rows])


def json_lines(rows: Rows) -> str:
    """A call on each line, as the API shows it."""
    return "".join(json.dumps(from_row(row).as_json(), ensure_ascii=False) + "\n" for row in rows)


def _csv(lines: Sequence[Sequence[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(lines)
    return written.getvalue()


TEXTS: Final[dict[str, tuple[str, Callable[[Rows], str]]]] = {
    "csv": (_csv([HEADER]), csv_lines),
    "jsonl": ("", json_lines),
}
"""Name of a format of text → its header and what makes lines of rows."""
