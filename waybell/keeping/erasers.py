"""The kinds of data that may hold a person, and how each is freed of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from waybell.calls import search_index
from waybell.calls.redaction import redact
from waybell.calls.rows import from_row
from waybell.calls.writer import SqlJournalStore
from waybell.keeping.forgetting import Progress
from waybell.store.callback_tables import callbacks
from waybell.store.feedback_tables import feedback
from waybell.store.tables import calls
from waybell.store.webhook_tables import webhook_outbox

_AT_ONCE = 500


class JournalEraser:
    """The journal's rows, wherever in them the number stands, and what the search finds them by."""

    kind = "calls"

    async def erase(self, engine: AsyncEngine, number: str, progress: Progress) -> int:
        """See :class:`~waybell.keeping.forgetting.Eraser`."""
        changed, behind = 0, ""
        while True:
            async with engine.begin() as connection:
                rows = await self._some(connection, number, behind)
                await search_index.forget(connection, rows)
                for row in rows:
                    call = redact(from_row(row), lambda one: one == number)
                    await SqlJournalStore(engine, row["pbx"]).write(connection, [call], [])
                if not rows:
                    await search_index.forget_number(connection, number)
            if not rows:
                return changed
            changed, behind = changed + len(rows), rows[-1]["id"]
            progress(self.kind, changed)

    async def _some(self, connection: AsyncConnection, number: str, behind: str) -> list[dict[str, Any]]:
        c = calls.c
        anywhere = or_(
            *(column == number for column in (c.caller_number, c.answered_number, c.dialed)),
            c.legs.contains(f'"{number}"', autoescape=True),
            c.route.contains(number, autoescape=True),
        )
        query = select(calls).where(c.id > behind, anywhere).order_by(c.id).limit(_AT_ONCE)
        return [dict(row) for row in (await connection.execute(query)).mappings()]


class CallbackEraser:
    """The calls that Waybell placed. That they were placed stays: limits and totals count them."""

    kind = "callbacks"

    async def erase(self, engine: AsyncEngine, number: str, progress: Progress) -> int:
        """See :class:`~waybell.keeping.forgetting.Eraser`. A call under way keeps its numbers: ask again after it."""
        changed = 0
        for side in ("first", "second"):
            column, over = callbacks.c[f"{side}_number"], callbacks.c.ended_at.is_not(None)
            nobody = {f"{side}_{name}": "" for name in ("number", "id", "name")}
            async with engine.begin() as connection:
                done = await connection.execute(update(callbacks).where(column == number, over).values(nobody))
                changed += done.rowcount
            progress(self.kind, changed)
        await self._keys(engine, number)
        return changed

    async def _keys(self, engine: AsyncEngine, number: str) -> None:
        """Software that speaks AMI has keys with both numbers in them."""
        async with engine.begin() as connection:
            holds = callbacks.c.request_key.contains(number, autoescape=True)
            for id_ in (await connection.execute(select(callbacks.c.id).where(holds))).scalars().all():
                forgotten = update(callbacks).where(callbacks.c.id == id_)
                await connection.execute(forgotten.values(request_key=f"forgotten:{id_}"))


class FeedbackEraser:
    """What callers said: the rating stays, who gave it goes."""

    kind = "ratings"

    async def erase(self, engine: AsyncEngine, number: str, progress: Progress) -> int:
        """See :class:`~waybell.keeping.forgetting.Eraser`."""
        changed = 0
        for column in (feedback.c.number, feedback.c.operator):
            async with engine.begin() as connection:
                done = await connection.execute(update(feedback).where(column == number).values({column: None}))
                changed += done.rowcount
        progress(self.kind, changed)
        return changed


class WebhookEraser:
    """What is still to be told or was told of them: nobody is told of it any more."""

    kind = "webhook events"

    async def erase(self, engine: AsyncEngine, number: str, progress: Progress) -> int:
        """See :class:`~waybell.keeping.forgetting.Eraser`."""
        async with engine.begin() as connection:
            holds = webhook_outbox.c.body.contains(number, autoescape=True)
            changed = (await connection.execute(delete(webhook_outbox).where(holds))).rowcount
        progress(self.kind, changed)
        return changed
