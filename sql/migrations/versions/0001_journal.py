"""The journal and its place in the event log."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}
_TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
_JSON = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
_INDEXED = ("caller_number", "answered_number", "parcel", "courier", "client")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "calls",
        sa.Column("id", sa.String(150), primary_key=True),
        sa.Column("pbx", sa.String(20), nullable=False),
        sa.Column("direction", sa.String(10), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("answered_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("caller_number", sa.String(40)),
        sa.Column("caller_name", sa.String(200)),
        sa.Column("caller_kind", sa.String(20)),
        sa.Column("caller_id", sa.String(100)),
        sa.Column("dialed", sa.String(80)),
        sa.Column("answered_number", sa.String(40)),
        sa.Column("answered_name", sa.String(200)),
        sa.Column("answered_kind", sa.String(20)),
        sa.Column("answered_id", sa.String(100)),
        sa.Column("parcel", sa.String(100)),
        sa.Column("courier", sa.String(100)),
        sa.Column("client", sa.String(100)),
        sa.Column("manager", sa.String(200)),
        sa.Column("wait_seconds", sa.Double(), nullable=False),
        sa.Column("ring_seconds", sa.Double(), nullable=False),
        sa.Column("talk_seconds", sa.Double(), nullable=False),
        sa.Column("legs", _JSON, nullable=False),
        sa.Column("route", _JSON, nullable=False),
        **_MYSQL,
    )
    op.create_index("calls_started_at", "calls", ["started_at", "id"])
    for column in _INDEXED:
        op.create_index(f"calls_{column}", "calls", [column, "started_at"])
    op.create_table(
        "cel_position",
        sa.Column("pbx", sa.String(20), primary_key=True),
        sa.Column("log_key", sa.String(64), nullable=False),
        sa.Column("log_first_at", sa.BigInteger(), nullable=False),
        sa.Column("byte_offset", sa.BigInteger(), nullable=False),
        **_MYSQL,
    )


def downgrade() -> None:
    """Drop both tables; the rows can be made again from the event log."""
    op.drop_table("cel_position")
    op.drop_table("calls")
