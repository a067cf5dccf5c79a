"""Has a PDF made in a process of its own: what it takes is given back, and what hangs there hangs nothing here.

Two at a time; who comes while they are made waits.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Final

from waybell.attempts.telling import Told

NO_FONT: Final = 3
"""The exit code of a process that found no font."""

_AT_ONCE = 2
_SECONDS = 15.0


class NoFontError(Exception):
    """There is no font to draw letters with; the text says what to do."""


class PrintingError(Exception):
    """No PDF came out; the text says what did."""


class Printer:
    """``font``: a path, or empty for one of the system's."""

    def __init__(self, font: str = "", seconds: float = _SECONDS) -> None:
        self._font, self._seconds = font, seconds
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def pdf(self, told: Told, made_at: str) -> bytes:
        """``told`` as a file; ``made_at`` is ISO 8601. Raises :class:`NoFontError` and :class:`PrintingError`."""
        asked = json.dumps({"told": asdict(told), "font": self._font, "made_at": made_at})
        try:
            async with asyncio.timeout(self._seconds), self._room:
                return await _run(asked.encode())
        except TimeoutError:
            raise PrintingError(f"it was not made within {self._seconds:g} seconds") from None


async def _run(asked: bytes) -> bytes:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "waybell.attempts.pdf"), stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        made, said = await process.communicate(asked)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode == NO_FONT:
        raise NoFontError(said.decode(errors="replace")[:500])
    if process.returncode:
        raise PrintingError(said.decode(errors="replace")[-2000:])
    return made
