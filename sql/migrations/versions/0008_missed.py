"""What was done about callers whom nobody called back."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}
_TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "missed_alarms",
        sa.Column("call_id", sa.String(150), primary_key=True),
        sa.Column("what", sa.String(10), primary_key=True),
        sa.Column("lead", sa.String(150), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("again_at", _TIME),
        sa.Column("callback", sa.String(24), nullable=False),
        sa.Column("why", sa.String(60), nullable=False),
        **_MYSQL,
    )


def downgrade() -> None:
    """Drop it: whoever still waits is reminded of once more."""
    op.drop_table("missed_alarms")
