"""From a database's rows to identities, in one order for every database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from operator import itemgetter
from typing import Any

import structlog

from waybell.people.queries import IDENTIFY_COLUMNS, Query, QueryError
from waybell.people.values import Identity, PersonKind

Row = Sequence[Any]
Description = Sequence[Sequence[Any]]

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
        kind, ident, *rest = [value if value is None else _text(value) for value in values]
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
    """``value`` as the CRM's users would write it; nothing for an empty one."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace").strip() or None
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value)
