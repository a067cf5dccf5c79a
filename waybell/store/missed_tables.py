"""The table of what was done about callers whom nobody called back."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from waybell.store.tables import MYSQL, metadata, moment

missed_alarms = Table(
    "missed_alarms",
    metadata,
    Column("call_id", String(150), primary_key=True),
    Column("what", String(10), primary_key=True),
    Column("lead", String(150), nullable=False),
    Column("state", String(10), nullable=False),
    Column("at", moment(), nullable=False),
    Column("again_at", moment()),
    Column("callback", String(24), nullable=False),
    Column("why", String(60), nullable=False),
    **MYSQL,
)
"""One row for each missed call whose caller somebody was reminded of; ``what``: how. The row of the ``lead`` tells the
``state`` of all that belong to it.
"""
