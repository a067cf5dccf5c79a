"""Recordings by their ids: what there is of them, and their sound."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import structlog

from waybell.recordings.place_fsspec import FsspecPlace
from waybell.recordings.place_sftp import SftpPlace
from waybell.recordings.sounds import BusyError, Facts, MissingError, Place, Sound, UnavailableError
from waybell.recordings.threads import Threads
from waybell.routing.extras import recording_file

_LOOKS_AT_ONCE = 4
_log = structlog.get_logger("recordings")


def place(url: str, options: Iterable[str], seconds: float, threads: Threads) -> Place:
    """The place that ``recordings.url`` and ``recordings.options`` name."""
    kind = SftpPlace if url.startswith("sftp://") else FsspecPlace
    return kind(url, dict(map(_option, options)), seconds, threads)


class Library:
    """Reads at most ``at_once`` recordings at a time; looking whether one is there has room of its own."""

    def __init__(self, url: str, options: Iterable[str] = (), *, seconds: float = 5.0, at_once: int = 8) -> None:
        named = tuple(options)
        self._reading = place(url, named, seconds, Threads(at_once))
        self._looking = place(url, named, seconds, Threads(_LOOKS_AT_ONCE))
        self._free = at_once
        self._looks = asyncio.Semaphore(_LOOKS_AT_ONCE)

    async def facts(self, id_: str) -> Facts | None:
        """What is known of the file; ``None``: there is none. Raises :class:`UnavailableError`."""
        async with self._looks:
            try:
                sound = await self._looking.open(recording_file(id_))
            except (MissingError, ValueError):
                return None
            facts = sound.facts
            await sound.close()
            return facts

    async def remove(self, id_: str) -> bool:
        """Deletes the file; ``False`` when there was none. Raises :class:`UnavailableError`."""
        try:
            await self._looking.remove(recording_file(id_))
        except (MissingError, ValueError):
            return False
        return True

    @asynccontextmanager
    async def sound(self, id_: str) -> AsyncIterator[Sound]:
        """The open file. Raises :class:`MissingError`, :class:`UnavailableError` and :class:`BusyError`."""
        if self._free <= 0:
            raise BusyError
        self._free -= 1
        try:
            sound = await self._opened(id_)
            try:
                yield sound
            finally:
                await asyncio.shield(sound.close())
        finally:
            self._free += 1

    async def _opened(self, id_: str) -> Sound:
        try:
            return await self._reading.open(recording_file(id_))
        except ValueError:
            raise MissingError(id_) from None
        except UnavailableError as error:
            _log.warning("recordings cannot be read", problem=str(error), what_to_do="waybell check")
            raise


def _option(text: str) -> tuple[str, Any]:
    """``name=value``; a value that is JSON is what it says, any other is text."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
