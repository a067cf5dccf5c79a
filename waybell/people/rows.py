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
        texts = [value.strip() or None if type(value) is str else _text(value) for value in values]
        if len("".join(filter(None, texts))) > LONGEST_TEXT:
            texts = [text and cut(text) for cut, text in zip(_CUT, texts, strict=True)]
        kind, ident, *rest = texts
        if kind in _KINDS and ident is not None:
            return Identity(_KINDS[kind], ident, *rest)
        structlog.get_logger("people").warning(
            "a row was passed over: kind must be one of " + ", ".join(_KINDS) + ", and id must be set",
            file=self._query.label,
            kind=kind,
            id=ident,
        )
        return None


def read_texts(query: Query, rows: Iterable[Row], description: Description) -> list[tuple[str, ...]]:
    """The columns of ``query`` in ``rows`` as text, empty for ``NULL``; :class:`QueryError` when one is missing.

    A name that is too long is cut; of anything else the beginning would be another's, so it is left out.
    """
    columns = tuple(str(column[0]) for column in description)
    if problems := query.missing(columns):
        raise QueryError(*problems)
    places = {column.lower(): place for place, column in enumerate(columns)}
    cuts = [(places[name], _cut_of(name)) for name in query.columns]
    return [tuple(cut(_text(row[place]) or "") or "" for place, cut in cuts) for row in rows]


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
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace").strip() or None
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value).strip() or None


def _cut(text: str) -> str | None:
    return text[:LONGEST_TEXT]


def _cut_phone(text: str) -> str | None:
    """Whole or not at all: the beginning of a number is somebody else's."""
    return text if len(text) <= LONGEST_TEXT else None


def _cut_list(text: str) -> str | None:
    """Up to the last entry that is whole."""
    if len(text) <= LONGEST_TEXT:
        return text
    ends = [match.start() for match in _LIST_SEPARATOR.finditer(text, 0, LONGEST_TEXT + 1)]
    return text[: ends[-1]] if ends else None


def _cut_of(column: str) -> Callable[[str], str | None]:
    """How a column of a card is made short enough."""
    if column.endswith("name"):
        return _cut
    return _cut_list if column == "manager_extension" else _cut_phone


_CUT: tuple[Callable[[str], str | None], ...] = tuple(
    {"courier_phone": _cut_phone, "manager_extension": _cut_list}.get(name, _cut) for name in IDENTIFY_COLUMNS
)
