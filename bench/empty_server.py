"""The floor: our own FastAGI server with a handler that looks nothing up. ``python -m bench.empty_server PORT``."""

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop

from agi_app.commands import Command, set_variable
from agi_app.events import Environment
from agi_app.server import AgiServer
from waybell.routing.verbs import VARIABLE


async def decide(request: Environment) -> Command:
    """Whom to ring is what was dialled (see :mod:`bench.traffic`)."""
    return set_variable(VARIABLE, answer(request.args[2]))


def answer(dialled: str) -> str:
    """One step as the dialplan reads it, of as many parts as :func:`waybell.routing.verbs.answer` gives."""
    match dialled[0]:
        case "1":
            dial = f"PJSIP/{dialled[1:]}@trunk"
        case "2":
            dial = f"PJSIP/{dialled[1:5]}&PJSIP/{dialled[5:]}"
        case _:
            dial = "PJSIP/500"
    return f"1,dial,{dial},25,74951234567,,step=empty;verb=dial;why=empty;source=fallback,"


async def serve(port: int) -> None:
    """Until SIGTERM; says "ready" on standard output."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = AgiServer(decide, port=port)
    await server.start()
    print("ready", flush=True)
    await stop.wait()
    await server.stop()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
