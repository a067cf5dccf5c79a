"""The documents of the journal's API: what is asked, and what comes back."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from waybell.calls.queries import NEWEST_FIRST, OLDEST_FIRST, CallFilter
from waybell.calls.values import Direction, Status
from waybell.people.values import PersonKind
from web_app.questions import moment

Text = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
_DATE = r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
Time = Annotated[str, Field(max_length=40, pattern=rf"^{_DATE}([T ]{_CLOCK}(Z|[+ -][01][0-9]:[0-5][0-9])?)?$")]


class Format(StrEnum):
    """What calls come as."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


class Order(StrEnum):
    """By when they began: the newest first, or the oldest."""

    NEWEST = NEWEST_FIRST
    OLDEST = OLDEST_FIRST


class CallsQuery(BaseModel):
    """What may be asked; a name that is not here is an error, not all calls."""

    model_config = ConfigDict(extra="forbid")

    from_: Time | None = Field(
        None, alias="from", description="Calls that began then or later: ISO 8601, UTC without a zone"
    )
    until: Time | None = Field(None, description="Calls that began before", examples=["2026-11-22T00:00+03:00"])
    number: str | None = Field(
        None,
        max_length=60,
        pattern=r"^=?[ ]*\+?[ ().-]*[0-9][0-9 ().-]*$",
        description="Digits anywhere in the caller's number, the one who answered's or the one dialled; with = in "
        "front or of fewer than three digits, that number exactly",
        examples=["4567", "79161234567", "=200"],
    )
    direction: Direction | None = None
    status: Status | None = None
    kind: PersonKind | None = Field(None, description="What the caller is")
    courier: Text | None = None
    client: Text | None = None
    parcel: Text | None = None
    manager: Text | None = Field(None, description="An extension of those that were to be rung")
    rating: int | None = Field(None, ge=1, le=5, description="What the caller gave")
    search: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Words that are each somewhere in the caller's or the answerer's name, whatever their case",
        examples=["анна петр"],
    )
    order: Order = Order.NEWEST
    limit: int | None = Field(None, ge=1, le=1000, description="Calls on a page, 50 unless said; a spreadsheet has all")
    cursor: str | None = Field(
        None, min_length=1, max_length=400, description="That of the page before, for the next one of the same question"
    )
    format: Format = Format.JSON

    def chosen(self) -> CallFilter:
        """What is looked for. Raises :class:`~waybell.calls.queries.BadFilterError`."""
        return CallFilter(
            since=moment("from", self.from_),
            until=moment("until", self.until),
            number=self.number or "",
            status=self.status or "",
            direction=self.direction or "",
            kind=self.kind or "",
            courier=self.courier or "",
            parcel=self.parcel or "",
            client=self.client or "",
            manager=self.manager or "",
            rating=self.rating,
            search=self.search or "",
        ).checked()


class PartyDocument(BaseModel):
    """Somebody on a call."""

    number: str | None = Field(description="E.164 digits or an extension; null where it was withheld")
    name: str | None
    kind: str | None
    id: str | None


class LegDocument(BaseModel):
    """One phone that was rung."""

    number: str | None
    channel: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    hangup_cause: int | None = Field(description="Q.850")
    hung_up: bool = Field(description="Whether this phone ended the call")


class StepDocument(BaseModel):
    """One decision on a call's way."""

    at: datetime
    step: str
    verb: str
    why: str
    result: str | None
    source: str = Field(description="crm, cache or fallback")


class RecordingDocument(BaseModel):
    """What was recorded of a call."""

    id: str = Field(examples=["20261122-c0f6927670789d733af7"])
    started_at: datetime
    seconds: float | None = Field(description="How long it plays; null where nobody looked")
    available: bool | None = Field(
        description="Whether it is there; null where nobody looked (a page of calls), or it cannot be said just now"
    )


class RatingDocument(BaseModel):
    """What a caller said of a call."""

    rating: int = Field(ge=1, le=5)
    comment: str | None = Field(description="The id of the recording in which they said more")
    at: datetime


class CallDocument(BaseModel):
    """One conversation, however many legs and steps it had."""

    id: str
    direction: Direction
    status: Status
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    caller: PartyDocument
    dialed: str | None
    answered_by: PartyDocument | None
    parcel: str | None
    courier: str | None
    client: str | None
    manager: str | None
    wait_seconds: float
    ring_seconds: float
    talk_seconds: float
    legs: list[LegDocument]
    route: list[StepDocument]
    recordings: list[RecordingDocument]
    feedback: RatingDocument | None = Field(description="What the caller gave afterwards; null where nothing")


class CountDocument(BaseModel):
    """How many calls there are."""

    calls: int
    exact: bool = Field(description="false: there are more; counting all would take too long")


class CallsDocument(BaseModel):
    """A page of calls."""

    calls: list[CallDocument]
    cursor: str | None = Field(description="Asks for the next page; null on the last one")
    count: CountDocument | None = Field(description="How many there are in all; told with the first page")
