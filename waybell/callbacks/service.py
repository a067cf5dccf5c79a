"""Places calls: asks the CRM, keeps the rules, counts, stores, rings. Each wish once, whatever breaks in between.

The order is what makes it so. A call is stored under its unique key before anything is rung; it is marked as being
rung before Asterisk hears of it; and when it is not known whether Asterisk did ring, it counts as rung. So a crash
between any two steps loses at most a call, and never makes two.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from waybell.callbacks import states
from waybell.callbacks.asking import Asking
from waybell.callbacks.lines import Line
from waybell.callbacks.placing import Placing
from waybell.callbacks.ports import Originate, Pbx, PbxRefusedError, PbxUnavailableError
from waybell.callbacks.store import CallbackStore, Counts, Draft, Stored
from waybell.callbacks.values import (
    Asker,
    ByNumber,
    ByParcel,
    Callback,
    Kind,
    Plan,
    Reason,
    RefusedError,
    Status,
    Test,
    Wish,
)

NoteRefusal = Callable[[Wish, RefusedError, datetime], Awaitable[None]]
"""Has the journal tell of a call that was refused. Never raises."""

_LETTERS = {Kind.CALLBACK: "b", Kind.CLICK: "l", Kind.TEST: "t"}
_LONGEST_KEY = 200
_RETRY_SECONDS = 2
_THERE_ALREADY = 409


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service works with. ``connected`` tells whether Asterisk can be asked just now."""

    store: CallbackStore
    asking: Asking
    placing: Placing
    pbx: Pbx
    connected: Callable[[], bool]
    refusals: NoteRefusal | None = None


