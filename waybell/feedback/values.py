"""What callers said of calls: frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from waybell.calls.values import iso


class By(StrEnum):
    """Whose ratings are put together. ``day``: that of the rating, in UTC."""

    COURIER = "courier"
    OPERATOR = "operator"
    MANAGER = "manager"
    CLIENT = "client"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Said:
    """One caller's word on one call. Times are microseconds since 1970 (UTC)."""

    call_id: str
    asked_at: int
    rated_at: int
    rating: int
    comment: str | None
    number: str | None
    parcel: str | None
    courier: str | None
    operator: str | None
    client: str | None
    manager: str | None

    def as_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "call": self.call_id,
            "at": iso(self.rated_at),
            "rating": self.rating,
            "comment": self.comment,
            "number": self.number,
            "parcel": self.parcel,
            "courier": self.courier,
            "operator": self.operator,
            "client": self.client,
            "manager": self.manager,
        }


@dataclass(frozen=True, slots=True)
class Average:
    """Of ``asked`` callers ``rated`` gave a rating; ``average`` is theirs, ``None`` where nobody did."""

    key: str
    asked: int
    rated: int
    average: float | None


@dataclass(frozen=True, slots=True)
class FeedbackFilter:
    """What is looked for; empty: anything. ``since`` and ``until`` are microseconds since 1970 (UTC)."""

    since: int | None = None
    until: int | None = None
    rating: int | None = None
    courier: str = ""
    operator: str = ""
    manager: str = ""
    client: str = ""
    parcel: str = ""
    number: str = ""
