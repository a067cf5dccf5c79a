"""The store's tables. ``sql/migrations`` makes the same; a test compares the two.

Times are UTC without a zone, to the microsecond. Text is UTF-8 of any alphabet (``utf8mb4`` on MariaDB).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Double, Index, MetaData, String, Table, Text
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
    Index("calls_started_at", "started_at", "id"),
    Index("calls_caller_number", "caller_number", "started_at"),
    Index("calls_answered_number", "answered_number", "started_at"),
    Index("calls_parcel", "parcel", "started_at"),
    Index("calls_courier", "courier", "started_at"),
    Index("calls_client", "client", "started_at"),
    **MYSQL,
)
"""The journal: one row a conversation. ``legs`` and ``route`` are JSON as the API shows them."""

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
