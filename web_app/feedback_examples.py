"""What OpenAPI shows of ratings."""

from __future__ import annotations

from typing import Any, Final

_SAID: Final[dict[str, Any]] = {
    "call": "pbx1-1795304204.0",
    "at": "2026-11-21T23:37:02.854863Z",
    "rating": 5,
    "comment": "20261121-c0f6927670789d733af7",
    "number": "79161234567",
    "parcel": "10",
    "courier": "11",
    "operator": None,
    "client": "101",
    "manager": None,
}
ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "#/components/schemas/FeedbackDocument": {"page": {"feedback": [_SAID], "cursor": None}},
    "#/components/schemas/AveragesDocument": {
        "couriers": {"averages": [{"key": "11", "asked": 40, "rated": 17, "average": 4.59}]}
    },
}
"""Schema of an answer → its examples."""
