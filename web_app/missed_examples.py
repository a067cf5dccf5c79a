"""What OpenAPI shows of missed calls."""

from __future__ import annotations

from typing import Any, Final

_OPEN: dict[str, Any] = {
    "id": "pbx1-1795304204.0",
    "state": "open",
    "caller": {"number": "79161234567", "name": "Анна Петрова", "kind": "recipient", "id": "10"},
    "numbers": ["79161234567"],
    "parcel": "10",
    "courier": "11",
    "client": "101",
    "manager": "199,100",
    "calls": ["pbx1-1795304204.0", "pbx1-1795304324.7"],
    "count": 2,
    "first_at": "2026-11-21T23:36:44.854863Z",
    "last_at": "2026-11-21T23:38:44.120004Z",
    "rung": [{"number": "79010000011", "times": 2}, {"number": "199", "times": 1}],
    "closed": None,
}
_CLOSED = _OPEN | {
    "state": "closed",
    "closed": {
        "at": "2026-11-21T23:52:10.500000Z",
        "call": "pbx1-cb4f1c2a9e0b7d4c58",
        "direction": "callback",
        "by": {"number": "79010000011", "name": "Борис", "kind": "courier", "id": "11"},
    },
}
_CURSOR = "NWE3ZjAwMTI6MTc5NDY5OTQwNDg1NDg2MzoxNzk1MzA0MjA0ODU0ODYzOjE3OTUzMDQyMDQ4NTQ4NjM6cGJ4MS0xNzk1MzA0MjA0LjA"

ANSWERS: Final = {
    "#/components/schemas/MissedPageDocument": {
        "open": {"missed": [_OPEN], "cursor": _CURSOR},
        "closed": {"missed": [_CLOSED], "cursor": None},
    }
}
"""Schema of an answer → its examples."""


def listed() -> dict[int | str, dict[str, Any]]:
    """The answer to the question for missed calls."""
    return {200: {"description": "A page of them"}}
