"""The tables of what callers said of calls, and of who listened to recordings. ``sql/migrations`` makes the same.

Times are UTC without a zone, to the microsecond.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Table

from waybell.store.tables import MYSQL, metadata, moment

feedback = Table(
    "feedback",
    metadata,
    Column("call_id", String(150), primary_key=True),
    Column("asked_at", moment(), nullable=False),
    Column("rated_at", moment()),
    Column("rating", SmallInteger()),
    Column("comment", String(40)),
    Column("number", String(40)),
    Column("parcel", String(100)),
    Column("courier", String(100)),
    Column("operator", String(40)),
    Column("client", String(100)),
    Column("manager", String(200)),
    Index("feedback_asked_at", "asked_at", "call_id"),
    Index("feedback_number", "number", "asked_at"),
    Index("feedback_courier", "courier", "asked_at"),
    Index("feedback_operator", "operator", "asked_at"),
    Index("feedback_client", "client", "asked_at"),
    **MYSQL,
)
"""One row for each call after which somebody was asked. ``rating``: 1 to 5, NULL where none was given; ``comment``: the
id of the recording in which they said more; ``operator``: the number of the employee who answered.
"""

recording_listens = Table(
    "recording_listens",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("at", moment(), nullable=False),
    Column("call_id", String(150), nullable=False),
    Column("recording", String(40), nullable=False),
    Column("token", String(40), nullable=False),
    Column("token_name", String(80), nullable=False),
    Index("recording_listens_call", "call_id", "at"),
    Index("recording_listens_at", "at"),
    **MYSQL,
)
"""Who listened to what, and when: one row each time that a recording was asked for."""
