"""``GET /api/v1/parcels/{parcel}/attempts``: who tried to reach a recipient, and what it was worth."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from waybell.attempts.finding import NothingKnownError
from waybell.attempts.page import POLICY, html
from waybell.attempts.printing import NoFontError, PrintingError
from waybell.attempts.telling import Style, Told, tell
from waybell.attempts.values import Sheet
from waybell.attempts.words import Language
from waybell.calls.values import iso
from web_app import attempts_examples, examples
from web_app.attempts_documents import AttemptsDocument, AttemptsQuery, Format
from web_app.auth import Bearer, Needs
from web_app.problems import ProblemError
from web_app.questions import moment, told

PREFIX = "/api/v1"
_SAFE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Sheets(Protocol):
    """Attempts as they are asked for; see :class:`waybell.attempts.finding.AttemptsFinder`."""

    async def sheet(self, parcel: str, until: int | None = None) -> Sheet:
        """All about one parcel."""
        ...


@dataclass(frozen=True, slots=True)
class Attempts:
    """What the route needs. ``print_pdf`` makes a PDF of a sheet in words; ``version`` is Waybell's."""

    sheets: Sheets
    print_pdf: Callable[[Told, str], Awaitable[bytes]]
    language: Language = "en"
    zone: ZoneInfo = ZoneInfo("UTC")  # noqa: RUF009 -- a value
    version: str = ""


async def _port(request: Request) -> Attempts:
    port: Attempts = request.app.state.attempts
    return port


Port = Annotated[Attempts, Depends(_port)]
OperatorToken = Annotated[Bearer, Depends(Needs("operator", "supervisor", "admin"))]
Parcel = Annotated[
    str,
    Path(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", description="The parcel's id in the CRM"),
]


def attempts_router() -> APIRouter:
    """The route. The application's state holds ``attempts`` and ``authenticate``."""
    router = APIRouter(prefix=PREFIX, tags=["journal"])
    common = (*examples.COMMON, "invalid-request", "search-too-slow")
    responses = attempts_examples.shown() | examples.problems(*common, "unknown-parcel", "no-font", "printing-failed")
    path = "/parcels/{parcel}/attempts"
    router.add_api_route(path, list_attempts, response_model=AttemptsDocument, responses=responses)
    return router


async def list_attempts(
    parcel: Parcel, query: Annotated[AttemptsQuery, Query()], token: OperatorToken, attempts: Port
) -> Response:
    """Every try to reach the recipient of a parcel, oldest first, with a verdict on each: fit to be shown to a client.

    Numbers are shown in part unless `numbers=full` is asked for, which is logged. `until` set to the `made_at` of a
    copy gives the same checksum again, unless something was changed.
    """
    with told():
        try:
            sheet = await attempts.sheets.sheet(parcel, moment("until", query.until))
        except NothingKnownError:
            detail = "The journal tells of no call about this parcel: nobody tried to reach its recipient with Waybell."
            raise ProblemError("unknown-parcel", 404, "Nothing is known of this parcel", detail) from None
    if query.reveal:
        log = structlog.get_logger("attempts")
        log.info("whole numbers were shown", parcel=parcel, token=token.id, name=token.name)
    style = Style(query.lang or attempts.language, attempts.zone, query.reveal, attempts.version)
    if query.format is Format.JSON:
        document = AttemptsDocument.of(sheet, style)
        return JSONResponse(document.model_dump(mode="json"), headers={"Cache-Control": "no-store"})
    if query.format is Format.HTML:
        return HTMLResponse(html(tell(sheet, style)), headers=_SAFE | {"Content-Security-Policy": POLICY})
    return await _pdf(attempts, sheet, style)


async def _pdf(attempts: Attempts, sheet: Sheet, style: Style) -> Response:
    made_at = iso(sheet.made_at) or ""
    try:
        made = await attempts.print_pdf(tell(sheet, style), made_at)
    except NoFontError as error:
        raise ProblemError("no-font", 503, "No font for PDF", f"No PDF can be made: {error}.") from None
    except PrintingError as error:
        structlog.get_logger("attempts").error("a pdf could not be made", why=str(error))
        detail = "The PDF could not be made; Waybell's log says why. The page (format=html) can be printed."
        raise ProblemError("printing-failed", 503, "No PDF came out", detail, {"Retry-After": "5"}) from None
    name = f'attachment; filename="attempts-{made_at[:10]}.pdf"'
    return Response(made, media_type="application/pdf", headers=_SAFE | {"Content-Disposition": name})
