"""The tables of webhooks. ``sql/migrations`` makes the same; a test compares the two.

Times are UTC without a zone, to the microsecond.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, UniqueConstraint
from sqlalchemy.dialects import mysql

from waybell.store.tables import MYSQL, metadata, moment

webhook_outbox = Table(
    "webhook_outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("webhook", String(40), nullable=False),
    Column("event_id", String(250), nullable=False),
    Column("type", String(30), nullable=False),
    Column("subject", String(150), nullable=False),
    Column("body", Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
    Column("status", String(10), nullable=False),
    Column("attempts", Integer(), nullable=False),
    Column("last_status", Integer(), nullable=False),
    Column("last_error", String(300), nullable=False),
    Column("lease", String(40), nullable=False),
    Column("leased_until", moment()),
    Column("happened_at", moment(), nullable=False),
    Column("created_at", moment(), nullable=False),
    Column("due_at", moment(), nullable=False),
    Column("done_at", moment()),
    UniqueConstraint("webhook", "event_id", name="webhook_outbox_event"),
    Index("webhook_outbox_due", "webhook", "status", "due_at"),
    Index("webhook_outbox_order", "webhook", "subject", "status", "id"),
    Index("webhook_outbox_done", "status", "done_at"),
    sqlite_autoincrement=True,
    **MYSQL,
)
"""One row for each event and each webhook that is to be told of it; ``id`` in the order in which they are told.

``status``: ``waiting``, ``delivered`` or ``dead``. Whoever sends it has the ``lease`` until ``leased_until``.
"""

webhook_places = Table(
    "webhook_places",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("place", String(500), nullable=False),
    **MYSQL,
)
"""How far each source of events has been read: an event log by its PBX, the calls that Waybell places."""
