"""Rings the first phone of a call, over one line after the other: each at most once, whatever fails in between.

What is about to be rung is stored before Asterisk hears of it. So of two who learn that a line failed only one goes on
to the next, and after a crash in between nobody does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from waybell.callbacks import states
from waybell.callbacks.happenings import FirstEnded
from waybell.callbacks.lines import Line
from waybell.callbacks.placing import Placing
from waybell.callbacks.ports import Pbx, PbxRefusedError, PbxUnavailableError
from waybell.callbacks.store import CallbackStore
from waybell.callbacks.values import Callback, Reason, Status

_THERE_ALREADY = 409
# What Asterisk says of an endpoint that it does not have, or that has nobody registered.
_NO_SUCH_LINE = 500


class Ringing:
    """What has a first phone rung, and what takes that back."""

    def __init__(self, store: CallbackStore, placing: Placing, pbx: Pbx, clock: Callable[[], datetime]) -> None:
        self._store, self._placing, self._pbx, self._clock = store, placing, pbx, clock
        self._log = structlog.get_logger("callbacks")

    async def ring(self, callback: Callback, lines: tuple[Line, Line]) -> Callback:
        """Rings it over the first of its lines that Asterisk takes. Gives the call as it is after that.

        Raises :class:`~waybell.callbacks.ports.PbxRefusedError` when Asterisk takes none of them, and
        :class:`~waybell.callbacks.ports.PbxUnavailableError` when it surely was told nothing.
        """
        now = self._clock()
        claimed = await self._store.change(
            callback.id, lambda call: states.advance(call, states.Placing(callback.first_line), now)
        )
        if claimed is None:
            return callback
        while True:
            try:
                return await self._originate(claimed, lines)
            except PbxRefusedError as error:
                self._log.error("asterisk refused to ring a phone", call=callback.id, why=str(error))
                following = await self._claim_next(claimed, None) if error.status == _NO_SUCH_LINE else None
                if following is None:
                    raise
                claimed, lines = following, self._placing.lines_of(following)

    async def ended(self, callback_id: str, tries: int, ended: FirstEnded) -> Callback | None:
        """The phone's ringing over its line number ``tries`` ended because the line failed: rings it over the next one,
        if there is one with room; else that was the end of the call. ``None``: it was known already.
        """
        now = self._clock()

        def step(call: Callback, in_use: Mapping[str, int]) -> Callback | None:
            return self._next(call, tries, in_use, now) or (
                states.advance(call, ended, now) if call.tries == tries else None
            )

        changed = await self._store.switch(callback_id, step)
        while changed is not None and not changed.is_final:
            try:
                return await self._originate(changed, self._placing.lines_of(changed))
            except (PbxRefusedError, PbxUnavailableError, KeyError) as error:
                self._log.error("a phone could not be rung over the next line", call=callback_id, why=str(error))
                changed = await self._claim_next(changed, ended)
        return changed

    async def hang_up(self, channel_id: str) -> None:
        """Ends a channel that should not be; that Asterisk cannot be told is logged."""
        try:
            await self._pbx.hangup(channel_id)
        except (PbxUnavailableError, PbxRefusedError) as error:
            self._log.error("a cancelled call could not be hung up", channel=channel_id, why=str(error))

    async def _claim_next(self, failed: Callback, ended: FirstEnded | None) -> Callback | None:
        """The call on its next line; with ``ended`` its end where there is none."""
        now = self._clock()

        def step(call: Callback, in_use: Mapping[str, int]) -> Callback | None:
            following = self._next(call, failed.tries, in_use, now)
            return following or (states.advance(call, ended, now) if ended else None)

        return await self._store.switch(failed.id, step)

    def _next(self, call: Callback, tries: int, in_use: Mapping[str, int], now: datetime) -> Callback | None:
        if call.status is not Status.CALLING_COURIER or call.tries != tries:
            return None
        line = self._placing.next_line(call, in_use)
        return states.advance(call, states.Placing(line.name), now) if line else None

    async def _originate(self, callback: Callback, lines: tuple[Line, Line]) -> Callback:
        channel = self._placing.channel(callback, *lines)
        try:
            await self._pbx.originate(channel)
        except PbxUnavailableError as error:
            if not error.sent:
                raise
            # It counts as ringing until Asterisk's list of channels says otherwise.
            self._log.error("asterisk did not say whether it rings; it is not asked again", call=callback.id)
            return callback
        except PbxRefusedError as error:
            if error.status == _THERE_ALREADY:  # an answer got lost, and somebody asked again for us
                return callback
            raise
        return await self._after_all(callback, channel.channel_id)

    async def _after_all(self, callback: Callback, channel_id: str) -> Callback:
        """Cancelled in between? Then whoever did it found no channel to end."""
        try:
            stored = await self._store.get(callback.id)
        except (SQLAlchemyError, TimeoutError) as error:  # it rings: whoever asked must not ask again
            self._log.error("a call that rings could not be read again", call=callback.id, error=type(error).__name__)
            return callback
        now = stored.callback if stored else callback
        if now.is_final and now.reason is Reason.CANCELLED:
            await self.hang_up(channel_id)
        return now
