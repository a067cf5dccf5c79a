"""The documents of ``GET /missed``: what is asked, and what comes back."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from waybell.calls.queries import CallFilter
from waybell.calls.values import Direction, Party, iso
from waybell.missed.values import Missed, MissedFilter, Reach, State
from waybell.people.values import PersonKind
from web_app.calls_documents import PartyDocument, Text, Time
from web_app.questions import moment


class MissedQuery(BaseModel):
    """What may be asked; a name that is not here is an error, not all missed calls."""

    model_config = ConfigDict(extra="forbid")

    state: State = Field(State.OPEN, description="Who still waits, who was reached, or both")
    from_: Time | None = Field(
        None,
        alias="from",
        description="Calls before are not looked at: ISO 8601; a week ago unless said or set",
    )
    until: Time | None = Field(None, description="Calls from then on are not looked at as missed ones")
    number: str | None = Field(
        None,
        max_length=60,
        pattern=r"^=?[ ]*\+?[ ().-]*[0-9][0-9 ().-]*$",
        description="As for the journal's calls: of the last call",
        examples=["4567", "79161234567"],
    )
    kind: PersonKind | None = Field(None, description="What the caller is")
    courier: Text | None = None
    client: Text | None = None
    parcel: Text | None = None
    limit: int = Field(50, ge=1, le=200, description="Entries on a page")
    cursor: str | None = Field(
        None, min_length=1, max_length=400, description="That of the page before, for the next one of the same question"
    )

    def chosen(self) -> MissedFilter:
        """What is looked for. Raises :class:`~waybell.calls.queries.BadFilterError`."""
        described = CallFilter(
            since=moment("from", self.from_),
            until=moment("until", self.until),
            number=self.number or "",
            kind=self.kind or "",
            courier=self.courier or "",
            client=self.client or "",
            parcel=self.parcel or "",
        )
        return MissedFilter(described.checked(), self.state)


class EntryState(StrEnum):
    """Whether somebody still waits."""

    OPEN = "open"
    CLOSED = "closed"


class RungDocument(BaseModel):
    """A phone that rang and was not answered."""

    number: str = Field(description="E.164 digits or an extension")
    times: int


class ReachDocument(BaseModel):
    """How one side reached the other."""

    at: datetime
    call: str = Field(description="The call's id")
    direction: Direction
    by: PartyDocument = Field(description="Whoever answered here, or called from here")


class MissedDocument(BaseModel):
    """A person who called about one parcel and was answered by nobody."""

    id: str = Field(description="The first call's id")
    state: EntryState
    caller: PartyDocument
    numbers: list[str] = Field(description="All numbers that were called from")
    parcel: str | None
    courier: str | None
    client: str | None
    manager: str | None
    calls: list[str] = Field(description="The ids of all calls, in order")
    count: int = Field(description="How many calls")
    first_at: datetime
    last_at: datetime
    rung: list[RungDocument] = Field(description="Which phones rang for them")
    closed: ReachDocument | None

    @classmethod
    def of(cls, entry: Missed) -> MissedDocument:
        """``entry`` as the API shows it."""
        return cls(
            id=entry.id,
            state=EntryState.CLOSED if entry.closed else EntryState.OPEN,
            caller=_party(entry.caller),
            numbers=list(entry.numbers),
            parcel=entry.parcel,
            courier=entry.courier,
            client=entry.client,
            manager=entry.manager,
            calls=list(entry.calls),
            count=len(entry.calls),
            first_at=_time(entry.first_at),
            last_at=_time(entry.last_at),
            rung=[RungDocument(number=rung.number, times=rung.times) for rung in entry.rung],
            closed=_reach(entry.closed) if entry.closed else None,
        )


class MissedPageDocument(BaseModel):
    """Some of them."""

    missed: list[MissedDocument]
    cursor: str | None = Field(description="Asks for the next page; null at the end")


def _reach(reach: Reach) -> ReachDocument:
    return ReachDocument(at=_time(reach.at), call=reach.call, direction=reach.direction, by=_party(reach.by))


def _party(party: Party) -> PartyDocument:
    return PartyDocument(number=party.number, name=party.name, kind=party.kind, id=party.id)


def _time(at: int) -> datetime:
    return datetime.fromisoformat(iso(at) or "")
