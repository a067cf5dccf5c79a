"""The tables of calls that Waybell places. ``sql/migrations`` makes the same; a test compares the two.

Times are UTC without a zone, to the microsecond.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, UniqueConstraint

from waybell.store.tables import MYSQL, metadata, moment

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("pbx", String(20), nullable=False),
    Column("owner", String(80), nullable=False),
    Column("request_key", String(200), nullable=False),
    Column("request_hash", String(64), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("courier", String(100), nullable=False),
    Column("parcel", String(100), nullable=False),
    Column("client", String(100), nullable=False),
    Column("first_number", String(40), nullable=False),
    Column("first_kind", String(20), nullable=False),
    Column("first_id", String(100), nullable=False),
    Column("first_name", String(200), nullable=False),
    Column("second_number", String(40), nullable=False),
    Column("second_kind", String(20), nullable=False),
    Column("second_id", String(100), nullable=False),
    Column("second_name", String(200), nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("side", String(10), nullable=False),
    Column("cause", Integer(), nullable=False),
    Column("sip_cause", Integer(), nullable=False),
    Column("first_line", String(40), nullable=False),
    Column("second_line", String(40), nullable=False),
    Column("tries", Integer(), nullable=False, server_default="1"),
    Column("cancel_asked", Boolean(), nullable=False),
    Column("longest_seconds", Integer(), nullable=False),
    Column("used_seconds", Integer(), nullable=False),
    Column("version", Integer(), nullable=False),
    Column("created_at", moment(), nullable=False),
    Column("changed_at", moment(), nullable=False),
    Column("first_answered_at", moment()),
    Column("second_rung_at", moment()),
    Column("second_answered_at", moment()),
    Column("ended_at", moment()),
    UniqueConstraint("owner", "request_key", name="callbacks_request"),
    Index("callbacks_courier", "courier", "created_at"),
    Index("callbacks_second_number", "second_number", "created_at"),
    Index("callbacks_created_at", "created_at"),
    Index("callbacks_ended_at", "ended_at"),
    Index("callbacks_parcel", "parcel", "created_at"),
    **MYSQL,
)
"""One row a call. ``request_key`` is the idempotency key, within the asker's name space (``owner``)."""

callback_gate = Table(
    "callback_gate",
    metadata,
    Column("id", Integer(), primary_key=True, autoincrement=False),
    Column("turn", BigInteger(), nullable=False),
    **MYSQL,
)
"""One row. Whoever changes it has the gate until the end of their transaction: limits are counted and calls are placed
by one at a time, whichever instance of Waybell it is.
"""
