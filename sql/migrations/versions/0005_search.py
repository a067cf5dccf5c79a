"""What the journal is searched by: an index of its own, in place of one index a column."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}
_OLD_INDEXES = ("caller_number", "answered_number", "parcel", "courier", "client")


def upgrade() -> None:
    """Make the index's tables. What is in the journal is put into them by and by, while Waybell runs."""
    for column in _OLD_INDEXES:
        op.drop_index(f"calls_{column}", "calls")
    op.add_column("calls", sa.Column("names", sa.String(500)))
    op.add_column("calls", sa.Column("rating", sa.SmallInteger()))
    op.add_column("calls", sa.Column("facets", sa.SmallInteger()))
    op.create_index("calls_facets", "calls", ["facets", "started_at", "id"])
    op.create_table(
        "call_terms",
        sa.Column("term", sa.String(110), primary_key=True),
        sa.Column("facets", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("call_id", sa.String(150), primary_key=True),
        sqlite_with_rowid=False,
        **_MYSQL,
    )
    op.create_table(
        "search_runs",
        sa.Column("term", sa.String(110), primary_key=True),
        sa.Column("facets", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
        **_MYSQL,
    )
    op.create_table(
        "search_parts",
        sa.Column("part", sa.String(20), primary_key=True),
        sa.Column("term", sa.String(110), primary_key=True),
        sqlite_with_rowid=False,
        **_MYSQL,
    )


def downgrade() -> None:
    """Drop the index; nothing of the journal is lost but ratings."""
    for table in ("search_parts", "search_runs", "call_terms"):
        op.drop_table(table)
    op.drop_index("calls_facets", "calls")
    for column in ("facets", "rating", "names"):
        op.drop_column("calls", column)
    for column in _OLD_INDEXES:
        op.create_index(f"calls_{column}", "calls", [column, "started_at"])
