"""An AGI server that gives written answers: the dialplan alone is tried, with no Waybell behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class ScriptedAgi:
    """Answers every question with ``verb``, and ``hangup`` from a call's second question on.

    ``verb`` is what stands between the state and the note: ``dial,PJSIP/500,5,,``. ``asked`` holds the arguments
    (state, result, DID) of every question, in order.
    """

    def __init__(self, verb: str) -> None:
        self.verb = verb
        self.asked: list[tuple[str, ...]] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session: one question."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            environment = (await reader.readuntil(b"\n\n")).decode(errors="replace")
            lines = dict(line.split(": ", 1) for line in environment.splitlines() if ": " in line)
            arguments = tuple(lines.get(f"agi_arg_{number}", "") for number in (1, 2, 3))
            self.asked.append(arguments)
            verb = "hangup,16,,," if arguments[0] else self.verb
            note = f"step=asked\\;verb={verb.partition(',')[0]}"
            writer.write(f'SET VARIABLE WAYBELL_NEXT "asked.,{verb},{note},"\n'.encode())
            await reader.readline()
        writer.close()


@asynccontextmanager
async def scripted_agi(verb: str) -> AsyncIterator[ScriptedAgi]:
    """Such a server on a port of its own."""
    script = ScriptedAgi(verb)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    script.port = server.sockets[0].getsockname()[1]
    async with server:
        yield script
