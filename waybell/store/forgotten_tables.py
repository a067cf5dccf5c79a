"""The table of numbers that are forgotten. ``sql/migrations`` makes the same; a test compares the two."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from waybell.store.tables import MYSQL, metadata, moment

forgotten = Table(
    "forgotten",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("until", moment(), nullable=False),
    **MYSQL,
)
"""Who was forgotten, by a keyed hash of the number: what happened before ``until`` is told without them for good, also
when it is read from the event log again.
"""

forgotten_key = Table(
    "forgotten_key",
    metadata,
    Column("id", String(1), primary_key=True),
    Column("secret", String(64), nullable=False),
    **MYSQL,
)
"""One row: the key of the hashes, in hexadecimal."""
