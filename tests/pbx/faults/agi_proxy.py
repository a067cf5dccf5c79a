"""Stands between Asterisk and a Waybell and ends their session at an exact byte; or a server that never answers."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

_RESET = struct.pack("ii", 1, 0)
_SESSION_SECONDS = 10.0

Happening = Callable[[], Awaitable[None]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a session ends: so many bytes of the environment, then of the answer, are let through; ``None`` is all.

    Less than 0 counts from the end. ``reset``: towards Asterisk it ends with an RST, else with a FIN.
    """

    environment: int | None = None
    answer: int | None = 0
    reset: bool = False


class AgiProxy:
    """Lets sessions through to ``upstream`` and ends each at ``cut``, where ``happening`` is awaited first.

    ``sessions`` counts those that Asterisk began, ``answers`` holds what Waybell said; ``asked`` is set as soon as a
    whole environment was let through.
    """

    def __init__(self, upstream: int, cut: Cut | None, happening: Happening | None = None) -> None:
        self.upstream, self.cut, self.happening = upstream, cut, happening
        self.sessions = 0
        self.answers: list[bytes] = []
        self.asked = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session."""
        self.sessions += 1
        waybell = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            async with asyncio.timeout(_SESSION_SECONDS):
                await self._session((reader, writer), waybell)
        finally:
            await _close(waybell[1])
            await _close(writer, reset=self.cut is not None and self.cut.reset)

    async def _session(self, asterisk: Streams, waybell: Streams) -> None:
        cut = self.cut or Cut(answer=None)
        waybell[1].write(await _environment(asterisk[0], cut.environment))
        await waybell[1].drain()
        if cut.environment is None:
            self.asked.set()
            if cut.answer != 0:
                await self._answer(asterisk, waybell, cut.answer)
        if self.happening is not None:
            await self.happening()
        if self.cut is None:
            waybell[1].write(await asterisk[0].readline())
            await waybell[0].read()

    async def _answer(self, asterisk: Streams, waybell: Streams, length: int | None) -> None:
        answer = await waybell[0].readline()
        self.answers.append(answer)
        asterisk[1].write(answer[:length])
        await asterisk[1].drain()


async def _environment(reader: asyncio.StreamReader, length: int | None) -> bytes:
    """Its first ``length`` bytes (the rest is not even read), all but so many of its last, or all of it."""
    if length is not None and length >= 0:
        return await reader.readexactly(length)
    return (await reader.readuntil(b"\n\n"))[:length]


@asynccontextmanager
async def proxied(upstream: int, cut: Cut | None, happening: Happening | None = None) -> AsyncIterator[AgiProxy]:
    """A proxy on a port of its own."""
    proxy = AgiProxy(upstream, cut, happening)
    async with _listening(proxy.serve) as proxy.port:
        yield proxy


@asynccontextmanager
async def hanging() -> AsyncIterator[int]:
    """The port of a server that accepts and then neither reads nor writes."""
    never = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await never.wait()
        finally:
            await _close(writer)

    async with _listening(hang) as port:
        try:
            yield port
        finally:
            never.set()


@asynccontextmanager
async def _listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


async def _close(writer: asyncio.StreamWriter, *, reset: bool = False) -> None:
    if reset:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
