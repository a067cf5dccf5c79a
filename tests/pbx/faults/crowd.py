"""Connections to the AGI port that want nothing, or begin and never go on; whoever is thrown out comes back."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

HALF_AN_ENVIRONMENT = b"agi_network: yes\nagi_network_script: step\nagi_request: agi://127.0.0.1/step\nagi_chan"
ENVIRONMENT = b"agi_network: yes\nagi_network_script: step\nagi_callerid: 79990000000\nagi_uniqueid: 1.1\n\n"

_AGAIN_SECONDS = 1.0
_FILES = 4096


class Crowd:
    """``size`` connections to ``port``, each of which sends ``said`` at once and nothing more.

    ``opened`` counts all there ever were. It holds its number: a closed one is opened again after a second.
    """

    def __init__(self, port: int, size: int, said: bytes) -> None:
        self.port, self.size = port, size
        self.opened = 0
        self._said = said
        self._tasks: list[asyncio.Task[None]] = []

    async def gather(self) -> None:
        """Returns when each of them was there once."""
        there = asyncio.Semaphore(0)
        self._tasks = [asyncio.create_task(self._stay(there)) for _ in range(self.size)]
        for _ in range(self.size):
            await there.acquire()

    async def disperse(self) -> None:
        """All of them leave."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stay(self, there: asyncio.Semaphore) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            self.opened += 1
            there.release()
            try:
                writer.write(self._said)
                while await reader.read(4096):
                    pass
            except OSError:
                pass
            finally:
                writer.close()
            await asyncio.sleep(_AGAIN_SECONDS)


@asynccontextmanager
async def crowd(port: int, size: int, said: bytes) -> AsyncIterator[Crowd]:
    """The crowd is there inside the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, hard), hard))
    around = Crowd(port, size, said)
    try:
        await around.gather()
        yield around
    finally:
        await around.disperse()


def open_files(pid: int) -> int:
    """How many file descriptors a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
