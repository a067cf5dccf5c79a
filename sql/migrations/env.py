"""Alembic's entry: runs on the connection that ``waybell.store.migrate`` hands over."""

from __future__ import annotations

from alembic import context

import waybell.store.callback_tables
import waybell.store.feedback_tables
import waybell.store.token_tables
import waybell.store.webhook_tables  # noqa: F401 - they add their tables to the metadata
from waybell.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
)
context.run_migrations()
