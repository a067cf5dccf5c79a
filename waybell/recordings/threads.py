"""Work that blocks, each in a thread of its own, with a bound and a deadline.

A peer that hangs holds its thread for as long as it likes; nobody waits for that thread, and it is one of few.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from waybell.recordings.sounds import UnavailableError

T = TypeVar("T")


class Threads:
    """At most ``most`` at once."""

    def __init__(self, most: int) -> None:
        self._free = most

    @property
    def free(self) -> int:
        """How many more may begin."""
        return self._free

    async def run(self, work: Callable[[], T], seconds: float) -> T:
        """What ``work`` returns or raises. Raises :class:`UnavailableError` when it takes longer, or none is free."""
        if self._free <= 0:
            raise UnavailableError("every thread for recordings waits for a place that gives no answer", slow=True)
        self._free -= 1
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def finish(result: T | None, error: BaseException | None) -> None:
            self._free += 1
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type] # it is what work returned

        def thread() -> None:
            result, error = None, None
            try:
                result = work()
            except Exception as problem:
                error = problem
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(finish, result, error)

        # Not of the loop's own pool: that one is waited for at the end, and a hanging peer would hold the process.
        threading.Thread(target=thread, name="recordings", daemon=True).start()
        try:
            async with asyncio.timeout(seconds):
                return await done
        except TimeoutError:
            raise UnavailableError(f"no answer within {seconds:g} seconds", slow=True) from None
