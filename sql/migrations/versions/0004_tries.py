"""Over how many lines the first phone of a call was rung."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Calls that are there were rung once."""
    op.add_column("callbacks", sa.Column("tries", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("callbacks", "tries")
