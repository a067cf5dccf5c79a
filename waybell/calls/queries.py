"""Which calls somebody wants to see, and where a page of them ends."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import astuple, dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from waybell.calls.search_terms import RATINGS, SHORTEST_PART, words
from waybell.calls.values import Call, Direction, Status, micros, utc
from waybell.people.values import PersonKind
from waybell.store.tables import calls

NEWEST_FIRST, OLDEST_FIRST = "-started_at", "started_at"
ORDERS: Final = (NEWEST_FIRST, OLDEST_FIRST)
NUMBERS: Final = ("caller_number", "answered_number", "dialed")
"""The columns that a number is looked for in."""

_EQUALS = ("status", "direction", "parcel", "courier", "client")
_ALLOWED: dict[str, tuple[str, ...]] = {
    "status": tuple(status.value for status in Status),
    "direction": tuple(direction.value for direction in Direction),
    "kind": tuple(kind.value for kind in PersonKind),
}
_MOST_WORDS = 8
_MOST_TEXT = 200
_BETWEEN_DIGITS = str.maketrans("", "", " \t\u00a0-\u2010\u2011().")


class BadFilterError(ValueError):
    """Nothing can be looked for like this. ``name`` is the filter's; the text says what is allowed."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name
        self.problem = problem


class BadCursorError(BadFilterError):
    """The cursor is none of ours, or of another question; ask again without one."""

    def __init__(self) -> None:
        super().__init__("cursor", "the cursor is not one that the journal gave for this question; ask without it")


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Empty means "any". ``since`` and ``until`` are microseconds (UTC), ``until`` excluded.

    ``number``: digits anywhere in the caller's number, the one who answered's, or the one dialled; of fewer than three
    digits, or with ``=`` in front, that number exactly. ``kind`` is the caller's. ``manager`` is one extension of those
    rung. ``rating`` is 1 to 5. ``search``: words, each of which is somewhere in the caller's or the answerer's name,
    whatever their case.
    """

    since: int | None = None
    until: int | None = None
    number: str = ""
    status: str = ""
    direction: str = ""
    kind: str = ""
    courier: str = ""
    parcel: str = ""
    client: str = ""
    manager: str = ""
    rating: int | None = None
    search: str = ""

    def checked(self) -> CallFilter:
        """Itself. Raises :class:`BadFilterError` for what no call can have."""
        for name, allowed in _ALLOWED.items():
            value = getattr(self, name)
            if value and value not in allowed:
                raise BadFilterError(name, f"{value!r} is not known; allowed: {', '.join(allowed)}")
        if self.rating is not None and self.rating not in RATINGS:
            raise BadFilterError("rating", f"{self.rating} is not allowed; 1 to 5 are")
        for name in ("number", "courier", "parcel", "client", "manager", "search"):
            if len(getattr(self, name)) > _MOST_TEXT:
                raise BadFilterError(name, f"longer than {_MOST_TEXT} characters")
        if self.search and not 0 < len(words(self.search)) <= _MOST_WORDS:
            raise BadFilterError("search", f"one to {_MOST_WORDS} words are allowed, with letters or digits")
        self.digits()
        return self

    def digits(self) -> tuple[str, bool]:
        """The digits of ``number``, and whether they are the whole number. Raises :class:`BadFilterError`."""
        exact = self.number.startswith("=")
        digits = self.number.removeprefix("=").translate(_BETWEEN_DIGITS).removeprefix("+")
        if self.number and not (digits.isascii() and digits.isdigit()):
            raise BadFilterError("number", "digits are allowed, such as 79161234567, 4567 or =200")
        return digits, exact or len(digits) < SHORTEST_PART

    def words(self) -> list[str]:
        """What is searched for, as it is compared."""
        return words(self.search)


def row_conditions(chosen: CallFilter) -> list[ColumnElement[bool]]:
    """All that ``chosen`` asks of a row but its time."""
    found: list[ColumnElement[bool]] = [
        calls.c[name] == getattr(chosen, name) for name in _EQUALS if getattr(chosen, name)
    ]
    if chosen.kind:
        found.append(calls.c.caller_kind == chosen.kind)
    if chosen.rating is not None:
        found.append(calls.c.rating == chosen.rating)
    if chosen.manager:
        found.append(_lists(calls.c.manager, chosen.manager))
    digits, exact = chosen.digits()
    if digits:
        columns = [calls.c[name] for name in NUMBERS]
        found.append(or_(*(column == digits if exact else func.instr(column, digits) > 0 for column in columns)))
    found.extend(func.instr(calls.c.names, word) > 0 for word in chosen.words())
    return found


def by_time(
    columns: tuple[ColumnElement[Any], ...],
    chosen: CallFilter,
    order: str,
    after: tuple[int, str] | None,
    limit: int,
) -> Select[Any]:
    """At most ``limit`` calls of ``chosen``'s time in ``order``, behind the call that began and is named ``after``."""
    began, id_ = calls.c.started_at, calls.c.id
    newest = order == NEWEST_FIRST
    query = select(*columns).order_by(*((began.desc(), id_.desc()) if newest else (began, id_))).limit(limit)
    if chosen.since is not None:
        query = query.where(began >= utc(chosen.since))
    if chosen.until is not None:
        query = query.where(began < utc(chosen.until))
    if after is not None:
        at, last = utc(after[0]), after[1]
        behind = (began < at, began <= at, id_ < last) if newest else (began > at, began >= at, id_ > last)
        query = query.where(and_(behind[1], or_(behind[0], behind[2])))
    return query


def cursor_behind(call: Call, chosen: CallFilter, order: str = NEWEST_FIRST) -> str:
    """The cursor with which the next page of ``chosen`` begins behind ``call``."""
    text = f"{_question(chosen, order, call.started_at, call.id)}:{call.started_at}:{call.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, chosen: CallFilter, order: str = NEWEST_FIRST) -> tuple[int, str]:
    """When the last call of a page began, and its id. Raises :class:`BadCursorError`."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        question, at, last = text.split(":", 2)
        utc(int(at))
    except (binascii.Error, ValueError, OverflowError):
        raise BadCursorError from None
    if question != _question(chosen, order, int(at), last):
        raise BadCursorError
    return int(at), last


def by_id(text: str, limit: int, *, whole: bool = False) -> Select[Any]:
    """The calls whose id is ``text``, or holds it; the newest first."""
    condition = calls.c.id == text if whole else calls.c.id.contains(text, autoescape=True)
    return select(calls).where(condition).order_by(calls.c.started_at.desc()).limit(limit)


def parse_time(text: str) -> int:
    """A time as people write it, ISO 8601 (``2026-11-21`` or with a time and a zone; UTC without one).

    Raises :class:`ValueError` that says what is allowed.
    """
    try:
        at = micros(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{text!r} is no time; allowed is ISO 8601 such as 2026-11-21 or 2026-11-21T14:30+03:00"
        ) from error
    assert at is not None
    return at


def _question(chosen: CallFilter, order: str, at: int, last: str) -> str:
    """Eight letters that tell one question and place from another: a cursor is of no use for any but its own."""
    asked = repr([str(part) for part in (order, *astuple(chosen), at, last)])
    return hashlib.blake2s(asked.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _lists(column: ColumnElement[Any], one: str) -> ColumnElement[bool]:
    """``column`` is a comma-separated list that has ``one`` in it."""
    return or_(
        column == one,
        column.startswith(f"{one},", autoescape=True),
        column.endswith(f",{one}", autoescape=True),
        column.contains(f",{one},", autoescape=True),
    )
