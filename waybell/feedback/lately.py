"""Nobody is asked too often how a call was."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from waybell.feedback.store import FeedbackStore

_DAY = 86_400_000_000
_log = structlog.get_logger("feedback")


class Lately:
    """Who was asked within ``days``.

    A store that gives no answer keeps nobody from being asked: what they say is in the event log first.
    """

    def __init__(self, store: FeedbackStore, days: float, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._days = days
        self._now = now
        self._down = False

    async def asked(self, number: str) -> bool:
        """Whether the person with this number was. Never raises for a store that is down."""
        since = int(self._now() * 1_000_000 - self._days * _DAY)
        try:
            found = await self._store.asked_since(number, max(since, 0))
        except (SQLAlchemyError, OSError) as error:
            if not self._down:
                _log.warning("who was asked lately cannot be told; everybody is asked", error=str(error)[:300])
            self._down = True
            return False
        self._down = False
        return found
