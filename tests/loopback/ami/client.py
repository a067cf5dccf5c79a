"""A client for the AMI server's tests: a plain socket that sends what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

from ami_app.server import AmiServer
from tests.unit.ami.company import FakeCallbacks, Lines, user


class Client:
    """One connection to the AMI server."""

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

    async def until(self, end: bytes) -> bytes:
        """Everything up to ``end``, or to the server's closing."""
        read = b""
        while not read.endswith(end) and (more := await self.receive()):
            read += more
        return read

    async def rest(self) -> bytes:
        """Everything up to the server's closing."""
        read = b""
        while more := await self.receive():
            read += more
        return read

    async def ask(self, data: bytes) -> bytes:
        """Sends a message and gives its answer."""
        await self.send(data)
        return await self.until(b"\r\n\r\n")

    def reset(self) -> None:
        """Closes with RST instead of FIN, as a killed machine's kernel does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Closes."""
        self.socket.close()


class Served(AmiServer):
    """A server on a free port of its own, what is behind it, and the clients that connected to it."""

    def __init__(self, **options: Any) -> None:
        self.callbacks = FakeCallbacks()
        self.lines = Lines()
        self.clients: list[Client] = []
        users = options.pop("users", [user()])
        super().__init__(self.callbacks, users, port=0, **({"log": self.lines} | options))

    async def connect(self) -> Client:
        """A new client; the server may not have accepted it yet."""
        client = Client(socket.socket())
        self.clients.append(client)
        client.socket.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client.socket, ("127.0.0.1", self.port))
        return client


@contextlib.asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Served]:
    """A running server; all its clients are closed in the end."""
    server = Served(**options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop(grace=0)
        for client in server.clients:
            client.close()
