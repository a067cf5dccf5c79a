"""What callers said of calls, what was recorded, and who listened to it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}
_INDEXES = {
    "feedback_asked_at": ["asked_at", "call_id"],
    "feedback_number": ["number", "asked_at"],
    "feedback_courier": ["courier", "asked_at"],
    "feedback_operator": ["operator", "asked_at"],
    "feedback_client": ["client", "asked_at"],
}


def _moment() -> sa.DateTime:
    return sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def upgrade() -> None:
    """Make the tables, and room in the journal for what belongs to a call."""
    op.add_column("calls", sa.Column("recordings", sa.Text()))
    op.add_column("calls", sa.Column("feedback", sa.Text()))
    op.create_table(
        "feedback",
        sa.Column("call_id", sa.String(150), primary_key=True),
        sa.Column("asked_at", _moment(), nullable=False),
        sa.Column("rated_at", _moment()),
        sa.Column("rating", sa.SmallInteger()),
        sa.Column("comment", sa.String(40)),
        sa.Column("number", sa.String(40)),
        sa.Column("parcel", sa.String(100)),
        sa.Column("courier", sa.String(100)),
        sa.Column("operator", sa.String(40)),
        sa.Column("client", sa.String(100)),
        sa.Column("manager", sa.String(200)),
        **_MYSQL,
    )
    for name, columns in _INDEXES.items():
        op.create_index(name, "feedback", columns)
    op.create_table(
        "recording_listens",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("at", _moment(), nullable=False),
        sa.Column("call_id", sa.String(150), nullable=False),
        sa.Column("recording", sa.String(40), nullable=False),
        sa.Column("token", sa.String(40), nullable=False),
        sa.Column("token_name", sa.String(80), nullable=False),
        **_MYSQL,
    )
    op.create_index("recording_listens_call", "recording_listens", ["call_id", "at"])
    op.create_index("recording_listens_at", "recording_listens", ["at"])


def downgrade() -> None:
    """Drop them; what callers said stays in the event log."""
    op.drop_table("recording_listens")
    op.drop_table("feedback")
    op.drop_column("calls", "feedback")
    op.drop_column("calls", "recordings")
