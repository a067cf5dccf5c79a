"""Follows the calls under way: what is heard of them, and what Asterisk's own list says when something was not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from waybell.callbacks import states
from waybell.callbacks.causes import is_line_failure
from waybell.callbacks.placing import Placing
from waybell.callbacks.ports import Pbx, Seen
from waybell.callbacks.ringing import Ringing
from waybell.callbacks.store import CallbackStore
from waybell.callbacks.values import Callback, Reason, Status
from waybell.calls.channels import without_try

_SETTLED_SECONDS = 3.0


class CallFollower:
    """Puts calls on as things happen to them. Raises what the store raises."""

    def __init__(self, store: CallbackStore, placing: Placing, pbx: Pbx, clock: Callable[[], datetime]) -> None:
        self._store, self._placing, self._pbx, self._clock = store, placing, pbx, clock
        self._ringing = Ringing(store, placing, pbx, clock)
        self._missed: frozenset[str] = frozenset()

    def callback_id(self, channel_id: str) -> str:
        """The call whose first channel this is; empty for any other channel."""
        return self._placing.callback_id(channel_id)

    async def happened(self, callback_id: str, happening: states.Happening) -> Callback | None:
        """Something was heard of a call; ``None`` when it changes nothing.

        Its time is ours: Asterisk's clock may be another's, and minutes are counted from these.
        """
        now = self._clock()
        return await self._store.change(callback_id, lambda call: states.advance(call, happening, now))

    async def first_ended(self, channel_id: str, ended: states.FirstEnded) -> Callback | None:
        """A first channel is gone; over a line that failed, the next one is tried."""
        callback_id, tries = self.callback_id(channel_id), without_try(channel_id)[1]
        if not ended.dialstatus and is_line_failure(ended.cause, ended.sip_cause):
            return await self._ringing.ended(callback_id, tries, ended)
        now = self._clock()
        return await self._store.change(
            callback_id, lambda call: states.advance(call, ended, now) if call.tries == tries else None
        )

    async def dialled(self, callback_id: str, dialstring: str) -> Callback | None:
        """The second phone is dialled: the first time, or over another line."""
        now = self._clock()

        def step(call: Callback) -> Callback | None:
            line = self._placing.line_of(call, dialstring)
            if not line:
                return None  # the dialplan's own idea: the office, when no Waybell answered
            return states.advance(call, states.Confirmed(line), now) or states.advance(
                call, states.SecondLine(line), now
            )

        return await self._store.change(callback_id, step)

    async def reconcile(self, *, thorough: bool = False) -> list[Callback]:
        """Compares the calls under way with Asterisk's channels, and gives those that have ended unseen.

        Whose channel is gone has ended: when it was gone the last time too, for an event of its end may be on its way.
        What a channel does tells how far its call has come. What was cancelled is hung up, with ``thorough`` also
        what rings though its call has ended. After each new connection, and every few seconds; raises as the PBX does.
        """
        under_way = await self._store.under_way()
        if not under_way and not thorough:
            self._missed = frozenset()
            return []
        started, channels = await self._pbx.started_at(), await self._pbx.channels()
        gone = [call for call in under_way if self._placing.channel_id(call) not in channels]
        there = {self._placing.channel_id(call): call for call in under_way if call not in gone}
        await self._catch_up(there, channels)
        if thorough:
            await self._end_strays(channels, {call.id for call in under_way})
        return await self._end_lost(gone, started)

    async def _catch_up(self, there: Mapping[str, Callback], channels: Mapping[str, Seen]) -> None:
        dialling = [call for id_, call in there.items() if channels[id_].dialling and call.status is not Status.TALKING]
        talking = await self._pbx.talking() if dialling else frozenset()
        for id_, call in there.items():
            if call.cancel_asked:
                await self._ringing.hang_up(id_)
            elif channels[id_].up and call.status in (Status.CALLING_COURIER, Status.CONFIRMING):
                await self.happened(call.id, states.FirstAnswered())
            if call in dialling:
                await self.dialled(call.id, channels[id_].dialling.partition("/")[2])
            if id_ in talking and call in dialling:
                await self.happened(call.id, states.SecondAnswered())

    async def _end_strays(self, channels: Mapping[str, Seen], under_way: set[str]) -> None:
        """A process died between a cancel and the ringing that it overtook: the phone rings, and the call has ended."""
        for id_ in channels:
            callback_id = self.callback_id(id_)
            if callback_id and callback_id not in under_way:
                stored = await self._store.get(callback_id)
                if stored is not None and stored.callback.reason is Reason.CANCELLED:
                    await self._ringing.hang_up(id_)

    async def _end_lost(self, gone: list[Callback], started: datetime) -> list[Callback]:
        now = self._clock()
        lost = [call for call in gone if self._placing.channel_id(call) in self._missed and _is_settled(call, now)]
        self._missed = frozenset(self._placing.channel_id(call) for call in gone)
        ended = [await self.happened(call.id, states.Lost(restarted=call.changed_at < started)) for call in lost]
        return [call for call in ended if call is not None]


def _is_settled(call: Callback, now: datetime) -> bool:
    """Whether its channel must be in Asterisk's list: that of a phone that is about to be rung may not be there yet."""
    begins = call.status in (Status.REQUESTED, Status.CALLING_COURIER)
    return not begins or abs((now - call.changed_at).total_seconds()) >= _SETTLED_SECONDS
