"""Recordings on another machine, read over SSH (``sftp://user:password@host:port/folder``). It never blocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from waybell.recordings.sounds import Facts, MissingError, UnavailableError
from waybell.recordings.threads import Threads


class SftpPlace:
    """``options`` are those of ``asyncssh.connect``: ``client_keys``, ``known_hosts``, …

    The host's key must be known, as ssh has it: in ``~/.ssh/known_hosts`` unless ``known_hosts`` names a file.
    """

    def __init__(self, url: str, options: Mapping[str, Any], seconds: float, threads: Threads) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._folder = unquote(parts.path).rstrip("/")
        named = {"port": parts.port, "username": parts.username, "password": parts.password}
        given = {key: unquote(value) if isinstance(value, str) else value for key, value in named.items() if value}
        self._options = {"connect_timeout": seconds, "login_timeout": seconds} | given | dict(options)
        self._seconds = seconds
        self._threads = threads

    async def open(self, file: str) -> SftpSound:
        """See :class:`~waybell.recordings.sounds.Place`."""
        async with self._in_time(file):
            connection = await self._connected()
            try:
                client = await connection.start_sftp_client()
                opened = await client.open(f"{self._folder}/{file}", "rb")
                found = await opened.stat()
            except BaseException:
                connection.abort()
                raise
        return SftpSound(connection, opened, Facts(found.size or 0, f"{found.size}-{found.mtime}"), self._in_time)

    async def remove(self, file: str) -> None:
        """See :class:`~waybell.recordings.sounds.Place`."""
        async with self._in_time(file):
            connection = await self._connected()
            try:
                await (await connection.start_sftp_client()).remove(f"{self._folder}/{file}")
            finally:
                connection.abort()

    async def look(self) -> None:
        """See :class:`~waybell.recordings.sounds.Place`."""
        async with self._in_time(self._folder):
            connection = await self._connected()
            try:
                await (await connection.start_sftp_client()).listdir(self._folder or ".")
            finally:
                connection.abort()

    async def _connected(self) -> Any:
        # Half a second of reading code: not in the thread that routes calls.
        await self._threads.run(_load, 60)
        import asyncssh

        return await asyncssh.connect(self._host, **self._options)

    @asynccontextmanager
    async def _in_time(self, what: str = "") -> AsyncIterator[None]:
        """What goes wrong within the block, as our own errors."""
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except TimeoutError:
            raise UnavailableError(f"no answer within {self._seconds:g} seconds", slow=True) from None
        except UnavailableError:
            raise
        except Exception as error:
            if type(error).__name__ in ("SFTPNoSuchFile", "SFTPNoSuchPath"):
                raise MissingError(what) from None
            raise UnavailableError(f"{type(error).__name__}: {error}"[:300]) from error


class SftpSound:
    """An open file; see :class:`~waybell.recordings.sounds.Sound`."""

    def __init__(self, connection: Any, opened: Any, facts: Facts, in_time: Any) -> None:
        self.facts = facts
        self._connection = connection
        self._opened = opened
        self._in_time = in_time

    async def read(self, start: int, end: int) -> bytes:
        """See :class:`~waybell.recordings.sounds.Sound`."""
        async with self._in_time():
            return bytes(await self._opened.read(end - start, start))

    async def close(self) -> None:
        """See :class:`~waybell.recordings.sounds.Sound`."""
        self._connection.abort()


def _load() -> None:
    import asyncssh  # noqa: F401
