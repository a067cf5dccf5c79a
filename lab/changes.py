"""Waiting for a condition to become true, woken by whoever changes what it looks at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


class Changes:
    """``tell`` after every change; ``until`` looks again after each."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Wakes all who wait."""
        self._event.set()

    async def until(self, look: Callable[[], Value | None], deadline: float, what: Callable[[], str]) -> Value:
        """The first true value of ``look``. Raises ``TimeoutError`` with ``what()`` after ``deadline`` seconds."""
        try:
            async with asyncio.timeout(deadline):
                while not (value := look()):
                    self._event.clear()
                    await self._event.wait()
                return value
        except TimeoutError:
            raise TimeoutError(f"not within {deadline:g} s: {what()}") from None
