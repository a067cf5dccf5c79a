"""Which calls somebody wants to see, as SQL. Newest first; a cursor goes on where a page ended."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from waybell.calls.values import Call, micros, utc
from waybell.store.tables import calls

_EQUALS = ("status", "direction", "parcel", "courier", "client")


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Empty means "any". ``since`` and ``until`` are microseconds (UTC), ``until`` excluded.

    ``number`` is E.164 digits or an extension: the caller's, the one who answered, or the one dialled. ``kind`` is the
    caller's. ``manager`` is one extension of those rung.
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


class BadCursorError(ValueError):
    """The cursor is none of ours; ask again without one."""


def page(chosen: CallFilter, limit: int, cursor: str = "") -> Select[Any]:
    """At most ``limit`` rows behind ``cursor``. Raises :class:`BadCursorError`."""
    query = select(calls).where(*_conditions(chosen))
    if cursor:
        at, last = _read_cursor(cursor)
        query = query.where(or_(calls.c.started_at < utc(at), and_(calls.c.started_at == utc(at), calls.c.id < last)))
    return query.order_by(calls.c.started_at.desc(), calls.c.id.desc()).limit(limit)


def cursor_behind(call: Call) -> str:
    """The cursor with which the next page begins behind ``call``."""
    return base64.urlsafe_b64encode(f"{call.started_at}:{call.id}".encode()).decode().rstrip("=")


def by_id(text: str, limit: int) -> Select[Any]:
    """The call with this id, or those whose id holds ``text``."""
    exact = calls.c.id == text
    return (
        select(calls)
        .where(or_(exact, calls.c.id.contains(text, autoescape=True)))
        .order_by(exact.desc(), calls.c.started_at.desc())
        .limit(limit)
    )


def _conditions(chosen: CallFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        calls.c[name] == getattr(chosen, name) for name in _EQUALS if getattr(chosen, name)
    ]
    if chosen.since is not None:
        found.append(calls.c.started_at >= utc(chosen.since))
    if chosen.until is not None:
        found.append(calls.c.started_at < utc(chosen.until))
    if chosen.kind:
        found.append(calls.c.caller_kind == chosen.kind)
    if chosen.number:
        number = chosen.number.removeprefix("+")
        columns = (calls.c.caller_number, calls.c.answered_number, calls.c.dialed)
        found.append(or_(*(column == number for column in columns)))
    if chosen.manager:
        found.append(_lists(calls.c.manager, chosen.manager))
    return found


def _lists(column: ColumnElement[Any], one: str) -> ColumnElement[bool]:
    """``column`` is a comma-separated list that has ``one`` in it."""
    return or_(
        column == one,
        column.startswith(f"{one},", autoescape=True),
        column.endswith(f",{one}", autoescape=True),
        column.contains(f",{one},", autoescape=True),
    )


def _read_cursor(cursor: str) -> tuple[int, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, last = text.split(":", 1)
        utc(int(at))
        return int(at), last
    except (binascii.Error, ValueError, OverflowError) as error:
        raise BadCursorError("the cursor is not one that the journal gave; ask without it") from error


def parse_time(text: str) -> int:
    """A time as people write it, ISO 8601 (``2026-11-21`` or with a time and a zone; UTC without one).

    Raises :class:`ValueError` that says what is allowed.
    """
    try:
        at = micros(text)
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no time; allowed is ISO 8601 such as 2026-11-21 or 2026-11-21T14:30+03:00"
        ) from error
    assert at is not None
    return at
