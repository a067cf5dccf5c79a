"""Somebody's web server that webhooks are sent to: it remembers everything, and answers as it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from lab.changes import Changes


@dataclass(frozen=True, slots=True)
class Received:
    """One request. ``at`` is the loop's time; header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def event(self) -> dict[str, Any]:
        """The body as JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    """``delay`` seconds before it; ``body`` is sent ``times`` times; ``hang``: no answer at all."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    times: int = 1
    delay: float = 0.0
    hang: bool = False


class Receiver:
    """``async with Receiver() as receiver: …``; ``reply`` decides on each request."""

    def __init__(self, reply: Callable[[Received], Reply] | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.reply: Callable[[Received], Reply] = reply or (lambda _: Reply())
        self.at_once = self.most_at_once = 0
        self.connections = 0
        self._tls = tls
        self._changes = Changes()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens; again at the same port after :meth:`stop`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Nobody is there any more."""
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hook"

    async def until(self, look: Callable[[Self], object], deadline: float = 15.0) -> None:
        """Returns once ``look`` is true. Raises ``TimeoutError``."""
        await self._changes.until(
            lambda: look(self) or None,
            deadline,
            lambda: str([one.headers.get("waybell-event") for one in self.received]),
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Received(head[0].split()[1], headers, body, asyncio.get_running_loop().time())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            reply = self.reply(request)
            await asyncio.sleep(reply.delay)
            if reply.hang:
                await asyncio.Event().wait()
        finally:
            self.at_once -= 1
        self.received.append(request)
        self._changes.tell()
        extra = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
        length = len(reply.body) * reply.times
        writer.write(f"HTTP/1.1 {reply.status} X\r\nContent-Length: {length}\r\n{extra}\r\n".encode())
        for _ in range(reply.times):
            writer.write(reply.body)
            await writer.drain()
        return True
