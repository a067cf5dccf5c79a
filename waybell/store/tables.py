"""The store's tables. ``sql/migrations`` makes the same; a test compares the two.

Times are UTC without a zone, to the microsecond. Text is UTF-8 of any alphabet (``utf8mb4`` on MariaDB).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Double, Index, MetaData, SmallInteger, String, Table, Text
from sqlalchemy.dialects import mysql

metadata = MetaData()

MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}
"""What every table has on MariaDB."""


def moment() -> DateTime:
    """The type of a column that holds a time: UTC without a zone, to the microsecond."""
    return DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def _json() -> Text:
    return Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


calls = Table(
    "calls",
    metadata,
    Column("id", String(150), primary_key=True),
    Column("pbx", String(20), nullable=False),
    Column("direction", String(10), nullable=False),
    Column("status", String(12), nullable=False),
    Column("started_at", moment(), nullable=False),
    Column("answered_at", moment()),
    Column("ended_at", moment()),
    Column("caller_number", String(40)),
    Column("caller_name", String(200)),
    Column("caller_kind", String(20)),
    Column("caller_id", String(100)),
    Column("dialed", String(80)),
    Column("answered_number", String(40)),
    Column("answered_name", String(200)),
    Column("answered_kind", String(20)),
    Column("answered_id", String(100)),
    Column("parcel", String(100)),
    Column("courier", String(100)),
    Column("client", String(100)),
    Column("manager", String(200)),
    Column("wait_seconds", Double(), nullable=False),
    Column("ring_seconds", Double(), nullable=False),
    Column("talk_seconds", Double(), nullable=False),
    Column("legs", _json(), nullable=False),
    Column("route", _json(), nullable=False),
    Column("names", String(500)),
    Column("rating", SmallInteger(), info={"kept": True}),
    Column("facets", SmallInteger()),
    Column("recordings", Text()),
    Column("feedback", Text(), info={"kept": True}),
    Index("calls_started_at", "started_at", "id"),
    Index("calls_facets", "facets", "started_at", "id"),
    **MYSQL,
)
"""The journal: one row a conversation. ``legs`` and ``route`` are JSON as the API shows them.

``names``: the words of both names as they are searched for. ``rating``: 1 to 5, what the caller gave; written by nobody
but the feedback, so that a call written anew keeps it (``kept``). ``facets``: the status, direction, kind and rating as
one number (:mod:`waybell.calls.search_terms`), NULL until the search index knows the call as it is: whoever changes a
call sets it to NULL. ``recordings`` and ``feedback`` are JSON, NULL where there is none; see :mod:`waybell.calls.rows`.
"""

call_terms = Table(
    "call_terms",
    metadata,
    Column("term", String(110), primary_key=True),
    Column("facets", SmallInteger(), primary_key=True, autoincrement=False),
    Column("at", BigInteger(), primary_key=True, autoincrement=False),
    Column("call_id", String(150), primary_key=True),
    sqlite_with_rowid=False,
    **MYSQL,
)
"""The search index: which calls a number, a word of a name, a courier, … occurs in. ``at``: when the call began, in
microseconds. A row may be out of date, then the call does not say so any more; none is missing for a call with facets.
"""

search_runs = Table(
    "search_runs",
    metadata,
    Column("term", String(110), primary_key=True),
    Column("facets", SmallInteger(), primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    **MYSQL,
)
"""Which facets a term's calls have, so that the newest of each can be taken; the empty term stands for all calls."""

search_parts = Table(
    "search_parts",
    metadata,
    Column("part", String(20), primary_key=True),
    Column("term", String(110), primary_key=True),
    sqlite_with_rowid=False,
    **MYSQL,
)
"""Every ending of a number or word, cut to its first letters: what begins with a part is found by range."""

cel_position = Table(
    "cel_position",
    metadata,
    Column("pbx", String(20), primary_key=True),
    Column("log_key", String(64), nullable=False),
    Column("log_first_at", BigInteger(), nullable=False),
    Column("byte_offset", BigInteger(), nullable=False),
    **MYSQL,
)
"""How far each PBX's event log is in the journal: everything before this byte is there."""
