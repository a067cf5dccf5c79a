"""The documents of ``GET /parcels/{parcel}/attempts``: what is asked, and what comes back."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from waybell.attempts.masking import masked
from waybell.attempts.telling import Style
from waybell.attempts.values import Attempt, Contact, Sheet, Source, Verdict, Why
from waybell.attempts.words import WORDS, Language, Words
from waybell.calls.values import Party, iso
from web_app.calls_documents import PartyDocument, Time


class Format(StrEnum):
    """What a sheet comes as."""

    JSON = "json"
    HTML = "html"
    PDF = "pdf"


class Numbers(StrEnum):
    """How much of numbers is shown: the last four digits, or all."""

    MASKED = "masked"
    FULL = "full"


class AttemptsQuery(BaseModel):
    """What may be asked."""

    model_config = ConfigDict(extra="forbid")

    format: Format = Format.JSON
    lang: Language | None = Field(None, description="Of the words; that of the spoken menu unless said")
    numbers: Numbers = Field(Numbers.MASKED, description="full is logged")
    until: Time | None = Field(
        None,
        description="What had not ended then is left out: ISO 8601, UTC without a zone; now unless said",
        examples=["2026-11-22T00:00:00.000000Z"],
    )

    @property
    def reveal(self) -> bool:
        """Whether whole numbers are asked for."""
        return self.numbers is Numbers.FULL


class AttemptDocument(BaseModel):
    """One try to reach the recipient."""

    id: str = Field(description="The call's id in the journal")
    at: datetime
    by: PartyDocument = Field(description="Whoever tried: a courier, an operator")
    number: str | None = Field(description="What was dialled")
    rang_seconds: float = Field(description="From the moment that the recipient's phone was dialled; 0 if it was not")
    talk_seconds: float
    cause: int | None = Field(description="Q.850, of the recipient's side")
    cause_text: str | None
    sip_status: int | None = Field(description="Of the recipient's side, where the network told it")
    sip_text: str | None
    why: Why
    why_text: str
    rule: str | None = Field(description="The rule that stood against a call that was not placed")
    verdict: Verdict
    verdict_text: str
    source: Source = Field(
        description="callbacks: the telephone system's log lacks this call; Waybell's own note of it"
    )


class ContactDocument(BaseModel):
    """A call that the recipient made."""

    id: str
    at: datetime
    number: str | None
    answered: bool
    by: PartyDocument | None = Field(description="Whoever answered")
    talk_seconds: float


class AttemptsDocument(BaseModel):
    """All there is about one parcel, oldest first."""

    parcel: str
    attempts: list[AttemptDocument]
    contacts: list[ContactDocument] = Field(description="Calls of the recipient's own, between the attempts")
    counts: dict[Verdict, int] = Field(description="How many attempts have each verdict")
    genuine_seconds: float = Field(description="Ringing so long without an answer was a genuine attempt")
    complete: bool = Field(description="false: there is more about this parcel than is shown")
    made_at: datetime
    checksum: str = Field(description="SHA-256 of the facts above; the same in every language and form")

    @classmethod
    def of(cls, sheet: Sheet, style: Style) -> AttemptsDocument:
        """``sheet`` as the API shows it."""
        counted = Counter(one.verdict for one in sheet.attempts)
        return cls(
            parcel=sheet.parcel,
            attempts=[_attempt(one, WORDS[style.language], style) for one in sheet.attempts],
            contacts=[_contact(one, style) for one in sheet.contacts],
            counts={verdict: counted[verdict] for verdict in Verdict},
            genuine_seconds=sheet.rules.genuine_seconds,
            complete=sheet.complete,
            made_at=_time(sheet.made_at),
            checksum=sheet.checksum,
        )


def _attempt(one: Attempt, words: Words, style: Style) -> AttemptDocument:
    return AttemptDocument(
        id=one.id,
        at=_time(one.at),
        by=_party(one.by, style),
        number=_shown(one.number, style),
        rang_seconds=one.rang_seconds,
        talk_seconds=one.talk_seconds,
        cause=one.cause,
        cause_text=words.cause(one) or None,
        sip_status=one.sip_status,
        sip_text=words.sip(one) or None,
        why=one.why,
        why_text=words.why[one.why],
        rule=one.rule or None,
        verdict=one.verdict,
        verdict_text=words.verdicts[one.verdict],
        source=one.source,
    )


def _contact(one: Contact, style: Style) -> ContactDocument:
    return ContactDocument(
        id=one.id,
        at=_time(one.at),
        number=_shown(one.number, style),
        answered=one.answered,
        by=_party(one.by, style) if one.by else None,
        talk_seconds=one.talk_seconds,
    )


def _party(party: Party, style: Style) -> PartyDocument:
    return PartyDocument(number=_shown(party.number, style), name=party.name, kind=party.kind, id=party.id)


def _shown(number: str | None, style: Style) -> str | None:
    return number if style.reveal else masked(number)


def _time(at: int) -> datetime:
    return datetime.fromisoformat(iso(at) or "")
