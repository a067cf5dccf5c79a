"""A peer for the AGI server's tests: a plain socket that plays Asterisk, byte for byte."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

from agi_app.server import AgiServer
from agi_app.session import Handler

REQUEST = (
    b"agi_network: yes\nagi_network_script: step\nagi_request: agi://127.0.0.1/step\nagi_channel: PJSIP/trunk-1\n"
    b"agi_callerid: 79161234567\nagi_threadid: 140307626190528\nagi_arg_1: s0\nagi_arg_2: RESULT\n\n"
)
SUCCESS = b"200 result=1\n"


class Asterisk:
    """One connection to the AGI server."""

    def __init__(self, peer: socket.socket) -> None:
        self.socket = peer

    async def send(self, data: bytes) -> None:
        """Sends all of ``data``."""
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def receive(self) -> bytes:
        """The next bytes; empty when the server closed, however it did."""
        with contextlib.suppress(ConnectionResetError):
            return await asyncio.get_running_loop().sock_recv(self.socket, 65536)
        return b""

    async def step(self) -> bytes:
        """A whole request; gives the command and waits for the server to close."""
        await self.send(REQUEST)
        line = await self.receive()
        if line:
            await self.send(SUCCESS)
            assert await self.receive() == b""
        self.close()
        return line

    def reset(self) -> None:
        """Closes with RST instead of FIN, as a killed machine's kernel does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Closes."""
        self.socket.close()


class Lines:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **details: Any) -> None:
        """Keeps one line."""
        self.lines.append((event, details))

    info = warning

    @property
    def events(self) -> list[str]:
        """The lines without their details."""
        return [event for event, _ in self.lines]


class Served(AgiServer):
    """A server on a free port of its own, and the peers that connected to it."""

    def __init__(self, handler: Handler, **options: Any) -> None:
        super().__init__(handler, port=0, **({"log": Lines()} | options))
        self.peers: list[Asterisk] = []

    async def connect(self) -> Asterisk:
        """A new peer; the server may not have accepted it yet."""
        peer = Asterisk(socket.socket())
        self.peers.append(peer)
        peer.socket.setblocking(False)
        await asyncio.get_running_loop().sock_connect(peer.socket, ("127.0.0.1", self.port))
        return peer


@contextlib.asynccontextmanager
async def serving(handler: Handler, **options: Any) -> AsyncIterator[Served]:
    """A running server; all its peers are closed in the end."""
    server = Served(handler, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop(grace=0)
        for peer in server.peers:
            peer.close()
