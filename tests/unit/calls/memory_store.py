"""A journal store in memory that behaves as the real one; one contract test runs against both."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from waybell.calls.logs import Place
from waybell.calls.values import Call, Status


class MemoryJournalStore:
    """``rows`` by id; ``saves`` and ``failures`` count. While ``failure`` is set, nothing can be written."""

    def __init__(self) -> None:
        self.rows: dict[str, Call] = {}
        self.saves = 0
        self.failures = 0
        self.failure: Exception | None = None
        self.saved_place: Place | None = None

    async def place(self) -> Place | None:
        """See ``JournalStore``."""
        if self.failure:
            raise self.failure
        return self.saved_place

    async def save(
        self, final: Sequence[Call], provisional: Sequence[Call], place: Place | None, gone: Collection[str] = ()
    ) -> None:
        """See ``JournalStore``."""
        if self.failure:
            self.failures += 1
            raise self.failure
        self.saves += 1
        for key in gone:
            if key in self.rows and self.rows[key].status is Status.IN_PROGRESS:
                del self.rows[key]
        self.rows.update((call.id, call) for call in final)
        for call in provisional:
            known = self.rows.get(call.id)
            if known is None or known.status is Status.IN_PROGRESS:
                self.rows[call.id] = call
        self.saved_place = place or self.saved_place