class CallbackService:
    """The port :class:`waybell.callbacks.ports.Callbacks`, and what is heard of the calls under way."""

    def __init__(self, parts: Parts, clock: Callable[[], datetime] = _now) -> None:
        self._store, self._asking, self._placing, self._pbx = parts.store, parts.asking, parts.placing, parts.pbx
        self._connected, self._refusals = parts.connected, parts.refusals
        self._clock = clock
        self._log = structlog.get_logger("callbacks")

    async def request(self, asker: Asker, wish: Wish, key: str) -> Callback:
        """See :class:`~waybell.callbacks.ports.Callbacks`."""
        if not 0 < len(key) <= _LONGEST_KEY:
            raise RefusedError("invalid-key", 422, "No such key", f"An Idempotency-Key has 1 to {_LONGEST_KEY} signs.")
        request_hash = hashlib.sha256(repr((type(wish).__name__, astuple(wish))).encode()).hexdigest()
        try:
            there = await self._store.find(asker.owner, key)
            if there is None:
                there = await self._new(asker, wish, key, request_hash)
        except (SQLAlchemyError, TimeoutError) as error:
            self._log.error("the store failed a callback", error=type(error).__name__)
            raise _store_down() from error
        if there.request_hash != request_hash:
            detail = "This Idempotency-Key was used for another call: take a new key for each call."
            raise RefusedError("key-reused", 422, "Key used for something else", detail)
        return there.callback

    async def get(self, asker: Asker, callback_id: str) -> Callback | None:
        """See :class:`~waybell.callbacks.ports.Callbacks`."""
        stored = await self._stored(callback_id)
        return stored.callback if stored and _may_see(asker, stored) else None

    async def cancel(self, asker: Asker, callback_id: str) -> Callback | None:
        """See :class:`~waybell.callbacks.ports.Callbacks`."""
        stored = await self._stored(callback_id)
        if stored is None or not _may_see(asker, stored):
            return None
        if stored.callback.is_final:
            return stored.callback
        try:
            # Noted first: should Asterisk not be told now, it is when it can be; and should the ringing begin only now,
            # whoever began it looks here right after. Only what has no channel has ended already.
            await self._store.change(callback_id, _to_be_cancelled)
            if not await self._pbx.hangup(self._placing.channel_id(callback_id)):
                await self.happened(callback_id, states.Cancelled())
        except (SQLAlchemyError, TimeoutError) as error:
            raise _store_down() from error
        except (PbxUnavailableError, PbxRefusedError) as error:
            raise _pbx_down(str(error)) from error
        now = await self._stored(callback_id)
        return now.callback if now else stored.callback

    async def happened(self, callback_id: str, happening: states.Happening) -> Callback | None:
        """Something was heard of a call; ``None`` when it changes nothing. Raises what the store raises.

        Its time is ours: Asterisk's clock may be another's, and minutes are counted from these.
        """
        now = self._clock()
        return await self._store.change(callback_id, lambda call: states.advance(call, happening, now))

    def callback_id(self, channel_id: str) -> str:
        """The call whose first channel this is; empty for any other channel."""
        return self._placing.callback_id(channel_id)

    async def dialled(self, callback_id: str, dialstring: str) -> Callback | None:
        """The second phone is dialled: the first time, or over another line. Raises what the store raises."""
        now = self._clock()

        def step(call: Callback) -> Callback | None:
            line = self._placing.line_of(call, dialstring)
            if not line:
                return None  # the dialplan's own idea: the office, when no Waybell answered
            return states.advance(call, states.Confirmed(line), now) or states.advance(
                call, states.SecondLine(line), now
            )

        return await self._store.change(callback_id, step)

    async def reconcile(self, younger: float = 3.0) -> list[Callback]:
        """Ends the calls whose channel is gone without our having heard, and gives those; hangs up what was cancelled
        while Asterisk could not be told. After each new connection, and now and then.

        A call changed less than ``younger`` seconds ago may be too new for Asterisk's list. Raises as the store and
        the PBX do.
        """
        under_way, now = await self._store.under_way(), self._clock()
        if not under_way:
            return []
        started, channels = await self._pbx.started_at(), await self._pbx.channels()
        for call in under_way:
            if call.cancel_asked and self._placing.channel_id(call.id) in channels:
                await self._hang_up(self._placing.channel_id(call.id))
        gone = [call for call in under_way if self._placing.channel_id(call.id) not in channels]
        lost = [call for call in gone if abs((now - call.changed_at).total_seconds()) >= younger]
        ended = [await self.happened(call.id, states.Lost(restarted=call.changed_at < started)) for call in lost]
        return [call for call in ended if call is not None]

    async def _new(self, asker: Asker, wish: Wish, key: str, request_hash: str) -> Stored:
        try:
            if isinstance(wish, (ByParcel, ByNumber)) and asker.courier and wish.courier != asker.courier:
                detail = f"This token belongs to courier {asker.courier}."
                raise RefusedError("foreign-courier", 403, "Not this courier's token", detail)
            if not self._connected():
                raise _pbx_down("Asterisk's REST interface (ARI) cannot be reached")
            plan = await self._asking.plan(wish)
            stored, made, lines = await self._store_once(asker, key, request_hash, plan)
            if not made or lines is None:
                return stored
            # Shielded: an asker who hangs up at this moment must not leave a call half placed.
            return replace(stored, callback=await asyncio.shield(self._ring(stored.callback, lines)))
        except RefusedError as refusal:
            self._log.info("a call was refused", why=refusal.type, owner=asker.owner, kind=type(wish).__name__)
            await self._note_refusal(wish, refusal)
            if refusal.type.startswith("pbx-") and not isinstance(wish, Test):
                raise _pbx_down("Asterisk cannot place calls just now; Waybell's log says why") from refusal
            raise

    async def _store_once(
        self, asker: Asker, key: str, request_hash: str, plan: Plan
    ) -> tuple[Stored, bool, tuple[Line, Line] | None]:
        now = self._clock()
        chosen: tuple[Line, Line] | None = None
        callback = Callback(f"c{_LETTERS[plan.kind]}{secrets.token_hex(8)}", plan, Status.REQUESTED, now, now)
        longest = self._placing.longest_seconds

        def decide(counts: Counts) -> Callback:
            nonlocal chosen
            chosen = self._placing.decide(plan, counts, now)
            return replace(callback, first_line=chosen[0].name, second_line=chosen[1].name)

        stored, made = await self._store.place(Draft(asker.owner, key, request_hash, callback, longest), decide)
        return stored, made, chosen

    async def _ring(self, callback: Callback, lines: tuple[Line, Line]) -> Callback:
        """Claims the call, then has Asterisk ring the first phone."""
        claimed = await self.happened(callback.id, states.Placing(callback.first_line))
        if claimed is None:
            return callback
        try:
            return await self._originate(claimed, self._placing.channel(claimed, *lines))
        except PbxRefusedError as error:
            if error.status == _THERE_ALREADY:  # an answer got lost, and somebody asked again for us
                return claimed
            self._log.error("asterisk refused to ring a phone", call=callback.id, why=str(error))
            await self._store.withdraw(callback.id)
            detail = f"{str(error).removesuffix('.')}."
            raise RefusedError("pbx-refused", 503, "Asterisk refused the call", detail, _RETRY_SECONDS) from error

    async def _originate(self, callback: Callback, channel: Originate) -> Callback:
        try:
            await self._pbx.originate(channel)
        except PbxUnavailableError as error:
            if error.sent:
                # It counts as ringing until Asterisk's list of channels says otherwise.
                self._log.error("asterisk did not say whether it rings; it is not asked again", call=callback.id)
                return callback
            await self._store.withdraw(callback.id)
            raise _pbx_down(str(error)) from error
        # Cancelled in between? Then whoever did it found no channel to end.
        try:
            now = await self._stored(callback.id)
        except RefusedError:  # it rings: whoever asked must not ask again
            return callback
        if now is not None and now.callback.is_final and now.callback.reason is Reason.CANCELLED:
            await self._hang_up(channel.channel_id)
        return now.callback if now else callback

    async def _hang_up(self, channel_id: str) -> None:
        try:
            await self._pbx.hangup(channel_id)
        except (PbxUnavailableError, PbxRefusedError) as error:
            self._log.error("a cancelled call could not be hung up", channel=channel_id, why=str(error))

    async def _stored(self, callback_id: str) -> Stored | None:
        try:
            return await self._store.get(callback_id)
        except (SQLAlchemyError, TimeoutError) as error:
            raise _store_down() from error

    async def _note_refusal(self, wish: Wish, refusal: RefusedError) -> None:
        if self._refusals is not None:
            await self._refusals(wish, refusal, self._clock())


def _to_be_cancelled(callback: Callback) -> Callback | None:
    return None if callback.is_final or callback.cancel_asked else replace(callback, cancel_asked=True)


def _may_see(asker: Asker, stored: Stored) -> bool:
    return stored.owner == asker.owner and asker.courier in ("", stored.callback.plan.courier)


def _store_down() -> RefusedError:
    detail = "Waybell's own database gives no answer just now; ask again with the same key."
    return RefusedError("store-unavailable", 503, "Store unavailable", detail, _RETRY_SECONDS)


def _pbx_down(why: str) -> RefusedError:
    detail = f"{why.removesuffix('.')}."
    return RefusedError("pbx-unavailable", 503, "Telephone system unavailable", detail, _RETRY_SECONDS)
