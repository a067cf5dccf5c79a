"""A TCP connection that can be broken: with a reset, or silently as a firewall does that forgot it."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Self

_RESET = struct.pack("ii", 1, 0)


class Wire:
    """``async with Wire(port) as wire:`` passes everything on to ``port`` of this machine, from ``wire.port``.

    ``connections`` counts those that came; with ``refusing`` they are reset at once.
    """

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.connections = 0
        self.refusing = False
        self._open: set[_Link] = set()
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.reset()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def reset(self) -> None:
        """Ends every connection with an RST, on both sides."""
        for link in list(self._open):
            link.reset()

    def hush(self) -> None:
        """From now on no byte of the connections that are open gets through, and neither side learns it."""
        for link in self._open:
            link.silent = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._serving.add(asyncio.current_task())  # type: ignore[arg-type] # there is one
        if self.refusing:
            _abort(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            _abort(writer)
            return
        link = _Link(writer, far_writer)
        self._open.add(link)
        try:
            await asyncio.gather(link.pump(reader, far_writer), link.pump(far_reader, writer))
        finally:
            self._open.discard(link)
            link.reset()


class _Link:
    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self.silent = False
        self._writers = writers

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until either side ends."""
        with suppress(OSError):
            while data := await reader.read(65536):
                if not self.silent:
                    writer.write(data)
                    await writer.drain()
        if not self.silent:
            writer.close()

    def reset(self) -> None:
        """RST to both sides."""
        self.silent = False
        for writer in self._writers:
            _abort(writer)


def _abort(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, AttributeError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
