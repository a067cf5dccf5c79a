"""From where the log must be read again so that everything which is not finished is seen whole."""

from __future__ import annotations

from typing import NamedTuple

from waybell.calls.logs import Place


class Mark(NamedTuple):
    """A chunk of the log: which one since the reading began, and where it stands."""

    chunk: int
    place: Place | None


class Places:
    """``now`` is the chunk that is being read, ``numbered`` the one in which the newest numbered channel began.

    Of a finished conversation the tail is read again, if another one that goes on began before its end; the journal
    knows it by its ``linkedid`` and takes no harm. But of one that had several, the tail alone would not tell that
    they belong together. So those are read again whole.
    """

    def __init__(self) -> None:
        self.now = Mark(0, None)
        self.numbered: Mark | None = None
        self._joined: list[tuple[Mark, int]] = []

    def begin(self, place: Place | None) -> None:
        """A chunk begins at ``place``."""
        self.now = Mark(self.now.chunk + 1, place)

    def finished(self, first: Mark) -> None:
        """A conversation with several ``linkedid``, which began in the chunk ``first``, is over."""
        self._joined.append((first, self.now.chunk))

    def reread(self, oldest: Mark) -> Mark:
        """Where to begin, so as to see a conversation whole that began at ``oldest``, which is the oldest."""
        mark = oldest
        while self._joined:
            earlier = [first for first, last in self._joined if first.chunk < mark.chunk <= last]
            if not earlier:
                break
            mark = min(earlier, key=lambda first: first.chunk)
        self.forget_before(mark)
        return mark

    def forget_before(self, mark: Mark) -> None:
        """Nothing before ``mark`` will be read again, but for the newest numbered channel."""
        if self._joined:
            chunk = min(mark.chunk, self.numbered.chunk) if self.numbered else mark.chunk
            self._joined = [(first, last) for first, last in self._joined if last >= chunk]
