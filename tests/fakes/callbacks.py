"""Callbacks that behave, in memory: one call for each key, refusals, cancelling. No phone rings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from waybell.callbacks.values import (
    Asker,
    ByNumber,
    ByParcel,
    ByPhones,
    Callback,
    Click,
    Kind,
    Party,
    Plan,
    Reason,
    RefusedError,
    Status,
    Test,
    Wish,
)

NOW = datetime(2026, 11, 21, 23, 36, 44, 854863, UTC)
SECRET_NUMBER = "79161234567"

Refuse = Callable[[Wish], RefusedError | None]


class FakeCallbacks:
    """``placed`` are the calls by id, in the order in which they were asked for."""

    def __init__(self, refuse: Refuse = lambda _wish: None) -> None:
        """``refuse`` is asked for each new call."""
        self.placed: dict[str, Callback] = {}
        self.asked: list[tuple[Asker, Wish, str]] = []
        self.refusals: list[tuple[Wish, RefusedError]] = []
        self._refuse = refuse
        self._keys: dict[tuple[str, str], tuple[Wish, str]] = {}
        self._owners: dict[str, str] = {}

    async def request(self, asker: Asker, wish: Wish, key: str) -> Callback:
        """Place a call, or the one that stands under ``key``."""
        self.asked.append((asker, wish, key))
        if (asker.owner, key) in self._keys:
            before, callback_id = self._keys[asker.owner, key]
            if before != wish:
                raise RefusedError("key-reused", 422, "Key used for something else", "Take a new key for each call.")
            return self.placed[callback_id]
        if asker.courier and isinstance(wish, (ByParcel, ByNumber)) and wish.courier != asker.courier:
            raise RefusedError("foreign-courier", 403, "Not this courier's token", "It is another courier's.")
        refusal = self._refuse(wish)
        if refusal is not None:
            raise refusal
        callback = Callback(f"cb{len(self.placed) + 1}", plan(wish), Status.REQUESTED, NOW, NOW)
        self._keys[asker.owner, key] = wish, callback.id
        self._owners[callback.id] = asker.owner
        self.placed[callback.id] = callback
        return callback

    async def refused(self, wish: Wish, refusal: RefusedError) -> None:
        """Keeps what a door did not let through."""
        self.refusals.append((wish, refusal))

    async def get(self, asker: Asker, callback_id: str) -> Callback | None:
        """The asker's own call."""
        return self.placed[callback_id] if self._owners.get(callback_id) == asker.owner else None

    async def cancel(self, asker: Asker, callback_id: str) -> Callback | None:
        """The asker's own call, which ends at once."""
        callback = await self.get(asker, callback_id)
        if callback is not None and not callback.is_final:
            callback = replace(callback, status=Status.FAILED, reason=Reason.CANCELLED, ended_at=NOW, cancel_asked=True)
            self.placed[callback_id] = callback
        return callback


def plan(wish: Wish) -> Plan:
    """Whom ``wish`` joins."""
    match wish:
        case ByParcel(courier, parcel):
            called = Party(SECRET_NUMBER, "recipient", "10", "Ivan")
            return Plan(Kind.CALLBACK, Party("79010000011", "courier", courier), called, courier, parcel)
        case ByNumber(courier, to):
            return Plan(Kind.CALLBACK, Party("79010000011", "courier", courier), Party(to), courier)
        case Click(extension, to):
            return Plan(Kind.CLICK, Party(extension, "employee"), Party(to))
        case ByPhones(caller, to):
            return Plan(Kind.CALLBACK, Party(caller), Party(to))
        case Test(caller, to):
            return Plan(Kind.TEST, Party(caller), Party(to))
