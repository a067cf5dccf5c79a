"""What webhooks are to be told, and how far it has been found."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}
_TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
_BODY = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXES = {
    "due": ("webhook", "status", "due_at"),
    "order": ("webhook", "subject", "status", "id"),
    "done": ("status", "done_at"),
}


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "webhook_outbox",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("webhook", sa.String(40), nullable=False),
        sa.Column("event_id", sa.String(250), nullable=False),
        sa.Column("type", sa.String(30), nullable=False),
        sa.Column("subject", sa.String(150), nullable=False),
        sa.Column("body", _BODY, nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(300), nullable=False),
        sa.Column("lease", sa.String(40), nullable=False),
        sa.Column("leased_until", _TIME),
        *(sa.Column(name, _TIME, nullable=False) for name in ("happened_at", "created_at", "due_at")),
        sa.Column("done_at", _TIME),
        sa.UniqueConstraint("webhook", "event_id", name="webhook_outbox_event"),
        sqlite_autoincrement=True,
        **_MYSQL,
    )
    for name, columns in _INDEXES.items():
        op.create_index(f"webhook_outbox_{name}", "webhook_outbox", list(columns))
    op.create_table(
        "webhook_places",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("place", sa.String(500), nullable=False),
        **_MYSQL,
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("webhook_places")
    op.drop_table("webhook_outbox")
