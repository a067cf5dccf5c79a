"""A recording as it is read: values, errors and the port behind which it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

# What Asterisk writes: 16-bit PCM, mono, 8 kHz, behind a header of 44 bytes.
_HEADER = 44
_BYTES_A_SECOND = 16_000


class MissingError(Exception):
    """There is no such file."""


class UnavailableError(Exception):
    """The place where recordings are gives no answer, or not in time (``slow``); the text says what went wrong."""

    def __init__(self, problem: str, *, slow: bool = False) -> None:
        super().__init__(problem)
        self.slow = slow


class BusyError(Exception):
    """As many recordings are being read as may be at once."""


@dataclass(frozen=True, slots=True)
class Facts:
    """``size`` in bytes; ``version`` is another one whenever the file is."""

    size: int
    version: str

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return round(max(self.size - _HEADER, 0) / _BYTES_A_SECOND, 1)


class Sound(Protocol):
    """An open file. Every method raises :class:`UnavailableError`, within the time that its place was given."""

    facts: Facts

    async def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` up to ``end``; fewer only at the file's end."""
        ...

    async def close(self) -> None:
        """Lets go of it. Never raises and never takes long."""
        ...


class Place(Protocol):
    """Where recordings are kept."""

    async def open(self, file: str) -> Sound:
        """``file`` is below the place's folder. Raises :class:`MissingError` and :class:`UnavailableError`."""
        ...

    async def remove(self, file: str) -> None:
        """Deletes ``file``. Raises as :meth:`open` does."""
        ...

    async def look(self) -> None:
        """Returns if the folder itself can be read. Raises as :meth:`open` does."""
        ...
