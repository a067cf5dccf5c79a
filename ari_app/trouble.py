"""Telling trouble once: what keeps happening is counted, and what ends is told only when its beginning was."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol


class Log(Protocol):
    """What we need of a structlog logger."""

    def error(self, event: str, **details: Any) -> Any:
        """Writes one line."""
        ...

    def info(self, event: str, **details: Any) -> Any:
        """Writes one line."""
        ...


class Trouble:
    """One kind of trouble. The same ``why`` is written once in ``again_after`` seconds, with how often it came."""

    def __init__(self, log: Log, again_after: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds and only goes forward."""
        self._log, self._again_after, self._clock = log, again_after, clock
        self._told: dict[str, float] = {}
        self._held_back = 0
        self._open = False

    def tell(self, event: str, why: str, **details: Any) -> None:
        """``event`` has happened because of ``why``."""
        now = self._clock()
        if now - self._told.get(why, now - self._again_after) < self._again_after:
            self._held_back += 1
            return
        self._told = {known: at for known, at in self._told.items() if now - at < self._again_after}
        self._told[why] = now
        if self._held_back:
            details["times_before"] = self._held_back
        self._held_back, self._open = 0, True
        self._log.error(event, why=why, **details)

    def over(self, event: str, **details: Any) -> None:
        """It is well again; nothing is written when nobody was told of the trouble."""
        if self._open:
            self._open = False
            self._log.info(event, **details)
