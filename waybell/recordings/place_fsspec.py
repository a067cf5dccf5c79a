"""Recordings in a place that fsspec reads: ``file://``, ``ftp://``, ``s3://``. It blocks, so threads do it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from waybell.recordings.sounds import Facts, MissingError, UnavailableError
from waybell.recordings.threads import Threads

_VERSIONED_BY = ("mtime", "modify", "LastModified", "ETag")


class FsspecPlace:
    """``url`` names the folder; ``options`` are fsspec's. Every answer is had within ``seconds`` or not at all."""

    def __init__(self, url: str, options: Mapping[str, Any], seconds: float, threads: Threads) -> None:
        self._url, account = _without_account(url)
        self._options = _patience(url.partition("://")[0], seconds) | account | dict(options)
        self._seconds = seconds
        self._threads = threads

    async def open(self, file: str) -> FsspecSound:
        """See :class:`~waybell.recordings.sounds.Place`."""
        return await self._threads.run(lambda: self._open(file), self._seconds)

    async def remove(self, file: str) -> None:
        """See :class:`~waybell.recordings.sounds.Place`."""
        await self._threads.run(lambda: self._remove(file), self._seconds)

    async def look(self) -> None:
        """See :class:`~waybell.recordings.sounds.Place`."""
        await self._threads.run(self._look, self._seconds)

    def _open(self, file: str) -> FsspecSound:
        try:
            files, folder = self._connected()
            path = f"{folder.rstrip('/')}/{file}"
            facts = files.info(path)
            if facts.get("type") != "file":
                raise MissingError(file)
            opened = files.open(path, "rb", cache_type="none")
            return FsspecSound(opened, files, _facts(facts), self._seconds, self._threads)
        except (FileNotFoundError, NotADirectoryError):
            raise MissingError(file) from None
        except MissingError:
            raise
        except Exception as error:
            raise _unavailable(error) from error

    def _remove(self, file: str) -> None:
        try:
            files, folder = self._connected()
            files.rm_file(f"{folder.rstrip('/')}/{file}")
        except (FileNotFoundError, NotADirectoryError):
            raise MissingError(file) from None
        except Exception as error:
            raise _unavailable(error) from error

    def _look(self) -> None:
        try:
            files, folder = self._connected()
            files.ls(folder, detail=False)
        except FileNotFoundError:
            raise MissingError(self._url) from None
        except Exception as error:
            raise _unavailable(error) from error

    def _connected(self) -> tuple[Any, str]:
        """A connection of this reader's own: none of them is fit for two threads."""
        import fsspec

        files, path = fsspec.url_to_fs(self._url, skip_instance_cache=True, **self._options)
        return files, str(path)


class FsspecSound:
    """An open file; see :class:`~waybell.recordings.sounds.Sound`."""

    def __init__(self, opened: Any, files: Any, facts: Facts, seconds: float, threads: Threads) -> None:
        self.facts = facts
        self._opened = opened
        self._files = files
        self._seconds = seconds
        self._threads = threads

    async def read(self, start: int, end: int) -> bytes:
        """See :class:`~waybell.recordings.sounds.Sound`."""
        return await self._threads.run(lambda: self._read(start, end), self._seconds)

    async def close(self) -> None:
        """See :class:`~waybell.recordings.sounds.Sound`."""
        with suppress(Exception):
            await self._threads.run(self._close, self._seconds)

    def _read(self, start: int, end: int) -> bytes:
        try:
            self._opened.seek(start)
            return bytes(self._opened.read(end - start))
        except Exception as error:
            raise _unavailable(error) from error

    def _close(self) -> None:
        with suppress(Exception):
            self._opened.close()
        if ftp := getattr(self._files, "ftp", None):
            ftp.close()


def _patience(scheme: str, seconds: float) -> dict[str, Any]:
    """So that what nobody waits for any more ends by itself."""
    if scheme == "ftp":
        return {"timeout": seconds}
    if scheme == "s3":
        waits = {"connect_timeout": seconds, "read_timeout": seconds, "retries": {"max_attempts": 1}}
        return {"config_kwargs": waits}
    return {}


def _without_account(url: str) -> tuple[str, dict[str, Any]]:
    """``url`` as fsspec has it, where a percent sign is a letter like any other, and who we are there."""
    parts = urlsplit(url)
    if parts.scheme == "s3":
        return url, {}
    host = parts.netloc.rpartition("@")[2]
    account = {"username": unquote(parts.username), "password": unquote(parts.password or "")} if parts.username else {}
    return f"{parts.scheme}://{host}{unquote(parts.path)}", account


def _facts(found: Mapping[str, Any]) -> Facts:
    version = "\n".join(str(found[name]) for name in ("size", *_VERSIONED_BY) if name in found)
    return Facts(int(found["size"]), hashlib.sha256(version.encode()).hexdigest()[:20])


def _unavailable(error: Exception) -> UnavailableError:
    slow = isinstance(error, TimeoutError)
    return UnavailableError(f"{type(error).__name__}: {error}"[:300], slow=slow)
