"""A person whom nobody answered, as values. No I/O. Times are microseconds since 1970 (UTC)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from waybell.calls.queries import CallFilter
from waybell.calls.values import Direction, Party


class State(StrEnum):
    """Whether somebody still waits to be called back."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Rung:
    """A phone that rang for a caller and was not answered, and how often."""

    number: str
    times: int


@dataclass(frozen=True, slots=True)
class Reach:
    """How one side reached the other: in the call ``call``, answered at ``at``. ``by`` is whoever that was here."""

    at: int
    call: str
    direction: Direction
    by: Party


@dataclass(frozen=True, slots=True)
class Missed:
    """Somebody who called about one parcel, once or often, and was not answered. ``id``: the first call's.

    ``caller``, ``courier``, ``client`` and ``manager`` are those of the last call; ``numbers`` all that were called
    from; ``calls`` the ids of all calls, in order. ``closed``: how the two came to talk after all.
    """

    id: str
    caller: Party
    numbers: tuple[str, ...]
    parcel: str | None
    courier: str | None
    client: str | None
    manager: str | None
    calls: tuple[str, ...]
    first_at: int
    last_at: int
    rung: tuple[Rung, ...] = ()
    closed: Reach | None = None


@dataclass(frozen=True, slots=True)
class MissedFilter:
    """Which to show. ``calls`` describes the last missed call; what began before its ``since`` is not looked at."""

    calls: CallFilter = CallFilter()  # noqa: RUF009 -- a value
    state: State = State.OPEN


@dataclass(frozen=True, slots=True)
class Page:
    """Some of them, that with the latest call first. ``cursor`` gives the next ones; it is empty at the end."""

    missed: tuple[Missed, ...]
    cursor: str
