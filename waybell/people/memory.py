"""People without a database, for tests of whatever asks for people. It behaves as the SQL adapter does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from waybell.people.rows import arrange
from waybell.people.values import Identity, Lookup, Source


class MemoryPeople:
    """The ``People`` port on a dictionary: E.164 digits without plus to who is behind them.

    ``people`` may be changed while it is in use.
    """

    def __init__(self, people: Mapping[str, Iterable[Identity]]) -> None:
        self.people = {number: arrange(found) for number, found in people.items()}
        self._failure = ""

    def fail(self, why: str) -> None:
        """From now on every answer is empty because of ``why``; :meth:`recover` ends it."""
        self._failure = why

    def recover(self) -> None:
        """Answer again."""
        self._failure = ""

    async def identify(self, number: str) -> Lookup:
        """Everybody behind ``number``."""
        if self._failure:
            return Lookup((), Source.FALLBACK, self._failure)
        return Lookup(self.people.get(number, ()), Source.CRM)
