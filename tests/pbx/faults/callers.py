"""Callers who keep a log of their own: what a test holds the event log and the journal against.

Every call dials a number (DID) of its own, so one call can be found again in Asterisk's log and in the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from lab import sip
from lab.changes import Changes
from lab.dialog import Ended
from lab.phone import Answer
from lab.stack import Stack

ANNA, DARIA, GLEB, STRANGER = "79161000001", "79161000004", "79161000003", "79990000000"
BORIS, SEMYON, OFFICE = "79010000011", "79010000012", "500"
COURIER_OF = {ANNA: BORIS, DARIA: SEMYON}

_FIRST_DID = 74950000000
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Placed:
    """A call as its caller saw it. ``rang_after``: seconds from the INVITE to the first ringing or answer."""

    did: str
    caller: str
    rang_after: float
    ended: Ended


class Callers:
    """``await Callers(stack).call(ANNA)``; ``log`` holds all calls that are over."""

    def __init__(self, stack: Stack, talk: float | None = 0.1) -> None:
        self.stack = stack
        self.log: list[Placed] = []
        self._dids = _FIRST_DID
        self._changes = Changes()
        for phone in (stack.provider, stack.office):
            phone.calls.clear()
            phone.behaviours = {}
            phone.default = Answer(talk=talk)

    def next_did(self) -> str:
        """A number that nobody dialled before."""
        self._dids += 1
        self._changes.tell()
        return str(self._dids)

    async def begun(self, calls: int) -> None:
        """Returns when ``calls`` have been placed."""
        await self._changes.until(lambda: self._dids - _FIRST_DID >= calls, _PATIENCE, lambda: f"{calls} calls placed")

    async def call(self, caller: str, *, headers: sip.Headers = (), patience: float = 10.0) -> Placed:
        """The whole call, to the hang-up of whoever answers. Raises ``TimeoutError`` when nobody rings or ends it."""
        did, clock = self.next_did(), asyncio.get_running_loop().time
        started = clock()
        call = await self.stack.provider.call(did, caller, headers=headers)
        await call.ringing(patience)
        rang_after = clock() - started
        placed = Placed(did, caller, rang_after, await call.ended(patience))
        self.log.append(placed)
        return placed

    async def at_once(self, callers: Iterable[str]) -> list[Placed]:
        """All of them in the same moment."""
        return await asyncio.gather(*(self.call(caller) for caller in callers))

    async def in_turn(self, callers: Iterable[str], every: float) -> list[Placed]:
        """One begins every ``every`` seconds, whether or not the one before is over."""
        tasks = []
        for caller in callers:
            tasks.append(asyncio.create_task(self.call(caller)))
            await asyncio.sleep(every)
        return await asyncio.gather(*tasks)

    @property
    def dids(self) -> list[str]:
        """What was dialled, sorted: each once."""
        return sorted(placed.did for placed in self.log)

    def rung(self) -> list[str]:
        """Every INVITE that reached a phone, by the number rung, sorted."""
        return sorted(call.user for phone in (self.stack.provider, self.stack.office) for call in phone.calls)
