"""Stands between Asterisk and a Waybell and ends their session at an exact byte, or is a server that does not answer."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

_RESET = struct.pack("ii", 1, 0)
_STEP_SECONDS = 10.0

Happening = Callable[[], Awaitable[None]]


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

    ``served`` counts the sessions that Asterisk began, ``passed`` holds the answers that Waybell gave.
    """

    def __init__(self, upstream: int, cut: Cut, happening: Happening | None = None) -> None:
        self.upstream, self.cut, self.happening = upstream, cut, happening
        self.served = 0
        self.passed: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session."""
        self.served += 1
        async with asyncio.timeout(_STEP_SECONDS):
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self.upstream)
            try:
                await self._session(reader, writer, upstream_reader, upstream)
            finally:
                await _close(upstream)
                await _close(writer, reset=self.cut.reset)

    async def _session(
        self,
        asterisk: asyncio.StreamReader,
        to_asterisk: asyncio.StreamWriter,
        waybell: asyncio.StreamReader,
        to_waybell: asyncio.StreamWriter,
    ) -> None:
        at = self.cut.environment
        read = asterisk.readexactly(at) if at is not None and at >= 0 else asterisk.readuntil(b"\n\n")
        to_waybell.write((await read)[: at if at is not None else None])
        await to_waybell.drain()
        if at is None and self.cut.answer != 0:
            answer = await waybell.readline()
            self.passed.append(answer)
            to_asterisk.write(answer[: self.cut.answer])
            await to_asterisk.drain()
        if self.happening is not None:
            await self.happening()


@asynccontextmanager
async def cutting(upstream: int, cut: Cut, happening: Happening | None = None) -> AsyncIterator[AgiProxy]:
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
