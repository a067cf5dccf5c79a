"""The event log and the files it was rotated to: which they are, in which order they were written.

A rotated log keeps its content but not its name, and compressing gives it a new inode too. So a file is known by its
first line, which holds a time in microseconds and a channel's unique id.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

_HEAD = 512
_TIME = re.compile(rb'"([0-9]{1,10})\.([0-9]{6})"')

READ_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)
"""What reading a damaged compressed file raises."""


@dataclass(frozen=True, slots=True)
class LogId:
    """A file by its content: hash of its first line, and the time of its first record (microseconds, 0: none)."""

    key: str
    first_at: int


@dataclass(frozen=True, slots=True)
class Place:
    """A byte in a log, counted in the uncompressed file."""

    log: LogId
    offset: int


@dataclass(frozen=True, slots=True)
class Log:
    """One file of the log as it is now called. ``id`` is ``None`` while its first line is not finished."""

    path: Path
    id: LogId | None

    @property
    def compressed(self) -> bool:
        """Whether it is gzip."""
        return self.path.suffix == ".gz"

    def open(self) -> IO[bytes]:
        """The uncompressed bytes. Raises :class:`OSError`."""
        if self.compressed:
            return cast(IO[bytes], gzip.open(self.path, "rb"))
        return self.path.open("rb", buffering=0)


def identify(head: bytes) -> LogId | None:
    """The identity of a file that begins with ``head``, or ``None`` when its first line is not finished yet."""
    line, found, _ = head[:_HEAD].partition(b"\n")
    if not found and len(head) < _HEAD:
        return None
    time = _TIME.search(line)
    return LogId(hashlib.sha256(line).hexdigest()[:32], int(time[1] + time[2]) if time else 0)


def head_of(file: IO[bytes]) -> bytes:
    """The first bytes of a plain open file, wherever it is being read."""
    return os.pread(file.fileno(), _HEAD, 0)


def logs_of(path: Path) -> list[Log]:
    """All files of the log ``path`` in the order in which they were written; ``path`` itself, if it is there, last.

    Two files with the same content (a copy, or one just being compressed) are given once. Files that vanish or may
    not be read meanwhile are left out. Raises :class:`OSError` when the folder or ``path`` itself may not be read.
    """
    found: dict[str, Log] = {}
    current = _current(path)
    for candidate in sorted(path.parent.iterdir(), key=lambda other: (other.suffix == ".gz", other.name)):
        if candidate != path and _is_rotated(candidate.name, path) and (log := _inspect(candidate)):
            found.setdefault(log.id.key if log.id else "", log)
    if current and current.id:
        found.pop(current.id.key, None)
    older = sorted((log for log in found.values() if log.id), key=lambda log: log.id.first_at if log.id else 0)
    return [*older, current] if current else older


def after(logs: list[Log], place: Place | None) -> list[tuple[Log, int]]:
    """Which of ``logs`` to read from where, to go on from ``place``; all of them when there is none.

    Is its file gone, it goes on with the first that was begun later, else with the current one.
    """
    if place is None:
        return [(log, 0) for log in logs]
    for number, log in enumerate(logs):
        if log.id is not None and log.id.key == place.log.key:
            return [(log, place.offset), *((later, 0) for later in logs[number + 1 :])]
    later = [log for log in logs if log.id is None or log.id.first_at > place.log.first_at]
    return [(log, 0) for log in later or logs[-1:]]


def _current(path: Path) -> Log | None:
    try:
        with path.open("rb", buffering=0) as file:
            return Log(path, identify(head_of(file)))
    except FileNotFoundError:
        return None


def _inspect(path: Path) -> Log | None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with Log(path, None).open() as file:
            identity = identify(file.read(_HEAD) or b"")
    except (OSError, *READ_ERRORS):
        return None
    return Log(path, identity) if identity else None


def _is_rotated(name: str, path: Path) -> bool:
    """``waybell.csv.1``, ``waybell.csv-20261121.gz``, and with logrotate's ``extension``: ``waybell-20261121.csv``."""
    if name.startswith((path.name + ".", path.name + "-")):
        return True
    tail = re.escape(path.suffix) + r"(\.gz)?"
    return re.fullmatch(re.escape(path.stem) + r"[-.][0-9][0-9_-]*" + tail, name) is not None


def chunks(log: Log, size: int) -> Iterator[bytes]:
    """The bytes of ``log`` from the beginning. Raises :data:`READ_ERRORS` where a compressed file is damaged."""
    with log.open() as file:
        while data := file.read(size):
            yield data
