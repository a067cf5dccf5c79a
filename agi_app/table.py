"""The open connections of the AGI server: what each one waits for, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Generic, TypeVar

from agi_app.limits import Limits

T = TypeVar("T")


class Phase(StrEnum):
    """What a connection waits for; each has one deadline of its own."""

    REQUEST = "request"
    HANDLER = "handler"
    REPLY = "reply"


class Table(Generic[T]):
    """Connections by phase. All of a phase wait equally long, so the first one in is the first one due.

    No timer per connection: whoever owns the table asks for :meth:`due` now and then. Times are seconds of any one
    clock that only goes forward.
    """

    def __init__(self, limits: Limits) -> None:
        """``limits`` gives the seconds of each phase and the number of connections."""
        self._room = limits.max_connections
        self._seconds = {
            Phase.REQUEST: limits.environment_seconds,
            Phase.HANDLER: limits.session_seconds,
            Phase.REPLY: limits.command_seconds,
        }
        self._due: dict[Phase, dict[T, float]] = {phase: {} for phase in Phase}
        self._phase: dict[T, Phase] = {}

    def __len__(self) -> int:
        """How many connections are open."""
        return len(self._phase)

    def __iter__(self) -> Iterator[T]:
        """All of them, as they are now."""
        return iter(list(self._phase))

    def full(self) -> bool:
        """Whether there is no room for one more."""
        return len(self._phase) >= self._room

    def enter(self, connection: T, phase: Phase, now: float) -> None:
        """``connection`` waits in ``phase`` from ``now`` on, and in no other."""
        before = self._phase.get(connection)
        if before is not None:
            del self._due[before][connection]
        self._phase[connection] = phase
        self._due[phase][connection] = now + self._seconds[phase]

    def leave(self, connection: T) -> bool:
        """Forgets ``connection``; tells whether it was known."""
        phase = self._phase.pop(connection, None)
        if phase is None:
            return False
        del self._due[phase][connection]
        return True

    def without_request(self) -> T | None:
        """The one that has waited longest without sending its whole request."""
        return next(iter(self._due[Phase.REQUEST]), None)

    def due(self, now: float) -> list[tuple[T, Phase]]:
        """Those whose deadline has passed. They stay in the table until they :meth:`leave`."""
        late: list[tuple[T, Phase]] = []
        for phase, waiting in self._due.items():
            for connection, deadline in waiting.items():
                if deadline > now:
                    break
                late.append((connection, phase))
        return late
