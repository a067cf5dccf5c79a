"""Numbers of people as they may be shown to others. Pure."""

from __future__ import annotations

_SHOWN = 4
_LONGEST_EXTENSION = 6


def masked(number: str | None) -> str | None:
    """``number`` with only its last four digits; an extension of the company's is nobody's secret."""
    if number is None or len(number) <= _LONGEST_EXTENSION:
        return number
    return "*" * (len(number) - _SHOWN) + number[-_SHOWN:]
