"""``GET /api/v1/stats``: figures of the calls in the journal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from waybell.calls.queries import BadFilterError, CallFilter
from waybell.calls.stats import By, Figures, Spread
from waybell.calls.values import Direction, iso, micros
from waybell.people.values import PersonKind
from web_app import calls_examples, examples
from web_app.calls_api import PREFIX, OperatorToken, Port, refuse_a_third
from web_app.calls_documents import Text, Time
from web_app.questions import moment, told

_DAY = 86_400_000_000
_DAYS = 30
_MOST_DAYS = 400


class StatsQuery(BaseModel):
    """What may be asked."""

    model_config = ConfigDict(extra="forbid")

    by: By = Field(description="hour is that of the day; line is the company's number that was called")
    from_: Time | None = Field(
        None, alias="from", description=f"Calls that began then or later; {_DAYS} days before until, unless said"
    )
    until: Time | None = Field(None, description=f"Calls that began before; {_MOST_DAYS} days at most; now unless said")
    tz: str = Field(
        "UTC",
        max_length=40,
        pattern=r"^[A-Za-z0-9_+/-]+$",
        description="Whose hours and days",
        examples=["Europe/Moscow"],
    )
    direction: Direction | None = None
    kind: PersonKind | None = Field(None, description="What the caller is")
    courier: Text | None = None
    client: Text | None = None
    manager: Text | None = None

    def chosen(self) -> CallFilter:
        """Which calls. Raises :class:`~waybell.calls.queries.BadFilterError`."""
        until = moment("until", self.until)
        until = micros(datetime.now(UTC)) if until is None else until
        assert until is not None
        since = moment("from", self.from_)
        since = until - _DAYS * _DAY if since is None else since
        if not since <= until <= since + _MOST_DAYS * _DAY:
            raise BadFilterError("from", f"it has to be before until, and {_MOST_DAYS} days before it at most")
        return CallFilter(
            since=since,
            until=until,
            direction=self.direction or "",
            kind=self.kind or "",
            courier=self.courier or "",
            client=self.client or "",
            manager=self.manager or "",
        ).checked()

    def zone(self) -> ZoneInfo:
        """The time zone. Raises :class:`~waybell.calls.queries.BadFilterError`."""
        try:
            return ZoneInfo(self.tz)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise BadFilterError("tz", f"{self.tz!r} is no time zone; allowed are such as Europe/Moscow") from None


class SpreadDocument(BaseModel):
    """Seconds, of the calls that were answered; null where none was."""

    median: float | None
    p95: float | None = Field(description="95 of 100 are not longer (nearest rank)")


class FiguresDocument(BaseModel):
    """How many calls, what came of them, and how long it took."""

    calls: int
    in_progress: int
    answered: int
    missed: int
    busy: int
    failed: int
    rejected: int
    interrupted: int
    wait_seconds: SpreadDocument
    talk_seconds: SpreadDocument


class GroupDocument(FiguresDocument):
    """Calls that have something in common."""

    key: str | None = Field(description="The hour (00 to 23), day, id or number; null for calls without one")


class StatsDocument(BaseModel):
    """Figures, exact from the journal. A call that several managers were to be rung for is in the group of each."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: datetime = Field(alias="from")
    until: datetime
    tz: str
    by: By
    total: FiguresDocument
    groups: list[GroupDocument]


def stats_router() -> APIRouter:
    """The route. The application's state holds ``journal`` and ``authenticate``."""
    router = APIRouter(prefix=PREFIX, tags=["journal"])
    errors = examples.problems(*examples.COMMON, "invalid-request", "search-too-slow", "exports-at-once")
    answers = calls_examples.figures() | errors
    router.add_api_route("/stats", get_stats, response_model=StatsDocument, responses=answers)
    return router


async def get_stats(query: Annotated[StatsQuery, Query()], _token: OperatorToken, journal: Port) -> Response:
    """How many calls there were, what came of them, and how long people waited and talked."""
    with told():
        chosen, zone = query.chosen(), query.zone()
        refuse_a_third(journal)
        tally = await journal.stats(chosen, query.by, zone)
    return JSONResponse(
        {
            "from": iso(chosen.since),
            "until": iso(chosen.until),
            "tz": query.tz,
            "by": query.by.value,
            "total": _figures(tally.total()),
            "groups": [{"key": key, **_figures(found)} for key, found in tally.groups()],
        }
    )


def _figures(found: Figures) -> dict[str, Any]:
    spreads = {"wait_seconds": _spread(found.wait), "talk_seconds": _spread(found.talk)}
    return {"calls": found.calls, **found.statuses, **spreads}


def _spread(found: Spread) -> dict[str, float | None]:
    return {"median": found.median, "p95": found.p95}
