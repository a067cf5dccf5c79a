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
from waybell.callbacks.following import CallFollower
from waybell.callbacks.lines import Line
from waybell.callbacks.placing import Placing
from waybell.callbacks.ports import Pbx, PbxRefusedError, PbxUnavailableError
from waybell.callbacks.store import CallbackStore, Counts, Draft, Stored
from waybell.callbacks.values import (
    Asker,
    ByNumber,
    ByParcel,
    Callback,
    Kind,
    Plan,
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


class CallbackService(CallFollower):
    """The port :class:`waybell.callbacks.ports.Callbacks`, and what is heard of the calls under way."""

    def __init__(self, parts: Parts, clock: Callable[[], datetime] = _now) -> None:
        super().__init__(parts.store, parts.placing, parts.pbx, clock)
        self._asking, self._connected, self._refusals = parts.asking, parts.connected, parts.refusals
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
            asked = await self._store.change(callback_id, _to_be_cancelled) or stored.callback
            if not await self._pbx.hangup(self._placing.channel_id(asked)):
                await self.happened(callback_id, states.Cancelled())
        except (SQLAlchemyError, TimeoutError) as error:
            raise _store_down() from error
        except (PbxUnavailableError, PbxRefusedError) as error:
            raise _pbx_down(str(error)) from error
        now = await self._stored(callback_id)
        return now.callback if now else stored.callback

    async def refused(self, wish: Wish, refusal: RefusedError) -> None:
        """See :class:`~waybell.callbacks.ports.Callbacks`."""
        if self._refusals is not None:
            await self._refusals(wish, refusal, self._clock())

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
            await self.refused(wish, refusal)
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
        """Has the first phone rung; what Asterisk surely did not do is forgotten, so that it can be asked for again."""
        try:
            return await self._ringing.ring(callback, lines)
        except PbxUnavailableError as error:
            await self._store.withdraw(callback.id)
            raise _pbx_down(str(error)) from error
        except PbxRefusedError as error:
            await self._store.withdraw(callback.id)
            detail = f"{str(error).removesuffix('.')}."
            raise RefusedError("pbx-refused", 503, "Asterisk refused the call", detail, _RETRY_SECONDS) from error

    async def _stored(self, callback_id: str) -> Stored | None:
        try:
            return await self._store.get(callback_id)
        except (SQLAlchemyError, TimeoutError) as error:
            raise _store_down() from error


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
