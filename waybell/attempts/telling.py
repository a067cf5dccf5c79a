"""A sheet in words, ready for a page or a PDF: every text is plain and printable. Pure."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from zoneinfo import ZoneInfo

from waybell.attempts.masking import masked
from waybell.attempts.values import Attempt, Contact, Sheet, Verdict
from waybell.attempts.words import WORDS, Language, Words
from waybell.calls.values import Party, iso, utc

_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Style:
    """How it is told. ``zone``: whose clock; ``reveal``: whole numbers; ``version``: Waybell's."""

    language: Language = "en"
    zone: ZoneInfo = ZoneInfo("UTC")  # noqa: RUF009 -- a value
    reveal: bool = False
    version: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. ``ours``: an attempt; else the recipient called. ``verdict`` is empty for those."""

    at: str
    by: str
    number: str
    rang: str
    ended: str
    verdict: str
    id: str
    ours: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """All texts of a page, in order. ``headings`` are those of a :class:`Row`'s columns."""

    language: Language
    title: str
    summary: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    page: str


def tell(sheet: Sheet, style: Style) -> Told:
    """``sheet`` in words."""
    words, shown = WORDS[style.language], (lambda number: number) if style.reveal else masked
    labels = words.labels
    lines = [(one.at, one.id, _attempt(one, words, style, shown)) for one in sheet.attempts]
    lines += [(one.at, one.id, _contact(one, words, style, shown)) for one in sheet.contacts]
    zone = style.zone.key
    headings = tuple(
        labels[name].format(zone=zone) for name in ("at", "by", "number", "rang", "ended", "verdict", "id")
    )
    made = _time(sheet.made_at, style)
    notes = [labels["rule"].format(seconds=f"{sheet.rules.genuine_seconds:g}")]
    notes += [] if sheet.complete else [labels["incomplete"]]
    notes.append(labels["revealed" if style.reveal else "made"].format(made=made, version=style.version))
    notes.append(labels["check"].format(checksum=sheet.checksum, until=iso(sheet.made_at)))
    return Told(
        language=style.language,
        title=labels["title"].format(parcel=plain(sheet.parcel)),
        summary=_summary(sheet, words),
        headings=headings,
        rows=tuple(row for *_, row in sorted(lines, key=lambda line: line[:2])),
        notes=tuple(notes),
        page=labels["page"],
    )


def plain(text: str | None) -> str:
    """``text`` from outside in one line: without what steers a terminal, a printer or the direction of writing."""
    kept = (letter if letter.isprintable() or letter == " " else " " for letter in text or "")
    folded = " ".join("".join(letter for letter in kept if unicodedata.category(letter) != "Cf").split())
    return folded if len(folded) <= _LONGEST else folded[: _LONGEST - 1] + "…"


def _attempt(one: Attempt, words: Words, style: Style, shown: Callable[[str | None], str | None]) -> Row:
    return Row(
        at=_time(one.at, style),
        by=_who(one.by, words, shown),
        number=plain(shown(one.number)),
        rang=f"{one.rang_seconds:.1f}",
        ended=plain(words.ended(one)),
        verdict=words.verdicts[one.verdict],
        id=plain(one.id),
    )


def _contact(one: Contact, words: Words, style: Style, shown: Callable[[str | None], str | None]) -> Row:
    labels, how = words.labels, words.labels["unanswered"]
    if one.answered:
        who = _who(one.by or Party(), words, shown)
        how = labels["answered"].format(who=who, seconds=f"{one.talk_seconds:.0f}")
    ended = labels["contact"].format(how=how)
    return Row(_time(one.at, style), "", plain(shown(one.number)), "", ended, "", plain(one.id), ours=False)


def _who(party: Party, words: Words, shown: Callable[[str | None], str | None]) -> str:
    name = plain(party.name) or plain(shown(party.number)) or words.labels["somebody"]
    return f"{name} ({plain(party.id)})" if party.name and party.id else name


def _summary(sheet: Sheet, words: Words) -> str:
    if not sheet.attempts:
        return words.labels["none"]
    counted = Counter(one.verdict for one in sheet.attempts)
    verdicts = ", ".join(f"{words.verdicts[verdict]} {counted[verdict]}" for verdict in Verdict if counted[verdict])
    return words.labels["summary"].format(attempts=len(sheet.attempts), verdicts=verdicts)


def _time(at: int, style: Style) -> str:
    return utc(at).replace(tzinfo=UTC).astimezone(style.zone).strftime("%Y-%m-%d %H:%M:%S")
