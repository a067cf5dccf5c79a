"""Logging what a peer can make happen a thousand times a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


class Log(Protocol):
    """What we need of a structlog logger."""

    def warning(self, event: str, **details: Any) -> Any:
        """Writes one line."""
        ...

    def info(self, event: str, **details: Any) -> Any:
        """Writes one line."""
        ...


@dataclass(slots=True)
class _Window:
    started: float
    held_back: int = 0


class Throttled:
    """Warnings, one line per event name and ``seconds``; what was held back is told as a count.

    The first of a kind is written at once with its details. :meth:`flush` writes the counts of windows that are
    over; call it now and then. ``clock`` gives seconds and only goes forward.
    """

    def __init__(self, log: Log, seconds: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        """``log`` is written to; nothing is written from here."""
        self._log = log
        self._seconds = seconds
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def warning(self, event: str, **details: Any) -> None:
        """Writes ``event``, or counts it when the same one was written less than ``seconds`` ago."""
        now = self._clock()
        window = self._windows.get(event)
        if window and now - window.started < self._seconds:
            window.held_back += 1
            return
        if window and window.held_back:
            details["times_before"] = window.held_back
        self._windows[event] = _Window(now)
        self._log.warning(event, **details)

    def flush(self, everything: bool = False) -> bool:
        """Writes the counts that are due (or ``everything``); tells whether some are still to come."""
        now = self._clock()
        for event, window in list(self._windows.items()):
            if everything or now - window.started >= self._seconds:
                del self._windows[event]
                if window.held_back:
                    self._log.warning(event, more_times=window.held_back)
        return bool(self._windows)
