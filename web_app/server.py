"""Uvicorn inside our own loop: started and stopped like every other part."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import cast

import uvicorn
from fastapi import FastAPI

from web_app.door import Door

# A browser opens a connection before it needs one, so this is not the shortest that a network allows.
REQUEST_SECONDS = 10.0
# Those that wait in the kernel are taken all at once, before any can be turned away.
_BACKLOG = 64


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ``OSError`` when the address cannot be had."""
    listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    # asyncio does so only where a socket names its protocol; without it the body of an answer waits 40 ms for its head.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


@asynccontextmanager
async def serving(app: FastAPI, listening: socket.socket, door: Door, *, grace: int) -> AsyncIterator[None]:
    """Serves ``app`` inside the block; on leaving it, what runs may take ``grace`` seconds more."""
    config = uvicorn.Config(
        app,
        http=cast(type[asyncio.Protocol], door.protocol()),
        ws="none",
        log_config=None,
        log_level="error",  # what a peer sends that is no HTTP is not worth a line each time
        access_log=False,
        backlog=_BACKLOG,
        lifespan="off",
        timeout_graceful_shutdown=grace,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]), name="web")
    try:
        yield
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """Without signal handlers of its own: stopping is decided in one place."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield
