"""From a database's rows to identities, in one order for every database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from operator import itemgetter
from typing import Any

import structlog

from waybell.people.queries import IDENTIFY_COLUMNS, Query, QueryError
from waybell.people.values import Identity, PersonKind

Row = Sequence[Any]
Description = Sequence[Sequence[Any]]

# Longer than any name, code or telephone number; an answer is kept in memory and sent to the dialplan.
LONGEST_TEXT = 200
_LIST_SEPARATOR = re.compile(r"[,;&\n]")
_KINDS = {kind.value: kind for kind in PersonKind}
_RANK = {kind: rank for rank, kind in enumerate(PersonKind)}


class RowReader:
    """Reads the rows of ``identify.sql``. One for each connection: it remembers where the columns are."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._description: Description | None = None
        self._pick = itemgetter(*range(len(IDENTIFY_COLUMNS)))

    def people(self, rows: Iterable[Row], description: Description) -> tuple[Identity, ...]:
        """Everybody in ``rows``; :class:`QueryError` when ``description`` lacks a column."""
        if description is not self._description:
            self._learn(description)
        found = [person for row in rows if (person := self._person(self._pick(row))) is not None]
        return arrange(found) if len(found) > 1 else tuple(found)

    def _learn(self, description: Description) -> None:
        columns = tuple(str(column[0]) for column in description)
        if problems := self._query.missing(columns):
            raise QueryError(*problems)
        places = {column.lower(): place for place, column in enumerate(columns)}
        self._pick = itemgetter(*(places[name] for name in IDENTIFY_COLUMNS))
        self._description = description

    def _person(self, values: Row) -> Identity | None:
        kind, ident, *rest = [None if value is None else read(value) for read, value in zip(_READ, values, strict=True)]
        if kind in _KINDS and ident is not None:
            return Identity(_KINDS[kind], ident, *rest)
        structlog.get_logger("people").warning(
            "a row was passed over: kind must be one of " + ", ".join(_KINDS) + ", and id must be set",
            file=self._query.label,
            kind=kind,
            id=ident,
        )
        return None


def arrange(people: Iterable[Identity]) -> tuple[Identity, ...]:
    """``people`` without repeats, in one stable order.

    Recipients, couriers, clients, employees; among recipients the parcels in a courier's hands first; a client's
    contact persons before the client; then by id, parcel and courier, numbers by their value.
    """
    return tuple(sorted(dict.fromkeys(people), key=_order))


def _order(person: Identity) -> tuple[Any, ...]:
    later = person.courier is None if person.kind is PersonKind.RECIPIENT else person.id == person.client
    codes = (person.id, person.parcel or "", person.courier or "")
    return _RANK[person.kind], later, *((len(code), code) for code in codes), person.client or ""


def _text(value: Any) -> str | None:
    """``value`` as the CRM's users would write it, cut at :data:`LONGEST_TEXT`; nothing for an empty one."""
    text = value.strip() if isinstance(value, str) else _written(value)
    return text[:LONGEST_TEXT] or None


def _phone(value: Any) -> str | None:
    """As :func:`_text`, but nothing for one that is too long: the beginning of a number is somebody else's."""
    text = _written(value)
    return text if 0 < len(text) <= LONGEST_TEXT else None


def _phones(value: Any) -> str | None:
    """As :func:`_text`, but a list that is too long ends with its last whole entry."""
    text = _written(value)
    if len(text) > LONGEST_TEXT:
        ends = [match.start() for match in _LIST_SEPARATOR.finditer(text, 0, LONGEST_TEXT + 1)]
        text = text[: ends[-1]] if ends else ""
    return text or None


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace").strip()
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value)


_READ: tuple[Callable[[Any], str | None], ...] = tuple(
    {"courier_phone": _phone, "manager_extension": _phones}.get(name, _text) for name in IDENTIFY_COLUMNS
)
