"""How long Waybell does not know what its calls do, after the connection that tells it of them was lost.

Four calls are up when it is cut, and each goes on meanwhile; ``TOLD`` says how. Every time counts from the cut. A
silent one, as a firewall makes it, nobody can notice before a ping goes unanswered, and that time is among them.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.figures import percentile
from bench.placing import NO_LIMITS
from bench.rounds import Say
from lab.asterisk import Asterisk
from lab.callbacks import FINAL, CallingStack, calling_stack
from lab.crm_data import Company
from lab.mariadb import Database, MariaDB
from lab.phone import NO_ANSWER, Answer, IncomingCall
from lab.waybell_process import Section, free_port
from lab.wire import Wire

HOW = ("reset", "silent")
RECONNECTED = "reconnected"
TOLD: Mapping[str, str] = {
    "talked": "done",  # for some time before the cut, and hung up after it
    "answered": "talking",  # rang the recipient before it
    "just begun": "done",  # began to talk just before it, and hung up after it
    "just rung": "failed",  # rang the courier just before it, who declined after it
}
# Of what changed less than 3 s ago Waybell does not believe that it is gone.
_SETTLED_SECONDS = 3.5
_CHECKED_SECONDS = 2.0
_DEADLINE = 30.0


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """Seconds by how the connection was cut, by what (``RECONNECTED`` or one of ``TOLD``), as ``p50`` and ``max``."""

    rounds: int
    seconds: dict[str, dict[str, dict[str, float]]]


async def measure_reconnecting(
    server: MariaDB, crm: Database, company: Company, folder: Path, say: Say, *, rounds: int
) -> Reconnecting:
    """``rounds`` cuts of each kind."""
    changes: dict[str, Section] = {
        "crm": {"url": crm.reader()},
        "store": {"url": server.database().store()},
        "calls": {"ring_seconds": 60},
        "callbacks": {**NO_LIMITS, "confirm": False},
    }
    chance = random.Random(7)
    seen: dict[str, list[Mapping[str, float]]] = {how: [] for how in HOW}
    async with _behind_a_wire(folder / "reconnecting", changes) as (here, wire):
        for number in range(rounds):
            for place, how in enumerate(HOW):
                say(f"cutting the event connection, {how}, {number + 1} of {rounds}")
                calls = _Calls(here, company, 1 + 100 * (number * len(HOW) + place))
                seen[how].append(await _round(here, wire, calls, how, chance))
    return Reconnecting(rounds, {how: _figures(times) for how, times in seen.items()})


@asynccontextmanager
async def _behind_a_wire(folder: Path, changes: Mapping[str, Section]) -> AsyncIterator[tuple[CallingStack, Wire]]:
    port = free_port()
    async with Wire(port) as wire:
        behind = {**changes, "ari": {"url": f"http://127.0.0.1:{wire.port}"}}
        pbx = Asterisk(settings={"http_port": str(port)})
        async with calling_stack(folder, changes=behind, pbx=pbx) as here:
            yield here, wire


class _Calls:
    """The four calls of a round, each of a courier and a parcel of its own, from parcel ``first`` on."""

    def __init__(self, here: CallingStack, company: Company, first: int) -> None:
        self._here, self._company = here, company
        self._parcels = {what: first + 2 * place for place, what in enumerate(TOLD)}  # odd: in a courier's hands
        self.ids: dict[str, str] = {}

    async def begin(self, what: str, until: str, **rings: bool) -> None:
        """Places it; ``rings``: whether the ``courier`` or the ``recipient`` lets it ring."""
        for who, number in (("courier", self._courier(what)), ("recipient", self._recipient(what))):
            self._here.stack.provider.behaviours[number] = NO_ANSWER if rings.get(who) else Answer()
        parcel = self._parcels[what]
        courier = str(self._company.courier_of(parcel))
        self.ids[what] = await self._here.app.placed(str(uuid.uuid4()), courier=courier, parcel=str(parcel))
        await self._here.app.until(self.ids[what], until)
        rung = self._courier(what) if rings.get("courier") else self._recipient(what)
        await self._here.stack.provider.called(rung)

    async def go_on(self) -> None:
        """Lets each do what it does unseen; returns when Asterisk has heard of all."""
        hung_up = ("talked", "just begun")
        (await self._leg(self._courier("just rung"))).refuse(486, b"Busy Here")
        await (await self._leg(self._recipient("answered"))).pick_up()
        await asyncio.gather(*[(await self._leg(self._recipient(what))).hangup() for what in hung_up])
        await asyncio.gather(*[(await self._leg(self._courier(what))).ended() for what in hung_up])

    async def known(self, what: str, began: float) -> float:
        """Seconds from ``began`` until Waybell says of it what is so."""
        await self._here.app.until(self.ids[what], TOLD[what], deadline=_DEADLINE)
        return asyncio.get_running_loop().time() - began

    async def end(self) -> None:
        """Ends what is left."""
        for callback in self.ids.values():
            await self._here.app.http.delete(f"/callbacks/{callback}")
            await self._here.app.until(callback, *FINAL)

    async def _leg(self, number: str) -> IncomingCall:
        return await self._here.stack.provider.called(number)

    def _courier(self, what: str) -> str:
        return self._company.courier_number(self._company.courier_of(self._parcels[what]))

    def _recipient(self, what: str) -> str:
        return self._company.recipient_number(self._parcels[what])


async def _round(here: CallingStack, wire: Wire, calls: _Calls, how: str, chance: random.Random) -> dict[str, float]:
    await calls.begin("talked", "talking")
    await calls.begin("answered", "calling_recipient", recipient=True)
    # At any moment between two of Waybell's own checks.
    await asyncio.sleep(_SETTLED_SECONDS + chance.uniform(0, _CHECKED_SECONDS))
    await calls.begin("just begun", "talking")
    await calls.begin("just rung", "calling_courier", courier=True)
    began = asyncio.get_running_loop().time()
    reconnected = asyncio.create_task(_reconnected(here, began))
    # As long as nobody has gone on, nobody comes through: what happens is to be unseen.
    wire.refusing = how == "reset"
    wire.reset() if how == "reset" else wire.hush()
    await calls.go_on()
    wire.refusing = False
    known = await asyncio.gather(*(calls.known(what, began) for what in TOLD))
    times = dict(zip(TOLD, known, strict=True)) | {RECONNECTED: await reconnected}
    await calls.end()
    return times


async def _reconnected(here: CallingStack, began: float) -> float:
    """Seconds until Waybell, having missed its connection, has one again; by its own word."""
    url = str(here.admin.http.base_url).replace("/api/v1/", "/health/ready")
    async with asyncio.timeout(_DEADLINE):
        for wanted in (False, True):
            while (await here.admin.http.get(url)).json()["parts"]["ari"] is not wanted:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.002)
    return asyncio.get_running_loop().time() - began


def _figures(rounds: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    columns = {what: [times[what] for times in rounds] for what in (RECONNECTED, *TOLD)}
    return {what: {"p50": percentile(times, 50), "max": max(times)} for what, times in columns.items()}
