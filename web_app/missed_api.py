"""``GET /api/v1/missed``: who called, was not answered, and still waits to be called back."""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query, Request

from waybell.missed.values import MissedFilter, Page
from web_app import examples, missed_examples
from web_app.auth import Bearer, Needs
from web_app.missed_documents import MissedDocument, MissedPageDocument, MissedQuery
from web_app.questions import told

PREFIX = "/api/v1"


class MissedCalls(Protocol):
    """Missed calls as they are asked for; see :class:`waybell.missed.finding.MissedCalls`."""

    async def page(self, chosen: MissedFilter, limit: int = 50, cursor: str = "") -> Page:
        """One page."""
        ...


async def _port(request: Request) -> MissedCalls:
    port: MissedCalls = request.app.state.missed
    return port


Port = Annotated[MissedCalls, Depends(_port)]
OperatorToken = Annotated[Bearer, Depends(Needs("operator", "supervisor", "admin"))]


def missed_router() -> APIRouter:
    """The route. The application's state holds ``missed`` and ``authenticate``."""
    router = APIRouter(prefix=PREFIX, tags=["journal"])
    common = (*examples.COMMON, "invalid-request", "search-too-slow")
    responses = missed_examples.listed() | examples.problems(*common)
    router.add_api_route("/missed", list_missed, response_model=MissedPageDocument, responses=responses)
    return router


async def list_missed(
    query: Annotated[MissedQuery, Query()], _token: OperatorToken, missed: Port
) -> MissedPageDocument:
    """Who called and was answered by nobody, by person and parcel; whoever called last comes first.

    An entry is closed as soon as either side reaches the other. A page may hold fewer entries than asked for, even
    none: there are more as long as it has a cursor. Whoever calls again while pages are turned is neither shown twice
    nor hidden.
    """
    with told():
        page = await missed.page(query.chosen(), query.limit, query.cursor or "")
    return MissedPageDocument(
        missed=[MissedDocument.of(entry) for entry in page.missed],
        cursor=page.cursor or None,
    )
