"""How soon a call is on the live stream, and what it costs when somebody looks and when nobody does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.cpu import cpu_seconds
from bench.figures import percentile
from bench.rounds import Say
from lab.callbacks import client
from lab.live import Listener, listening
from lab.phone import Answer, Phone
from lab.stack import Stack, running_stack

_PERCENTILES = (50, 95, 99)
_CALLERS = ("79161000001", "79161000004", "79990000000")
_FIRST_DID = 74950000000
_TALK = 0.2


@dataclass(frozen=True, slots=True)
class Live:
    """``clients`` looked at ``calls`` calls. Milliseconds by percentile: from the INVITE on the wire to the event at a
    client; from the decision (the PBX's time) to the event that tells it.

    CPU milliseconds of Waybell a call, without, with one and with all of those clients; and CPU seconds an hour while
    the PBX is quiet, with nobody looking and with one client.
    """

    calls: int
    clients: int
    started_ms: dict[str, float]
    routed_ms: dict[str, float]
    cpu_ms_per_call: dict[str, float]
    idle_cpu_seconds_per_hour: dict[str, float]
    missed: int


async def measure_live(folder: Path, say: Say, *, calls: int, rate: float = 10.0, clients: int = 10) -> Live:
    """``calls`` calls, ``rate`` a second: first with nobody looking, then with one client and with ``clients``."""
    async with running_stack(folder / "live", only="agi,journal,web") as stack:
        stack.provider.default = stack.office.default = Answer(talk=_TALK)
        invited: dict[str, float] = {}
        await _place(stack, range(20), rate, invited)  # the first of each costs more
        say("calls with nobody at the live stream")
        idle = {"nobody": await _idle(stack.waybell.pid)}
        cpu = {"nobody": await _cost(stack, range(100, 100 + calls), rate, invited)}
        async with AsyncExitStack() as exits:
            desk = await exits.enter_async_context(client(stack, "operator"))
            listeners = [await exits.enter_async_context(listening(desk.http))]
            say("a client looks at a quiet PBX")
            idle["one"] = await _idle(stack.waybell.pid)
            say("calls with one client at the live stream")
            cpu["one"] = await _cost(stack, range(20_000, 20_000 + calls), rate, invited)
            listeners += [await exits.enter_async_context(listening(desk.http)) for _ in range(clients - 1)]
            say(f"calls with {clients} clients at the live stream")
            heard = range(40_000, 40_000 + calls)
            cpu[str(clients)] = await _cost(stack, heard, rate, invited)
            for one in listeners:
                await one.until(lambda now: _ends(now, heard) >= calls, 20)
            started, routed, missed = _times(listeners, invited, heard)
        await stack.pbx.kill9()
    return Live(calls, clients, _percentiles(started), _percentiles(routed), cpu, idle, missed)


async def _cost(stack: Stack, numbers: range, rate: float, invited: dict[str, float]) -> float:
    """CPU milliseconds of Waybell for each call."""
    before = cpu_seconds(stack.waybell.pid)
    await _place(stack, numbers, rate, invited)
    return (cpu_seconds(stack.waybell.pid) - before) * 1000 / len(numbers)


async def _idle(pid: int, seconds: float = 15.0) -> float:
    before = cpu_seconds(pid)
    await asyncio.sleep(seconds)
    return (cpu_seconds(pid) - before) * 3600 / seconds


async def _place(stack: Stack, numbers: range, rate: float, invited: dict[str, float]) -> None:
    """Every call to its end; when each INVITE left stands in ``invited``, by what was dialled."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def one(place: int, number: int) -> None:
        await asyncio.sleep(began + place / rate - loop.time())
        did = str(_FIRST_DID + number)
        invited[did] = loop.time()
        call = await Phone.call(stack.provider, did, _CALLERS[number % len(_CALLERS)])
        await call.ended(20)

    await asyncio.gather(*(one(place, number) for place, number in enumerate(numbers)))


def _ends(listener: Listener, numbers: range) -> int:
    return sum(event.type == "call.ended" and _is_of(str(event.call["dialed"]), numbers) for event in listener.events)


def _is_of(did: str, numbers: range) -> bool:
    return int(did) - _FIRST_DID in numbers


def _times(
    listeners: list[Listener], invited: Mapping[str, float], numbers: range
) -> tuple[list[float], list[float], int]:
    started, routed, wanted = [], [], len(listeners) * len(numbers)
    to_wall = time.time() - asyncio.get_running_loop().time()
    for listener in listeners:
        for event in listener.events:
            if "call" not in event.data or not _is_of(str(event.call["dialed"]), numbers):
                continue
            if event.type == "call.started":
                started.append((event.at - invited[str(event.call["dialed"])]) * 1000)
            elif event.type == "call.routed":
                decided = datetime.fromisoformat(event.data["time"]).timestamp()
                routed.append((event.at + to_wall - decided) * 1000)
    return started, routed, wanted - len(started)


def _percentiles(values: list[float]) -> dict[str, float]:
    found = {f"p{percent}": percentile(values, percent) for percent in _PERCENTILES}
    return found | {"max": max(values)}
