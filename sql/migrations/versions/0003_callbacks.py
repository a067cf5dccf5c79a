"""Calls that Waybell places, and the gate that counts them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}
_TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
_TEXTS = {
    "pbx": 20,
    "owner": 80,
    "request_key": 200,
    "request_hash": 64,
    "kind": 10,
    "courier": 100,
    "parcel": 100,
    "client": 100,
    "first_number": 40,
    "first_kind": 20,
    "first_id": 100,
    "first_name": 200,
    "second_number": 40,
    "second_kind": 20,
    "second_id": 100,
    "second_name": 200,
    "status": 20,
    "reason": 20,
    "side": 10,
}
_INDEXED = ("courier", "second_number", "parcel")


def upgrade() -> None:
    """Make both tables, and the gate's one row."""
    op.create_table(
        "callbacks",
        sa.Column("id", sa.String(24), primary_key=True),
        *(sa.Column(name, sa.String(length), nullable=False) for name, length in _TEXTS.items()),
        sa.Column("cause", sa.Integer(), nullable=False),
        sa.Column("sip_cause", sa.Integer(), nullable=False),
        sa.Column("first_line", sa.String(40), nullable=False),
        sa.Column("second_line", sa.String(40), nullable=False),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False),
        sa.Column("longest_seconds", sa.Integer(), nullable=False),
        sa.Column("used_seconds", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        *(sa.Column(name, _TIME) for name in ("first_answered_at", "second_rung_at", "second_answered_at", "ended_at")),
        sa.UniqueConstraint("owner", "request_key", name="callbacks_request"),
        **_MYSQL,
    )
    for name in _INDEXED:
        op.create_index(f"callbacks_{name}", "callbacks", [name, "created_at"])
    for name in ("created_at", "ended_at"):
        op.create_index(f"callbacks_{name}", "callbacks", [name])
    gate = op.create_table(
        "callback_gate",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        **_MYSQL,
    )
    op.bulk_insert(gate, [{"id": 1, "turn": 0}])


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("callback_gate")
    op.drop_table("callbacks")
