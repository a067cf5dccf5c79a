"""``GET /api/v1/calls``: the journal, as pages, as a spreadsheet, and one call with its legs and its way."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, BinaryIO, cast

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.convertors import StringConvertor, register_url_convertor

from waybell.calls import export
from waybell.calls.journal import NoSuchCallError
from waybell.calls.search_port import Journal
from waybell.recordings.service import Recordings
from web_app import calls_examples, examples
from web_app.auth import Bearer, Needs
from web_app.calls_documents import CallDocument, CallsDocument, CallsQuery, Format
from web_app.problems import ProblemError
from web_app.questions import told

PREFIX = "/api/v1"

_EXPORTS_AT_ONCE = 2
_PIECE = 64 * 1024
_MEDIA = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


async def _port(request: Request) -> Journal:
    port: Journal = request.app.state.journal
    return port


async def _sounds(request: Request) -> Recordings | None:
    recordings: Recordings | None = request.app.state.recordings
    return recordings


Port = Annotated[Journal, Depends(_port)]
Sounds = Annotated[Recordings | None, Depends(_sounds)]
OperatorToken = Annotated[Bearer, Depends(Needs("operator", "supervisor", "admin"))]
CallId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,150}$", examples=["pbx1-1795304204.0"])]


class _CallIdConvertor(StringConvertor):
    """Part of a path that may be the id of a call. No word is one, so ``/calls/test`` is another address."""

    regex = "[^/]*[^a-z/][^/]*"


def calls_router() -> APIRouter:
    """The routes. The application's state holds ``journal`` and ``authenticate``."""
    router = APIRouter(prefix=PREFIX, tags=["journal"])
    common = (*examples.COMMON, "invalid-request", "search-too-slow")
    listed = calls_examples.listed() | examples.problems(*common, "exports-at-once")
    one = calls_examples.one() | examples.problems(*common, "unknown-call")
    router.add_api_route("/calls", list_calls, response_model=CallsDocument, responses=listed)
    register_url_convertor("call_id", _CallIdConvertor())
    router.add_api_route("/calls/{call_id:call_id}", get_call, response_model=CallDocument, responses=one)
    return router


async def list_calls(query: Annotated[CallsQuery, Query()], _token: OperatorToken, journal: Port) -> Response:
    """Calls that have everything asked for, the newest first: a page, or all of them as a spreadsheet.

    A call that comes or changes while pages are turned neither shows another twice nor hides it.
    """
    with told():
        chosen = query.chosen()
        if query.format is not Format.JSON:
            return await _exported(query, journal)
        page = await journal.page(chosen, query.order.value, query.limit or 50, query.cursor or "")
        count = await journal.count(chosen, page) if query.cursor is None else None
    counted = {"calls": count.calls, "exact": count.exact} if count else None
    # As the journal writes it, and not read again: a page may hold a thousand calls.
    return JSONResponse(
        {"calls": [call.as_json() for call in page.calls], "cursor": page.cursor or None, "count": counted}
    )


async def get_call(call_id: CallId, _token: OperatorToken, journal: Port, sounds: Sounds) -> Response:
    """One call with its legs, the reason for every step, and whether its recordings are there."""
    with told():
        try:
            call = await journal.call(call_id)
            found = {"recordings": await sounds.of(call)} if sounds and call.recordings else {}
            return JSONResponse(call.as_json() | found)
        except NoSuchCallError:
            detail = f"There is no call {call_id} in the journal."
            raise ProblemError("unknown-call", 404, "There is no such call", detail) from None


def refuse_a_third(journal: Journal) -> None:
    """Whoever reads much of the journal leaves room for others."""
    if journal.exports >= _EXPORTS_AT_ONCE:
        detail = f"{_EXPORTS_AT_ONCE} exports or statistics are being made just now; ask again when they are done."
        raise ProblemError("exports-at-once", 429, "Too many exports", detail, {"Retry-After": "10"})


async def _exported(query: CallsQuery, journal: Journal) -> Response:
    refuse_a_third(journal)
    pieces = (_workbook if query.format is Format.XLSX else _csv)(journal.export(query.chosen(), query.order.value))
    first = await anext(pieces)  # what is wrong shows before the answer begins
    name = f"calls-{datetime.now(UTC):%Y-%m-%dT%H%M}.{query.format.value}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(_chain(first, pieces), headers=headers, media_type=_MEDIA[query.format])


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


async def _csv(found: AsyncIterator[export.Rows]) -> AsyncIterator[bytes]:
    kept = ""
    async for piece in export.text("csv", found):
        kept += piece
        if len(kept) > 1000:  # not the header alone: the first calls have been found
            yield kept.encode("utf-8", "replace")
            kept = ""
    yield kept.encode("utf-8", "replace")


async def _workbook(found: AsyncIterator[export.Rows]) -> AsyncIterator[bytes]:
    """A workbook is packed at its end: it waits in a file that is gone with the answer."""
    with tempfile.TemporaryFile() as file:
        written = cast(BinaryIO, file)
        await export.xlsx(found, written)
        await asyncio.to_thread(written.seek, 0)
        while piece := await asyncio.to_thread(written.read, _PIECE):
            yield piece
