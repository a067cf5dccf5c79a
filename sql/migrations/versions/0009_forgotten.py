"""Numbers that are forgotten."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}
_TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "forgotten",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("until", _TIME, nullable=False),
        **_MYSQL,
    )
    op.create_table(
        "forgotten_key",
        sa.Column("id", sa.String(1), primary_key=True),
        sa.Column("secret", sa.String(64), nullable=False),
        **_MYSQL,
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("forgotten_key")
    op.drop_table("forgotten")
