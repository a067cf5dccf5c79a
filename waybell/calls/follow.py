"""Follows the event log while others write and rotate it.

Rotation by renaming: the old file is finished through the descriptor that is held, then the next one begins.
Rotation by copying and truncating: the copy is finished. Rotated while we were away: the file is found again by its
content. Nothing here waits or sleeps: ``poll`` gives what there is.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from waybell.calls.logs import READ_ERRORS, Log, LogId, Place, after, head_of, identify, logs_of

_FILES_A_POLL = 64
_STEP = 512 * 1024  # about 2 ms of decompressing


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some bytes of a log and where they stood; ``more``: the next ones are there already.

    Without any data it is a step of the way to the place in a compressed file from where on there will be some.
    """

    log: LogId
    offset: int
    data: bytes
    more: bool


@dataclass(slots=True)
class _Reading:
    """The file that is being read; ``live`` when it had the log's own name as it was opened.

    ``skip``: bytes before ``offset`` that are still to be passed over; a compressed file can only be read forward.
    """

    file: IO[bytes]
    log: Log
    id: LogId
    offset: int
    live: bool
    skip: int = 0
    replaced: bool = False


class Follower:
    """Gives the log's bytes in order, from ``place`` on, or from the oldest file when there is none."""

    def __init__(self, path: Path, place: Place | None, *, size: int = 128 * 1024) -> None:
        """``size``: how many bytes one poll gives at most, unless it asks for fewer."""
        self._path = path
        self._place = place
        self._size = size
        self._finished = False
        self._reading: _Reading | None = None

    def close(self) -> None:
        """Let go of the file; the next ``poll`` would go on from the same byte."""
        if self._reading is not None:
            self._reading.file.close()
            self._reading = None

    def behind(self) -> int:
        """How many bytes of the log are still to be read, as they lie on the disk. Raises :class:`OSError`."""
        reading = self._reading
        if reading is not None and reading.live:
            return max(0, os.fstat(reading.file.fileno()).st_size - reading.offset)
        if not self._path.parent.is_dir():
            return 0
        todo = after(logs_of(self._path), self._place)
        return sum(max(0, log.path.stat().st_size - (0 if log.compressed else offset)) for log, offset in todo)

    def poll(self, size: int | None = None) -> Chunk | None:
        """The next bytes, or ``None`` when there are none for now (or the log is not there yet).

        Raises :class:`OSError` when the log may not be read; it can be polled again after that.
        """
        for _ in range(_FILES_A_POLL):
            reading = self._reading or self._open()
            if reading is None:
                return None
            if reading.skip:
                self._step(reading)
                return Chunk(reading.id, reading.offset, b"", more=True)
            wanted = size or self._size
            data = self._read(reading, wanted)
            if data:
                return self._chunk(reading, data, more=len(data) == wanted)
            if not self._is_over(reading):
                return None
            self.close()
        return None

    def _open(self) -> _Reading | None:
        """The file to go on with, if there is one and its first line is finished."""
        if not self._path.parent.is_dir():
            return None
        todo = after(logs_of(self._path), self._place)
        if self._finished and todo and self._place and todo[0][0].id == self._place.log:
            todo = todo[1:]
        if not todo or todo[0][0].id is None:
            return None
        self._reading = _reading(*todo[0], live=todo[0][0].path == self._path)
        self._place = Place(self._reading.id, self._reading.offset)
        self._finished = False
        return self._reading

    def _step(self, reading: _Reading) -> None:
        passed = 0
        with contextlib.suppress(*READ_ERRORS):  # of a damaged file nothing more will come, and the next one follows
            passed = len(reading.file.read(min(reading.skip, _STEP)))
        reading.skip = reading.skip - passed if passed else 0

    def _read(self, reading: _Reading, size: int) -> bytes:
        try:
            data = reading.file.read(size)
        except READ_ERRORS:
            return b""
        return data if data and _is_whole(reading, len(data)) else b""

    def _chunk(self, reading: _Reading, data: bytes, *, more: bool) -> Chunk:
        chunk = Chunk(reading.id, reading.offset, data, more)
        reading.offset += len(data)
        reading.replaced = False
        self._place = Place(reading.id, reading.offset)
        return chunk

    def _is_over(self, reading: _Reading) -> bool:
        """Whether nothing more will come from this file. Call only when there is nothing more to read."""
        if not _is_whole(reading, 0):
            return True  # truncated: its copy, or the new content, is found by the next _open
        if reading.live and not self._is_replaced(reading):
            return False
        self._finished = True
        return True

    def _is_replaced(self, reading: _Reading) -> bool:
        """Whether the log's name stands for another file, and did at the last poll: a last record may be on its way."""
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        held = os.fstat(reading.file.fileno())
        if (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino):
            return False
        seen, reading.replaced = reading.replaced, True
        return seen


def _reading(log: Log, offset: int, *, live: bool) -> _Reading:
    assert log.id is not None
    file = log.open()
    if log.compressed:
        return _Reading(file, log, log.id, offset, live, skip=offset)
    offset = min(offset, os.fstat(file.fileno()).st_size)
    file.seek(offset)
    return _Reading(file, log, log.id, offset, live)


def _is_whole(reading: _Reading, read: int) -> bool:
    """Whether the file still is the one that was opened: neither cut nor filled anew."""
    if reading.log.compressed:
        return True
    size = os.fstat(reading.file.fileno()).st_size
    return size >= reading.offset + read and identify(head_of(reading.file)) == reading.id
