"""``GET /api/v1/feedback``: what callers said of calls, one by one and put together."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from waybell.calls.queries import BadFilterError
from waybell.feedback.store import FeedbackStore
from waybell.feedback.values import By, FeedbackFilter
from web_app import examples
from web_app.calls_api import PREFIX, OperatorToken
from web_app.calls_documents import Text, Time
from web_app.questions import moment, told

_PLACE = re.compile(r"([0-9]{1,16})\n([A-Za-z0-9._-]{1,150})")
_LATEST = 4_102_444_800_000_000  # the year 2100: dates must not overflow


class _Chosen(BaseModel):
    """What may be asked; a name that is not here is an error."""

    model_config = ConfigDict(extra="forbid")

    from_: Time | None = Field(
        None, alias="from", description="Asked for then or later: ISO 8601, UTC without a zone", examples=["2026-11-21"]
    )
    until: Time | None = Field(None, description="Asked for before", examples=["2026-11-22T00:00+03:00"])
    rating: int | None = Field(None, ge=1, le=5)
    courier: Text | None = None
    operator: Text | None = Field(None, description="The number of the employee who answered")
    manager: Text | None = Field(None, description="The same, where a manager was rung")
    client: Text | None = None
    parcel: Text | None = None
    number: str | None = Field(None, pattern=r"^[0-9]{1,15}$", description="The caller's, E.164 digits")

    def chosen(self) -> FeedbackFilter:
        """What is looked for. Raises :class:`~waybell.calls.queries.BadFilterError`."""
        return FeedbackFilter(
            moment("from", self.from_),
            moment("until", self.until),
            self.rating,
            self.courier or "",
            self.operator or "",
            self.manager or "",
            self.client or "",
            self.parcel or "",
            self.number or "",
        )


class FeedbackQuery(_Chosen):
    """What may be asked of single ratings."""

    limit: int = Field(50, ge=1, le=1000)
    cursor: str | None = Field(None, min_length=1, max_length=400, description="That of the page before")


class AveragesQuery(_Chosen):
    """What may be asked of ratings put together."""

    by: By = Field(description="Whose ratings are put together")


class SaidDocument(BaseModel):
    """What one caller said of one call."""

    call: str
    at: datetime
    rating: int = Field(ge=1, le=5)
    comment: str | None = Field(description="A recording: GET /calls/{call}/recording?recording=…")
    number: str | None
    parcel: str | None
    courier: str | None
    operator: str | None
    client: str | None
    manager: str | None


class FeedbackDocument(BaseModel):
    """A page of ratings, the newest first."""

    feedback: list[SaidDocument]
    cursor: str | None = Field(description="Asks for the next page; null on the last one")


class AverageDocument(BaseModel):
    """Ratings put together."""

    key: str = Field(description="The courier, operator, manager, client or day (UTC)")
    asked: int = Field(description="How many callers were asked")
    rated: int = Field(description="How many gave a rating")
    average: float | None = Field(ge=1, le=5, description="Null where nobody did")


class AveragesDocument(BaseModel):
    """Ratings put together, the most rated first, days the latest first."""

    averages: list[AverageDocument]


async def _store(request: Request) -> FeedbackStore:
    store: FeedbackStore = request.app.state.feedback
    return store


Store = Annotated[FeedbackStore, Depends(_store)]


def feedback_router() -> APIRouter:
    """The routes. The application's state holds ``feedback`` and ``authenticate``."""
    router = APIRouter(prefix=PREFIX, tags=["feedback"])
    problems = examples.problems(*examples.COMMON, "invalid-request")
    told: examples.Responses = {200: {"description": "Ratings"}, **problems}
    router.add_api_route("/feedback", list_feedback, response_model=FeedbackDocument, responses=told)
    router.add_api_route("/feedback/averages", feedback_averages, response_model=AveragesDocument, responses=told)
    return router


async def list_feedback(
    query: Annotated[FeedbackQuery, Query()], _token: OperatorToken, store: Store
) -> FeedbackDocument:
    """What callers said, the newest first."""
    with told():
        after = _read_cursor(query.cursor) if query.cursor else None
        found = await store.page(query.chosen(), query.limit + 1, after)
    page = found[: query.limit]
    cursor = _cursor(page[-1].asked_at, page[-1].call_id) if len(found) > query.limit else None
    return FeedbackDocument(feedback=[SaidDocument.model_validate(said.as_json()) for said in page], cursor=cursor)


async def feedback_averages(
    query: Annotated[AveragesQuery, Query()], _token: OperatorToken, store: Store
) -> AveragesDocument:
    """How many were asked, how many rated, and how, by courier, operator, manager, client or day."""
    with told():
        found = await store.averages(query.chosen(), query.by)
    return AveragesDocument(
        averages=[AverageDocument(key=a.key, asked=a.asked, rated=a.rated, average=a.average) for a in found]
    )


def _cursor(at: int, call_id: str) -> str:
    return urlsafe_b64encode(f"{at}\n{call_id}".encode()).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[int, str]:
    """Raises :class:`~waybell.calls.queries.BadFilterError` for what :func:`_cursor` did not write."""
    try:
        found = _PLACE.fullmatch(urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii"))
    except ValueError:
        found = None
    if found is None or int(found[1]) >= _LATEST:
        raise BadFilterError("cursor", "no cursor of ours: take the one that came with the page before")
    return int(found[1]), found[2]
