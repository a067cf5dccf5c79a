"""Waiting for a file to say something, woken by the kernel (inotify), not by a clock."""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable
from pathlib import Path

from lab.changes import Changes, Value

_MODIFIED, _CREATED = 0x2, 0x100
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC


async def until_file(path: Path, look: Callable[[str], Value | None], deadline: float = 5.0) -> Value:
    """The first true value of ``look(text of path)``; its folder must exist, the file need not yet.

    Raises ``TimeoutError`` after ``deadline`` seconds, with the end of what the file held.
    """
    changes = Changes()
    loop = asyncio.get_running_loop()
    watch = _watch(path.parent)
    loop.add_reader(watch, lambda: _drain(watch, changes))
    try:
        return await changes.until(lambda: look(_text(path)), deadline, lambda: f"{path} says {_text(path)[-2000:]!r}")
    finally:
        loop.remove_reader(watch)
        os.close(watch)


def _watch(folder: Path) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    watch = int(libc.inotify_init1(_NONBLOCK_CLOEXEC))
    if watch < 0 or libc.inotify_add_watch(watch, os.fsencode(folder), _MODIFIED | _CREATED) < 0:
        raise OSError(ctypes.get_errno(), f"inotify on {folder}")
    return watch


def _drain(watch: int, changes: Changes) -> None:
    os.read(watch, 65536)
    changes.tell()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
