"""The table of API tokens."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table

from waybell.store.tables import MYSQL, metadata, moment

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("scope", String(12), nullable=False),
    Column("courier", String(100)),
    Column("hash", String(200), nullable=False),
    Column("created_at", moment(), nullable=False),
    Column("last_used_at", moment()),
    Column("expires_at", moment()),
    Column("networks", String(1000), nullable=False),
    Column("revoked_at", moment()),
    Index("tokens_name", "name"),
    **MYSQL,
)
"""One row a token, kept after it is revoked. ``hash``: Argon2id of the secret; ``networks``: separated by commas."""
