"""Whether a line has room for a call whose own line has failed. The dialplan's steps ask; the database knows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from waybell.callbacks import states
from waybell.callbacks.limits import SteadyClock
from waybell.callbacks.store import CallbackStore
from waybell.callbacks.values import Callback

_AWAY_SECONDS = 2.0


class LineRoom:
    """Takes a place on a line for a call that Waybell placed. ``most``: how many calls each line holds, by its name."""

    def __init__(self, store: CallbackStore, most: Mapping[str, int]) -> None:
        self._store, self._most = store, most
        self._clock = SteadyClock(datetime.now(UTC), time.monotonic())
        self._away_until = 0.0
        self._log = structlog.get_logger("callbacks")

    async def take(self, callback_id: str, line: str) -> bool:
        """Whether there was room. Nobody is dialled over a line that may be full: also when the store cannot say so."""
        moment = time.monotonic()
        if moment < self._away_until:
            return False
        now = self._clock.at(moment)

        def step(call: Callback, in_use: Mapping[str, int]) -> Callback | None:
            if call.is_final or in_use.get(line, 0) >= self._most.get(line, 0):
                return None
            return states.advance(call, states.SecondLine(line), now) or replace(call, second_line=line)

        try:
            return await self._store.switch(callback_id, step) is not None
        except (SQLAlchemyError, TimeoutError, OSError) as error:
            self._away_until = (
                time.monotonic() + _AWAY_SECONDS
            )  # a call waits for its next step, with more lines to ask
            self._log.error("no other line is tried: the store gives no answer", line=line, error=type(error).__name__)
            return False
